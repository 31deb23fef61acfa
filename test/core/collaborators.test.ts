/**
 * What others wrote may do anything. Each member of a port, with each way to fail: the pool keeps its band with those that are not
 * concerned, stops within five seconds, and nothing is left uncaught. The storage has a test of its own: flows/faulty-storage.test.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Link, Network, PeerId, Point, PoolOptions } from '../../src/core/index.ts'
import { plainRecords } from '../support/plain-records.ts'
import { type Member, record, World } from '../support/pools.ts'

type Fault = (right: () => unknown) => unknown

const faults: Readonly<Record<string, Fault>> = {
  throws: () => {
    throw new Error('broken on purpose')
  },
  rejects: () => Promise.reject(new Error('broken on purpose')),
  'never settles': () => new Promise(() => undefined),
  'settles twice': (right) => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the fault.
    then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
      resolve(right())
      resolve('again')
      reject(new Error('broken on purpose'))
    }
  }),
  'gives nonsense': () => ({ nonsense: [undefined] })
}

/** Two that are always there, and one whose calls fail. */
const band = { minConnections: 2, expectedConnections: 3, maxConnections: 6, timeBetweenSearchesMs: 1_000, maintenanceIdleMs: 10_000 }
const stopWithinMs = 5_000

const uncaught: unknown[] = []
const caught = (error: unknown): void => void uncaught.push(error)

beforeEach(() => {
  uncaught.length = 0
  process.on('unhandledRejection', caught)
  process.on('uncaughtException', caught)
})

afterEach(() => {
  process.off('unhandledRejection', caught)
  process.off('uncaughtException', caught)
})

async function world(options: Partial<PoolOptions> = {}): Promise<{ world: World; a: Member; odd: Member }> {
  const made = new World(7)
  const [, , odd] = [await made.start('b'), await made.start('c'), await made.start('d')]
  const a = made.make('a', { ...band, ...options })
  for (const { network } of made.members) if (network !== a.network) a.pool.registerPoint(network.point)
  return { world: made, a, odd: odd as Member }
}

/** In its band for a minute, then stopped in time; nothing uncaught. */
async function holds({ world: made, a }: { world: World; a: Member }): Promise<void> {
  await made.clock.advance(60_000)
  expect([a.pool.status, a.pool.activeConnections >= band.minConnections]).toEqual(['running', true])
  a.pool.suspend().catch(caught)
  await made.clock.advance(1_000)
  a.pool.resume()
  await made.clock.advance(10_000)
  expect([a.pool.status, a.pool.activeConnections >= band.minConnections]).toEqual(['running', true])
  await stops({ world: made, a })
}

async function stops({ world: made, a }: { world: World; a: Member }): Promise<void> {
  await made.clock.until(a.pool.stop(), stopWithinMs)
  expect([a.pool.status, a.pool.activeConnections, a.pool.snapshot().outgoingAttempts]).toEqual(['stopped', 0, 0])
  await new Promise((resolve) => setImmediate(resolve))
  expect(uncaught).toEqual([])
}

/** Methods that the memory network does without. */
const optional: ReadonlySet<string> = new Set(['rest', 'endOlder'])

/** Replaces a member: a method, or a getter that gives the value at once. */
function replace<T extends object>(
  target: T,
  name: keyof T & string,
  make: (was: (...args: readonly unknown[]) => unknown) => unknown
): void {
  const was: unknown = Reflect.get(target, name)
  if (typeof was === 'function')
    Reflect.set(
      target,
      name,
      make((...args) => Reflect.apply(was, target, args))
    )
  else if (optional.has(name))
    Reflect.set(
      target,
      name,
      make(() => undefined)
    )
  else Object.defineProperty(target, name, { configurable: true, get: make(() => was) as () => unknown })
}

/** The network's members, and whether their calls fail for one point alone: without any dial there is no band to keep. */
const ofNetwork: readonly (keyof Network & string)[] = [
  'transports',
  'ownPoints',
  'tryParsePoint',
  'tryParsePeerId',
  'endOlder',
  'rest',
  'budget',
  'records'
]
const ofPoint: readonly (keyof Network & string)[] = ['canDial', 'dial']
const ofLink: readonly (keyof Link & string)[] = ['send', 'drained', 'close', 'abort', 'probe', 'chunks', 'over']

