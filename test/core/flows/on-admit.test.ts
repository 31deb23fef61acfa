import { describe, expect, it } from 'vitest'
import type { AdmissionCandidate, PoolOptions } from '../../../src/core/index.ts'
import '../../../src/core/flows/application-check.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

type OnAdmit = NonNullable<PoolOptions['onAdmit']>

const never: OnAdmit = () => new Promise(() => undefined)
const later =
  (clock: World['clock'], ms: number, answer: boolean): OnAdmit =>
  () =>
    new Promise((resolve) => void clock.schedule(ms, () => resolve(answer)))

/** How an application may refuse, or fail to answer. */
const refusals: Readonly<Record<string, { onAdmit: OnAdmit; detail: string; complaints: number }>> = {
  false: { onAdmit: () => false, detail: 'no reason given', complaints: 0 },
  'a promise of false': { onAdmit: async () => false, detail: 'no reason given', complaints: 0 },
  'a text': { onAdmit: () => 'wrong fork', detail: 'wrong fork', complaints: 0 },
  'a long text': { onAdmit: () => 'x'.repeat(5_000), detail: 'x'.repeat(200), complaints: 0 },
  'a throw': {
    onAdmit: () => {
      throw new Error('no such protocol')
    },
    detail: 'no such protocol',
    complaints: 0
  },
  'a rejection': { onAdmit: () => Promise.reject(new Error('stream reset')), detail: 'stream reset', complaints: 0 },
  'a throw of no error': { onAdmit: () => Promise.reject({ toString: null }), detail: 'something that cannot be shown', complaints: 0 },
  'an error whose message cannot be read': {
    onAdmit: () => {
      throw Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('boom')
        }
      })
    },
    detail: 'something that cannot be shown',
    complaints: 0
  },
  'a proxy that throws': {
    onAdmit: () => {
      throw new Proxy(new Error('x'), {
        get: () => {
          throw new Error('trap')
        }
      })
    },
    detail: 'something that cannot be shown',
    complaints: 0
  },
  'an empty text': { onAdmit: () => '', detail: 'no reason given', complaints: 0 },
  'an error without a message': { onAdmit: () => Promise.reject(new Error()), detail: 'no reason given', complaints: 0 },
  'a hang': { onAdmit: never, detail: 'onAdmit gave no answer within 4000 ms', complaints: 1 },
  'no value': { onAdmit: (() => undefined) as unknown as OnAdmit, detail: 'onAdmit gave no answer', complaints: 1 },
  'a number': { onAdmit: (() => 1) as unknown as OnAdmit, detail: 'onAdmit gave no answer', complaints: 1 },
  'an object': { onAdmit: (async () => ({ admit: true })) as unknown as OnAdmit, detail: 'onAdmit gave no answer', complaints: 1 }
}

async function pair({ a = {}, b = {} }: { a?: Partial<PoolOptions>; b?: Partial<PoolOptions> }): Promise<[World, Member, Member]> {
  const world = new World()
  return [world, await world.start('a', a), await world.start('b', b)]
}

