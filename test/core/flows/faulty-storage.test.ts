/** A storage that misbehaves costs what it would keep, and nothing else: each call of it with each misbehaviour. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage, type PeerStorage, type Point, StorageError } from '../../../src/core/index.ts'
import { record, World } from '../../support/pools.ts'

type Call = 'open' | 'load' | 'save' | 'quarantine' | 'close'
const calls: readonly Call[] = ['open', 'load', 'save', 'quarantine', 'close']

const nothingToShow: unknown = Object.create(null)

/** What a call does in place of its work; `world` has the time. */
const misbehaviours: Readonly<Record<string, (world: World) => unknown>> = {
  'never settles': () => new Promise(() => undefined),
  'throws at once': () => {
    throw new Error('synchronous')
  },
  'throws undefined': () => {
    // biome-ignore lint/style/useThrowOnlyError: that is the misbehaviour
    throw undefined
  },
  'rejects with an Error': () => Promise.reject(new Error('no')),
  'rejects with undefined': () => Promise.reject(undefined),
  'rejects with what has no text': () => Promise.reject(nothingToShow),
  'rejects as broken': () => Promise.reject(new StorageError('broken', 'it says')),
  'rejects as locked': () => Promise.reject(new StorageError('locked', 'it says')),
  'returns no promise': () => undefined,
  'returns what nobody expects': () => 17,
  'resolves with an object': () => Promise.resolve(nothingToShow),
  'settles twice': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
      resolve(undefined)
      reject(new Error('twice'))
      resolve('thrice')
    }
  }),
  'throws while it is awaited': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
    get then(): never {
      throw new Error('no then')
    }
  }),
  'resolves after a minute': ({ clock }) => new Promise<void>((resolve) => void clock.schedule(60_000, resolve)),
  'rejects after a minute': ({ clock }) => new Promise<void>((_, reject) => void clock.schedule(60_000, () => reject(new Error('late'))))
}

/** A text that is quarantined, so that each call is made. */
const broken = 'no saved state'