describe.each(Object.entries(faults))('%s', (_, fault) => {
  it.each(ofNetwork)('network.%s', async (name) => {
    const made = await world()
    replace<Network>(
      made.a.network,
      name,
      (was) =>
        (...args: readonly unknown[]) =>
          fault(() => was(...args))
    )
    await made.world.clock.until(made.a.pool.start())
    await holds(made)
  })

  it.each(ofPoint)('network.%s, of one point', async (name) => {
    const made = await world()
    const { odd, a } = made
    replace<Network>(
      a.network,
      name,
      (was) =>
        (...args: readonly unknown[]) =>
          args[0] === odd.network.point ? fault(() => was(...args)) : was(...args)
    )
    await made.world.clock.until(a.pool.start())
    await holds(made)
  })

  it('network.start: the pool is stopped then, and starts once the network does', async () => {
    const made = await world()
    const { a } = made
    const start = a.network.start.bind(a.network)
    replace<Network>(
      a.network,
      'start',
      (was) =>
        (...args: readonly unknown[]) =>
          fault(() => was(...args))
    )
    const outcome = await made.world.clock.until(
      a.pool.start().then(
        () => 'started',
        () => 'refused'
      )
    )
    await made.world.clock.advance(1_000)
    expect(a.pool.status).toBe(outcome === 'started' ? 'running' : 'stopped')
    await stops(made)
    a.network.start = start
    await made.world.clock.until(a.pool.start())
    await holds(made)
  })

  it('network.stop', async () => {
    const made = await world()
    replace<Network>(
      made.a.network,
      'stop',
      (was) =>
        (...args: readonly unknown[]) =>
          fault(() => was(...args))
    )
    await made.world.clock.until(made.a.pool.start())
    await holds(made)
  })

  it('network.records.own and open', async () => {
    for (const name of ['own', 'open'] as const) {
      const made = await world()
      const { a, odd } = made
      odd.network.records = plainRecords('d' as PeerId, () => odd.network.ownPoints())
      const records = plainRecords('a' as PeerId, () => a.network.ownPoints())
      replace(
        records,
        name,
        (was) =>
          (...args: readonly unknown[]) =>
            fault(() => was(...args))
      )
      a.network.records = records
      await made.world.clock.until(a.pool.start())
      await holds(made)
    }
  })

  it.each(ofLink)('link.%s, of the links with one peer', async (name) => {
    for (const isDialed of [true, false]) {
      const made = await world()
      const { a, odd } = made
      const breaks = (link: Link): Link => {
        if (link.peerId !== 'd') return link
        const copy = Object.create(link) as Link
        for (const key of ['peerId', 'host', 'remoteAddress', 'chunks', 'over', 'direction', 'transport'] as const)
          Object.defineProperty(copy, key, { configurable: true, value: link[key] })
        for (const key of ['send', 'drained', 'close', 'abort', 'probe'] as const)
          Object.defineProperty(copy, key, {
            configurable: true,
            writable: true,
            value: (...args: readonly unknown[]) => Reflect.apply(link[key], link, args)
          })
        replace<Link>(
          copy,
          name,
          (was) =>
            (...args: readonly unknown[]) =>
              fault(() => was(...args))
        )
        return copy
      }
      const dial = a.network.dial.bind(a.network)
      a.network.dial = async (point, options) => breaks(await dial(point, options))
      const start = a.network.start.bind(a.network)
      a.network.start = (handlers) => start({ ...handlers, incoming: (link) => handlers.incoming(breaks(link)) })
      if (!isDialed) a.pool.unregisterPoint(odd.network.point)
      await made.world.clock.until(a.pool.start())
      if (!isDialed) void odd.pool.connect(a.network.point).catch(() => undefined)
      await made.world.clock.advance(10_000)
      a.pool.broadcast(new Uint8Array(1))
      await holds(made)
    }
  })

  it.each(['initial', 'toJson', 'fromJson', 'score'] as const)('peerMetadata.%s', async (name) => {
    const peerMetadata = {
      initial: () => ({}) as unknown,
      toJson: (meta: unknown) => meta,
      fromJson: (value: unknown) => value,
      score: () => 1
    }
    const made = await world({ peerMetadata: { ...peerMetadata, [name]: () => fault(() => 1) } })
    await made.world.clock.until(made.a.pool.start())
    await made.world.clock.advance(30_000)
    expect(made.a.pool.snapshot().storage).toMatchObject({ mode: 'persistent', failure: null })
    for (const [peerId, info] of made.a.pool.peers.known()) {
      made.a.pool.peers.getScore(peerId)
      made.a.pool.peers.describe(info)
    }
    await holds(made)
  })

  it.each(['own', 'encode'] as const)('connectionMetadata: %s', async (name) => {
    const own = () => new Uint8Array([1])
    const encode = (bytes: Uint8Array) => bytes
    const broken = () => fault(() => new Uint8Array([1])) as Uint8Array
    const made = await world({
      connectionMetadata: {
        own: name === 'own' ? broken : own,
        codec: { encode: name === 'encode' ? broken : encode, decode: (bytes) => bytes }
      }
    })
    await made.world.clock.until(made.a.pool.start())
    await holds(made)
  })

  it('messageCodec.encode: the call rejects, and nothing else happens', async () => {
    const made = await world({ messageCodec: { encode: () => fault(() => 1) as Uint8Array, decode: (bytes) => bytes } })
    await made.world.clock.until(made.a.pool.start())
    await made.world.clock.advance(10_000)
    expect(() => made.a.pool.broadcast(new Uint8Array(1))).toThrow(/messageCodec\.encode/)
    await expect(made.a.pool.connections.list()[0]?.send(new Uint8Array(1))).rejects.toMatchObject({ code: 'invalid-argument' })
    await holds(made)
  })

  it('messageCodec.decode and connectionMetadata.codec.decode, of one peer', async () => {
    const isOdd = (bytes: Uint8Array): boolean => bytes[0] === 13
    const decode = (bytes: Uint8Array): Uint8Array => (isOdd(bytes) ? (fault(() => bytes) as Uint8Array) : bytes)
    const codec = { encode: (bytes: Uint8Array) => bytes, decode }
    const made = await world({ messageCodec: codec, connectionMetadata: { own: () => new Uint8Array(0), codec } })
    await made.world.clock.until(made.a.pool.start())
    await made.world.clock.advance(10_000)
    made.odd.pool.broadcast(new Uint8Array([13]))
    await holds(made)
  })

  it('listeners of every event, and the log that is written to', async () => {
    const made = await world()
    const { a } = made
    const log = { error: () => fault(() => undefined) }
    Object.assign(a.complaints, { push: log.error })
    for (const name of ['change', 'connection-opened', 'connection-closed', 'new-peer', 'own-points-changed', 'maintenance-ended'] as const)
      a.pool.addEventListener(name, () => fault(() => undefined))
    const heard = record(a.pool, 'connection-opened')
    await made.world.clock.until(a.pool.start())
    await holds(made)
    expect(heard.length).toBeGreaterThanOrEqual(band.minConnections)
  })

  it('random.next', async () => {
    const made = await world()
    const { a } = made
    Reflect.set(a.random, 'next', () => fault(() => 0.5))
    await made.world.clock.until(a.pool.start())
    await holds(made)
  })
})