describe('onAdmit', () => {
  it('is asked on both sides, once the handshake is proved and before the peer counts', async () => {
    const asked: string[] = []
    const ask =
      (who: string): OnAdmit =>
      ({ peerId, kind, direction, trusted, point, transport, metadata }) => {
        asked.push([who, peerId, kind, direction, trusted, point, transport, metadata?.length].join(' '))
        for (const { pool } of world.members) expect(pool.activeConnections).toBe(0)
        return true
      }
    const connectionMetadata = (length: number): Partial<PoolOptions> => ({
      connectionMetadata: { own: () => new Uint8Array(length), codec: { encode: (bytes) => bytes, decode: (bytes) => bytes } }
    })
    const [world, a, b] = await pair({
      a: { onAdmit: ask('a'), ...connectionMetadata(1) },
      b: { onAdmit: ask('b'), ...connectionMetadata(2) }
    })
    a.pool.registerPoint(b.network.point, { trusted: true })
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    expect(asked).toEqual([`b a pool incoming false ${a.network.point} memory 1`, `a b pool outgoing true ${b.network.point} memory 2`])
    expect([a.pool.activeConnections, b.pool.activeConnections]).toEqual([1, 1])
  })

  it('gets a frozen description and may take its time', async () => {
    let given: AdmissionCandidate | undefined
    const world = new World()
    const a = await world.start('a', {
      onAdmit: (peer, signal) => {
        given = peer
        return later(world.clock, 3_900, true)(peer, signal)
      }
    })
    const b = await world.start('b', { onAdmit: later(world.clock, 3_900, true) })
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    expect(Object.isFrozen(given)).toBe(true)
    expect(b.pool.activeConnections).toBe(1)
  })

  for (const [name, { onAdmit, detail, complaints }] of Object.entries(refusals)) {
    it(`${name} refuses a peer that we dialed: a failure with back-off of the point and of the peer, and no greylisting`, async () => {
      const [world, a, b] = await pair({ a: { onAdmit } })
      const events = record(a.pool, 'handshake-refused', 'connection-opened', 'greylisted')
      const rejection = { kind: 'not-admitted', peerId: 'b', detail }
      expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toEqual(rejection)
      expect(events.map(({ type }) => type)).toEqual(['handshake-refused'])
      expect(events[0]?.detail).toMatchObject({ direction: 'outgoing', rejection })
      const info = a.pool.points.info(b.network.point)
      const now = world.clock.now()
      expect(info?.lastFailure).toEqual(rejection)
      expect(info?.backoffUntil).toBeGreaterThan(now + 40_000)
      expect(a.pool.peers.info(b.pool.peerId)?.backoff.until).toBeGreaterThan(now + 40_000)
      const { state, text } = a.pool.explain(b.network.point)
      expect([state, text]).toEqual(['waiting', expect.stringContaining(`b is not admitted by the application: ${detail}`)])
      expect(a.complaints).toHaveLength(complaints)
      // It tells the peer, which leaves us alone as long.
      await world.clock.advance(100)
      expect(b.pool.activeConnections).toBe(0)
      expect(b.pool.points.info(a.network.point)?.backoffUntil).toBeGreaterThan(now + 40_000)
      await world.stop()
      await world.clock.advance(5_000)
      expect([world.clock.pending, world.hub.links.size]).toEqual([0, 0])
    })

    it(`${name} refuses a peer that comes in`, async () => {
      const [world, a, b] = await pair({ b: { onAdmit } })
      const events = record(b.pool, 'handshake-refused', 'connection-opened', 'greylisted')
      expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toEqual({
        kind: 'rejected-by-peer',
        motive: 6,
        points: []
      })
      await world.clock.advance(100)
      expect(events.map(({ type }) => type)).toEqual(['handshake-refused'])
      expect(events[0]?.detail).toMatchObject({ direction: 'incoming', rejection: { kind: 'not-admitted', peerId: 'a', detail } })
      expect(b.pool.explain(a.pool.peerId).text).toContain('a is not admitted by the application')
      expect(a.pool.points.info(b.network.point)?.backoffUntil).toBeGreaterThan(world.clock.now() + 40_000)
      expect(b.pool.snapshot().incomingHandshakes).toBe(0)
      await world.stop()
      await world.clock.advance(5_000)
      expect([world.clock.pending, world.hub.links.size]).toEqual([0, 0])
    })
  }

  it('a network of a peer that refuses and one that wants to connect does not loop: a few attempts in ten minutes', async () => {
    const world = new World()
    let asked = 0
    const a = await world.start('a', { minConnections: 1, expectedConnections: 1, maintenanceIdleMs: 120_000 })
    const b = await world.start('b', { onAdmit: () => ++asked < 0, minConnections: 1, expectedConnections: 1, maintenanceIdleMs: 120_000 })
    a.pool.registerPoint(b.network.point)
    const refused = record(b.pool, 'handshake-refused', 'connection-failed')
    await world.clock.advance(600_000)
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThan(25)
    expect(refused.length).toBeLessThan(30)
  })

  it('a peer that comes back at once is refused without asking, and is asked about again later', async () => {
    let asked = 0
    const [world, a, b] = await pair({ b: { onAdmit: () => ++asked > 1 } })
    const dial = () => rejectionOf(world.clock.until(a.pool.connect(b.network.point)))
    for (let dials = 0; dials < 20; dials++) expect(await dial()).toMatchObject({ kind: 'rejected-by-peer', motive: 6 })
    expect(asked).toBe(1)
    await world.clock.advance(31_000)
    expect(await dial()).toBe('it did not reject')
    expect(asked).toBe(2)
  })

  /** The peer dials, and leaves while the application decides. */
  const leaveEarly = async (world: World, from: Member, to: Member): Promise<unknown> => {
    const leaves = new AbortController()
    const dial = rejectionOf(from.pool.connect(to.network.point, { signal: leaves.signal }))
    await world.clock.advance(50)
    leaves.abort()
    await world.clock.advance(50)
    return dial
  }

  it('a peer that leaves again and again before the answer is asked about three times in thirty seconds', async () => {
    const asked: string[] = []
    const [world, a, b] = await pair({ b: { onAdmit: ({ peerId }, signal) => asked.push(peerId) < 0 || never({} as never, signal) } })
    for (let times = 0; times < 100; times++) await leaveEarly(world, a, b)
    expect(asked).toEqual(['a', 'a', 'a'])
    const refused = record(b.pool, 'handshake-refused')
    await leaveEarly(world, a, b)
    expect(refused.map(({ detail }) => detail.rejection)).toEqual([{ kind: 'too-many-handshakes' }])
    // Others are not concerned, and the peer is asked about again later.
    const c = await world.start('c')
    await leaveEarly(world, c, b)
    await world.clock.advance(31_000)
    await leaveEarly(world, a, b)
    expect(asked).toEqual(['a', 'a', 'a', 'c', 'a'])
  })

  it('a public host whose peers are refused or leave is asked about sixteen times, but for trusted peers; other hosts are not concerned', async () => {
    const asked: string[] = []
    const world = new World()
    const honest = new Set(['trusted', 'elsewhere', 'later'])
    const b = await world.start('b', { onAdmit: ({ peerId }) => asked.push(peerId) < 0 || honest.has(peerId) })
    for (let n = 0; n < 40; n++) {
      const stranger = await world.start(`stranger ${n}`, { point: `/ip4/198.51.100.7/tcp/${4_000 + n}` })
      await rejectionOf(world.clock.until(stranger.pool.connect(b.network.point)))
      await stranger.pool.stop()
    }
    expect(asked).toHaveLength(16)
    const dial = async (name: string, point: string) => {
      const { pool } = await world.start(name, { point })
      return rejectionOf(world.clock.until(pool.connect(b.network.point)))
    }
    b.pool.peers.trust(b.pool.parsePeerId('trusted'))
    expect(await dial('later', '/ip4/198.51.100.7/tcp/5001')).not.toBe('it did not reject')
    expect(await dial('trusted', '/ip4/198.51.100.7/tcp/5002')).toBe('it did not reject')
    expect(await dial('elsewhere', '/ip4/198.51.101.7/tcp/5003')).toBe('it did not reject')
    expect(asked.slice(16)).toEqual(['trusted', 'elsewhere'])
  })

  it('a connect by hand asks again, whatever was answered before', async () => {
    let asked = 0
    const [world, a, b] = await pair({ a: { onAdmit: () => ++asked > 1 } })
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'not-admitted' })
    await world.clock.until(a.pool.connect(b.network.point))
    expect(asked).toBe(2)
  })

  const ends: Readonly<Record<string, { act: (a: Member, b: Member) => unknown; rejection: object }>> = {
    'a ban of the peer': { act: (a, b) => a.pool.peers.ban(b.pool.peerId), rejection: { kind: 'cancelled' } },
    'a ban of its host': { act: (a, b) => a.pool.points.ban(b.network.point), rejection: { kind: 'cancelled' } },
    'a greylisting': { act: (a, b) => a.pool.greylistPeer(b.pool.peerId), rejection: { kind: 'cancelled' } },
    'a stop': { act: (a) => a.pool.stop(), rejection: { kind: 'cancelled' } },
    'the end of the link': { act: (_a, b) => b.network.crash(), rejection: { kind: 'link-lost', step: 'admit' } }
  }
  for (const [name, { act, rejection }] of Object.entries(ends)) {
    it(`${name} while the application decides ends the attempt, fires the signal, and an answer that comes later changes nothing`, async () => {
      const world = new World()
      const signals: AbortSignal[] = []
      const a = await world.start('a', {
        onAdmit: (peer, signal) => {
          signals.push(signal)
          return later(world.clock, 2_000, true)(peer, signal)
        }
      })
      const b = await world.start('b')
      const attempt = rejectionOf(a.pool.connect(b.network.point))
      await world.clock.advance(500)
      expect(signals.map(({ aborted }) => aborted)).toEqual([false])
      void act(a, b)
      await world.clock.advance(100)
      expect(signals.map(({ aborted }) => aborted)).toEqual([true])
      expect(await attempt).toMatchObject(rejection)
      await world.clock.advance(5_000)
      expect([a.pool.activeConnections, b.pool.activeConnections]).toEqual([0, 0])
    })
  }

  it('what changed while the application decided counts: a narrower band, and the end of trust in private mode', async () => {
    const world = new World()
    const onAdmit = later(world.clock, 2_000, true)
    const a = await world.start('a', { onAdmit })
    const b = await world.start('b', { privateMode: true })
    const c = await world.start('c', { onAdmit, privateMode: true })
    const narrowed = rejectionOf(a.pool.connect(c.network.point))
    c.pool.registerPoint(b.network.point, { trusted: true })
    b.pool.peers.trust(c.pool.peerId)
    const untrusted = rejectionOf(c.pool.connect(b.network.point))
    await world.clock.advance(500)
    c.pool.points.untrust(b.network.point)
    await world.clock.advance(3_000)
    expect(await untrusted).toMatchObject({ kind: 'private-mode' })
    expect(await narrowed).toMatchObject({ kind: 'dial-failed' })
    const d = await world.start('d')
    const last = rejectionOf(a.pool.connect(d.network.point))
    await world.clock.advance(500)
    a.pool.setBand({ min: 0, expected: 0, max: 0 })
    await world.clock.advance(3_000)
    expect(await last).toMatchObject({ kind: 'too-many-connections' })
  })

  it('two pools that dial each other keep one connection, however long their applications take', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const world = new World(seed, (random) => 1 + Math.floor(random() * 40))
      const onAdmit: OnAdmit = (peer, signal) => later(world.clock, Math.floor(world.hub.random.next() * 100), true)(peer, signal)
      const [a, b] = [await world.start('a', { onAdmit }), await world.start('b', { onAdmit })]
      const dials = [rejectionOf(a.pool.connect(b.network.point))]
      await world.clock.advance(Math.floor(world.hub.random.next() * 120))
      dials.push(rejectionOf(b.pool.connect(a.network.point)))
      await world.clock.until(Promise.all(dials))
      await world.clock.advance(2_000)
      expect([a.pool.activeConnections, b.pool.activeConnections], `seed ${seed}`).toEqual([1, 1])
    }
  })

  it('a hang costs its own attempt: other peers are admitted meanwhile', async () => {
    const [world, a, b] = await pair({ b: { onAdmit: ({ peerId }) => peerId !== 'a' || new Promise<boolean>(() => undefined) } })
    const c = await world.start('c')
    const hung = rejectionOf(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    await world.clock.until(c.pool.connect(b.network.point))
    expect(await world.clock.until(hung)).toMatchObject({ kind: 'rejected-by-peer', motive: 6 })
  })

  it('decides on plain peers too', async () => {
    const kinds: string[] = []
    const world = new World()
    const a = await world.start('a', { plainPeers: 'admit', onAdmit: ({ kind, metadata }) => `${kinds.push(`${kind} ${metadata}`)}` })
    const plain = world.plain('eth', '/eth2/beacon_chain/req/status/1/ssz_snappy')
    expect(await rejectionOf(world.clock.until(a.pool.connect(plain.point)))).toMatchObject({ kind: 'not-admitted', detail: '1' })
    expect(kinds).toEqual(['plain undefined'])
  })

  it('crowds of refused ids cost no more than the handshake places', async () => {
    let [open, most] = [0, 0]
    const world = new World()
    const b = await world.start('b', {
      onAdmit: (_, signal) =>
        new Promise((resolve) => {
          most = Math.max(most, ++open)
          signal.addEventListener('abort', () => resolve(--open < 0), { once: true })
        })
    })
    const crowd = await Promise.all(Array.from({ length: 60 }, (_, i) => world.start(`crowd ${i}`)))
    const dials = crowd.map(({ pool }) => rejectionOf(pool.connect(b.network.point)))
    await world.clock.until(Promise.all(dials))
    expect(most).toBeLessThanOrEqual(20)
    expect([open, b.pool.activeConnections, b.pool.snapshot().incomingHandshakes]).toEqual([0, 0, 0])
  })

  it('a crowd of new ids at private addresses does not keep others out while the application decides', async () => {
    for (const hosts of [1, 4]) {
      const world = new World(hosts)
      const b = await world.start('b', {
        onAdmit: (peer, signal) => later(world.clock, 2_500, peer.peerId.startsWith('honest'))(peer, signal)
      })
      let isOver = false
      const flood = async (n: number): Promise<void> => {
        const evil = world.make(`evil ${n}`, { point: `/ip4/127.0.0.${20 + (n % hosts)}/tcp/${4_000 + n}` })
        await world.clock.until(evil.pool.start())
        void rejectionOf(evil.pool.connect(b.network.point))
      }
      const floods = (async () => {
        for (let n = 0; n < 100 && !isOver; n++) {
          void flood(n)
          await new Promise<void>((resolve) => void world.clock.schedule(100, resolve))
        }
      })()
      await world.clock.advance(3_000)
      const dials: Promise<unknown>[] = []
      for (let n = 0; n < 4; n++) {
        const honest = await world.start(`honest ${n}`, { point: `/ip4/127.0.0.1/tcp/${4_000 + n}` })
        dials.push(rejectionOf(honest.pool.connect(b.network.point)))
        await world.clock.advance(500)
      }
      await world.clock.advance(4_000)
      expect(await Promise.all(dials)).toEqual(Array.from({ length: 4 }, () => 'it did not reject'))
      isOver = true
      await world.clock.until(floods)
      await world.stop()
    }
  })

  it('an option that is no function is refused', () => {
    expect(() => new World().make('a', { onAdmit: true as unknown as OnAdmit })).toThrow('onAdmit')
  })
})