function faulty(world: World, { call, act }: { call: Call; act: (world: World) => unknown }): PeerStorage {
  const inner = memoryStorage(broken)
  const storage: PeerStorage = {
    name: 'faulty',
    open: (signal) => inner.open(signal),
    load: (signal) => inner.load(signal),
    save: (lines) => inner.save(lines),
    quarantine: () => inner.quarantine(),
    close: () => inner.close()
  }
  return { ...storage, [call]: () => act(world) }
}

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe.each(calls)('a storage whose %s', (call) => {
  it.each(Object.entries(misbehaviours))('%s: the pool starts, connects, stops and starts again in time', async (_name, act) => {
    const world = new World()
    const { clock } = world
    const storage = faulty(world, { call, act })
    const peer = await world.start('b')
    const { pool } = world.make('a', { storage })
    const within = async (limitMs: number, work: Promise<unknown>): Promise<void> => {
      const since = clock.now()
      await clock.until(work)
      expect(clock.now() - since).toBeLessThanOrEqual(limitMs)
    }
    for (let round = 0; round < 2; round++) {
      await within(2_000, pool.start())
      expect(pool.status).toBe('running')
      pool.registerPoint('/ip4/198.51.100.7/tcp/1' as Point, { trusted: true })
      await within(1_000, pool.connect(peer.network.point))
      await within(30_000, pool.savePeers())
      await clock.advance(200_000)
      expect(pool.activeConnections).toBe(1)
      expect(pool.snapshot().storage.name).toBe('faulty')
      pool.peers.trust(pool.parsePeerId('friend'))
      await within(5_000, pool.stop())
      expect(pool.status).toBe('stopped')
    }
    await within(5_000, pool.destroy())
    await world.stop()
    await clock.advance(120_000)
    await turns()
    expect(unhandled).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('a save that does not settle', () => {
  /** Saves that are under way, each with the means to settle it. */
  function held(world: World) {
    const inner = memoryStorage()
    const begun: { text: string; signal: AbortSignal | undefined; land: () => Promise<void> }[] = []
    const storage: PeerStorage = {
      name: 'held',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      quarantine: () => inner.quarantine(),
      close: () => inner.close(),
      save: (lines, signal) =>
        new Promise((resolve) => {
          const text = [...lines].join('')
          begun.push({ text, signal, land: () => inner.save([text]).then(resolve) })
        })
    }
    return { storage, begun, world }
  }

  it('is cancelled after 30 s, and no other is begun before it settles: a late one must not replace a newer text', async () => {
    const world = new World()
    const { storage, begun } = held(world)
    const { pool } = await world.start('a', { storage })
    const events = record(pool, 'storage-failed', 'storage-recovered')
    pool.peers.trust(pool.parsePeerId('first'))
    await world.clock.advance(29_000)
    expect([begun.length, begun[0]?.signal?.aborted, events.length]).toEqual([1, false, 0])
    await world.clock.advance(600_000)
    pool.peers.trust(pool.parsePeerId('second'))
    await world.clock.advance(600_000)
    expect([begun.length, begun[0]?.signal?.aborted]).toEqual([1, true])
    expect(events.map(({ detail }) => detail)).toMatchObject([{ failure: 'unavailable', message: expect.stringContaining('30000 ms') }])

    await begun[0]?.land()
    for (let s = 0; begun.length < 2 && s < 300; s++) await world.clock.advance(1_000)
    expect(begun.length).toBe(2)
    expect(begun[1]?.text).toContain('second')
    await begun[1]?.land()
    await world.clock.advance(1)
    expect(events.map(({ type }) => type)).toEqual(['storage-failed', 'storage-recovered'])
    expect(pool.snapshot().storage).toMatchObject({ mode: 'persistent', failure: null, unsavedChanges: false })
    await world.stop()
  })

  it('is cancelled three seconds after the stop began, with its signal', async () => {
    const world = new World()
    const { storage, begun } = held(world)
    const { pool } = await world.start('a', { storage })
    pool.peers.trust(pool.parsePeerId('friend'))
    const since = world.clock.now()
    await world.clock.until(pool.stop())
    expect(world.clock.now() - since).toBe(3_000)
    expect(begun.map(({ signal }) => signal?.aborted)).toEqual([true])
  })
})

describe('a text that cannot be read', () => {
  it.each(['never settles', 'rejects with an Error', 'throws at once'])('is never overwritten if its quarantine %s', async (name) => {
    const world = new World()
    const inner = memoryStorage(broken)
    const saved: string[] = []
    const storage: PeerStorage = {
      name: 'stuck',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      save: async (lines) => void saved.push([...lines].join('')),
      quarantine: () => misbehaviours[name]?.(world) as Promise<string>,
      close: () => inner.close()
    }
    const { pool } = await world.start('a', { storage })
    pool.peers.trust(pool.parsePeerId('friend'))
    await world.clock.advance(600_000)
    expect(pool.snapshot().storage).toMatchObject({ mode: 'memory', unsavedChanges: true })
    await world.stop()
    expect(saved).toEqual([])
  })

  it.each([
    ['a number', 17],
    ['null', null],
    ['bytes', new Uint8Array(3)],
    ['a list', []]
  ])('because the storage gives %s is quarantined', async (_name, value) => {
    const world = new World()
    const inner = memoryStorage(broken)
    const storage = {
      ...faulty(world, { call: 'load', act: () => value }),
      quarantine: () => inner.quarantine(),
      open: inner.open.bind(inner)
    }
    const { pool } = world.make('a', { storage })
    const events = record(pool, 'storage-failed')
    await world.clock.until(pool.start())
    await world.clock.advance(1)
    expect(events.map(({ detail }) => detail)).toMatchObject([{ failure: 'broken', quarantinedAs: 'memory.broken-1' }])
    await world.stop()
  })
})

describe('a text that takes long to read', () => {
  /** A pool on a slow machine: each turn that reading takes costs 50 ms. */
  function slow() {
    const world = new World()
    const { clock } = world
    const [now, schedule] = [clock.now.bind(clock), clock.schedule.bind(clock)]
    let asked = 0
    clock.now = () => now() + asked++ * 10
    clock.schedule = (delayMs, fn) => schedule(delayMs === 0 ? 50 : delayMs, fn)
    const peers = Array.from({ length: 10_000 }, (_, i) => ({ kind: 'peer', peerId: `p${i}`, served: 1 }))
    const text = [{ format: 'p2p-pool', version: 1 }, ...peers].map((line) => JSON.stringify(line)).join('\n')
    const { pool } = world.make('a', { storage: memoryStorage(text), maxKnownPeers: { max: 20_000, target: 20_000 } })
    return { world, pool, now }
  }

  it('does not hold the start, is read behind the running pool, and taken once', async () => {
    const { world, pool, now } = slow()
    const events = record(pool, 'storage-failed', 'storage-loaded')
    await world.clock.until(pool.start())
    expect([now(), pool.status, pool.peers.info(pool.parsePeerId('p7'))]).toEqual([2_000, 'running', undefined])
    await world.clock.advance(30_000)
    expect(events.map(({ type }) => type)).toEqual(['storage-failed', 'storage-loaded'])
    expect(pool.peers.info(pool.parsePeerId('p7'))?.served).toBe(1)
    await world.clock.until(pool.stop())
    await world.clock.until(pool.start())
    expect(pool.peers.info(pool.parsePeerId('p7'))?.served).toBe(1)
    await world.clock.until(pool.stop())
  })

  it.each([100, 1_000, 2_040, 8_000, 11_900])('does not hold a stop after %i ms either, and nothing is left of it', async (afterMs) => {
    const { world, pool, now } = slow()
    const starting = pool.start()
    await world.clock.advance(afterMs)
    const since = now()
    await world.clock.until(pool.stop())
    expect(now() - since).toBeLessThanOrEqual(1_200)
    await world.clock.until(starting)
    await world.clock.advance(100)
    expect([pool.status, world.clock.pending]).toEqual(['stopped', 0])
  })
})

describe('a storage that was taken away', () => {
  it('is opened again once, whatever it says and however often', async () => {
    const world = new World()
    const inner = memoryStorage()
    const losses: ((error: StorageError) => void)[] = []
    let opened = 0
    const storage: PeerStorage = {
      name: 'lost',
      open: (signal, lost) => {
        opened++
        if (lost !== undefined) losses.push(lost)
        return inner.open(signal)
      },
      load: (signal) => inner.load(signal),
      save: (lines) => inner.save(lines),
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const { pool } = await world.start('a', { storage })
    const events = record(pool, 'storage-failed', 'storage-recovered')
    for (let i = 0; i < 3; i++) losses[0]?.(nothingToShow as StorageError)
    await world.clock.advance(10_000)
    expect([opened, events.map(({ type }) => type)]).toEqual([2, ['storage-failed', 'storage-recovered']])
    await world.stop()
    losses[1]?.(new StorageError('unavailable', 'after the stop'))
    await world.clock.advance(10_000)
    expect([opened, world.clock.pending]).toEqual([2, 0])
  })
})