describe('a discovery that finds what it finds', () => {
  it.each<readonly [string, unknown]>([
    ['a text that is no point', { point: '198.51.100.1:4001', expectedPeerId: undefined }],
    ['a point that is not canonical', { point: '/ip4/192.0.2.1/tcp/1/p2p/x', expectedPeerId: undefined }],
    ['no text', { point: 5, expectedPeerId: undefined }],
    ['a peer id that is none', { point: '/ip4/192.0.2.1/tcp/1', expectedPeerId: '' }],
    ['nothing', undefined],
    ['a getter that throws', Object.defineProperty({}, 'point', { get: () => faults.throws?.(() => 1) })]
  ])('%s', async (_, found) => {
    const made = await world()
    const { a } = made
    await made.world.clock.until(a.pool.start())
    const known = [...a.pool.points.known()].length
    a.network.discover(found as { point: Point; expectedPeerId: PeerId | undefined })
    expect([...a.pool.points.known()].length).toBe(known)
    await holds(made)
  })
})

describe('deadlines', () => {
  it('a dial that ignores its signal gives its slot back when its time is over; a link that comes later is closed', async () => {
    const made = await world({ connectionTimeoutMs: 3_000 })
    const { a, odd } = made
    const late = Promise.withResolvers<Link>()
    const dial = a.network.dial.bind(a.network)
    a.network.dial = (point, options) => (point === odd.network.point ? late.promise : dial(point, options))
    await made.world.clock.until(a.pool.start())
    await made.world.clock.advance(2_000)
    expect(a.pool.snapshot().outgoingAttempts).toBe(1)
    await made.world.clock.advance(1_500)
    expect(a.pool.snapshot().outgoingAttempts).toBe(0)
    const link = await made.world.clock.until(dial(odd.network.point, { expectedPeerId: undefined, signal: new AbortController().signal }))
    let aborted = ''
    Reflect.set(link, 'abort', (detail: string) => {
      aborted = detail
    })
    late.resolve(link)
    await made.world.clock.advance(10)
    expect(aborted).not.toBe('')
    await holds(made)
  })

  it('a pool whose network, links and storage all hang stops within five seconds', async () => {
    const hangs = (): Promise<never> => new Promise(() => undefined)
    const storage = { name: 'stuck', open: hangs, load: hangs, save: hangs, quarantine: hangs, close: hangs }
    const made = await world({ storage })
    const { a } = made
    a.network.stop = hangs
    const dial = a.network.dial.bind(a.network)
    a.network.dial = async (point, options) => Object.assign(await dial(point, options), { close: hangs })
    await made.world.clock.until(a.pool.start())
    await made.world.clock.advance(10_000)
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(band.minConnections)
    await made.world.clock.until(a.pool.stop(), stopWithinMs)
  })

  it('a network that starts after the pool gave up is stopped', async () => {
    const made = await world()
    const { a } = made
    const gate = Promise.withResolvers<void>()
    const start = a.network.start.bind(a.network)
    a.network.start = async (handlers) => {
      await gate.promise
      await start(handlers)
    }
    await expect(made.world.clock.until(a.pool.start())).rejects.toMatchObject({ code: 'not-started' })
    gate.resolve()
    await made.world.clock.advance(100)
    expect([a.pool.status, a.network.isUp]).toEqual(['stopped', false])
  })
})

it('one failure that comes back is logged once a minute', async () => {
  const made = await world()
  const { a } = made
  a.network.canDial = () => {
    throw new Error('broken on purpose')
  }
  await made.world.clock.until(a.pool.start())
  await made.world.clock.advance(59_000)
  expect(a.complaints).toEqual(['network.canDial threw: Error: broken on purpose'])
  await made.world.clock.advance(60_000)
  expect(a.complaints.length).toBeLessThanOrEqual(3)
})
