import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/core/index.ts'
import { type Member, rejectionOf, World } from '../../support/pools.ts'

/** Dial, Hello, Ack: with 5 ms each way all is over after 25. */
const lastMs = 30

/** Who does what in the middle of an attempt of `a` to `b`. */
const interruptions: Record<string, (a: Member, b: Member) => unknown> = {
  'a bans the peer': (a, b) => a.pool.peers.ban(b.pool.peerId),
  'a bans the host': (a, b) => a.pool.points.ban(b.network.point),
  'a forgets the point': (a, b) => a.pool.unregisterPoint(b.network.point),
  'a expects another peer': (a, b) => a.pool.setExpectedPeerId(b.network.point, a.pool.parsePeerId('c')),
  'a learns that the point is its own': (a, b) => a.pool.addToIdPoints(b.network.point),
  'a tears down': (a) => a.pool.tearDownConnections({ kind: 'explicit', text: 'enough' }),
  'a stops': (a) => a.pool.stop(),
  'a is destroyed': (a) => a.pool.destroy(),
  'a crashes': (a) => a.network.crash(),
  'b bans the peer': (a, b) => b.pool.peers.ban(a.pool.peerId),
  'b bans the host': (a, b) => b.pool.points.ban(a.network.point),
  'b tears down': (_, b) => b.pool.tearDownConnections({ kind: 'explicit', text: 'enough' }),
  'b stops': (_, b) => b.pool.stop(),
  'b crashes': (_, b) => b.network.crash(),
  'both stop': (a, b) => Promise.all([a.pool.stop(), b.pool.stop()])
}

/** Nothing hangs: no attempt, no state between disconnected and running, both ends agree. */
function expectSettled(a: Member, b: Member, when: string): void {
  for (const { pool, complaints } of [a, b]) {
    const { outgoingAttempts, incomingHandshakes, points, peers, connections } = pool.snapshot()
    expect({ outgoingAttempts, incomingHandshakes }, when).toEqual({ outgoingAttempts: 0, incomingHandshakes: 0 })
    expect(
      [...points, ...peers].filter(({ state }) => state !== 'disconnected' && state !== 'running'),
      when
    ).toEqual([])
    expect(peers.filter(({ state }) => state === 'running').length, when).toBe(connections.length)
    expect(complaints, when).toEqual([])
  }
}

describe('an attempt that is interrupted at every millisecond of it', () => {
  for (const [name, interrupt] of Object.entries(interruptions)) {
    it(`${name}: it settles at once, both sides agree, nothing is left`, async () => {
      for (let at = 0; at <= lastMs; at++) {
        const when = `${name} after ${at} ms`
        const world = new World()
        const [a, b] = [await world.start('a'), await world.start('b')]
        let settled = false
        const attempt = rejectionOf(a.pool.connect(b.network.point)).finally(() => {
          settled = true
        })
        await world.clock.advance(at)
        const done = Promise.resolve(interrupt(a, b))
        await world.clock.advance(0)
        // What the dialer itself does ends its attempt in the same turn; a ban of the peer, once it knows that it is the peer.
        const isPrompt = name.startsWith('a ') && name !== 'a crashes' && (name !== 'a bans the peer' || at >= 10)
        if (isPrompt) expect(settled || a.pool.activeConnections > 0, when).toBe(true)
        await world.clock.until(Promise.all([attempt, done]))
        await world.clock.advance(15_000)
        expectSettled(a, b, when)
        if (!name.includes('crash')) expect(a.pool.activeConnections, when).toBe(b.pool.activeConnections)
        await world.stop()
        await world.clock.advance(5_000)
        expect([world.clock.pending, world.hub.links.size], when).toEqual([0, 0])
      }
    })
  }

  it('time runs out: it settles, names the step, and nothing is left', async () => {
    const steps = new Set<string>()
    for (let timeoutMs = 1; timeoutMs <= lastMs; timeoutMs++) {
      const world = new World()
      const [a, b] = [await world.start('a'), await world.start('b')]
      const rejection = await rejectionOf(world.clock.until(a.pool.connect(b.network.point, { timeoutMs })))
      if (a.pool.activeConnections === 0) {
        expect(rejection, `${timeoutMs} ms`).toMatchObject({ kind: 'timeout', afterMs: timeoutMs })
        steps.add((rejection as { step: string }).step)
        expect(a.pool.points.isBanned(b.network.point), `${timeoutMs} ms`).toBe(false)
      }
      await world.clock.advance(15_000)
      expectSettled(a, b, `${timeoutMs} ms`)
      await world.stop()
      await world.clock.advance(5_000)
      expect([world.clock.pending, world.hub.links.size], `${timeoutMs} ms`).toEqual([0, 0])
    }
    expect([...steps]).toEqual(['dial', 'hello'])
  })

  it('caller, time and stop all at once are one end, with one event', async () => {
    for (let at = 0; at <= lastMs; at++) {
      const world = new World()
      const [a, b] = [await world.start('a'), await world.start('b')]
      const told: string[] = []
      for (const name of ['handshake-refused', 'connection-failed', 'connection-closed', 'connection-lost'] as const)
        a.pool.addEventListener(name, ({ type }) => told.push(type))
      const abort = new AbortController()
      world.clock.schedule(at, () => abort.abort())
      const attempt = rejectionOf(a.pool.connect(b.network.point, { signal: abort.signal, timeoutMs: Math.max(1, at) }))
      await world.clock.advance(at)
      await world.clock.until(Promise.all([attempt, a.pool.stop()]))
      await world.clock.advance(5_000)
      expect(told, `after ${at} ms`).toHaveLength(1)
      expectSettled(a, b, `after ${at} ms`)
    }
  })
})

describe('a hung peer', () => {
  it('that takes a link and is silent costs an incoming handshake five seconds', async () => {
    const world = new World()
    const a = await world.start('a')
    const mute = world.hub.node('mute')
    await world.clock.until(mute.dialRaw(a.network.point))
    expect(a.pool.snapshot().incomingHandshakes).toBe(1)
    await world.clock.advance(4_990)
    expect(a.pool.snapshot().incomingHandshakes).toBe(1)
    await world.clock.advance(20)
    expect(a.pool.snapshot().incomingHandshakes).toBe(0)
    expect(a.pool.peers.info(a.pool.parsePeerId('mute'))).toBeUndefined()
    expect(a.pool.peers.greylisted()).toEqual([])
  })

  it('does not keep the others out: four handshakes from one host are in progress, the next is refused, other hosts are let in', async () => {
    const world = new World()
    const a = await world.start('a')
    const crowd = Array.from({ length: 10 }, (_, i) => world.hub.node(`mute${i}`, { point: `/ip4/203.0.113.3/tcp/${i + 1}` }))
    for (const mute of crowd) await world.clock.until(mute.dialRaw(a.network.point))
    expect(a.pool.snapshot().incomingHandshakes).toBe(4)
    const b = await world.start('b')
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(10_000)
    expect([a.pool.snapshot().incomingHandshakes, a.pool.activeConnections]).toEqual([0, 1])
  })

  it('nor do many from many hosts: twenty in all', async () => {
    const world = new World()
    const a = await world.start('a')
    for (let i = 0; i < 30; i++) await world.clock.until(world.hub.node(`mute${i}`).dialRaw(a.network.point))
    expect(a.pool.snapshot().incomingHandshakes).toBe(20)
    await world.clock.advance(6_000)
    const b = await world.start('b')
    await world.clock.until(b.pool.connect(a.network.point))
  })

  it('a dial into a network that swallows everything ends after ten seconds', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    world.hub.reaches = () => false
    const before = world.clock.now()
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toEqual({
      kind: 'timeout',
      step: 'dial',
      afterMs: 10_000
    })
    expect(world.clock.now() - before).toBe(10_000)
  })
})

describe('connect', () => {
  it('to the same point twice at once: the second rejects as pending', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const first = a.pool.connect(b.network.point)
    expect(await rejectionOf(a.pool.connect(b.network.point))).toEqual({ kind: 'pending', point: b.network.point })
    await world.clock.until(first)
    expect(await rejectionOf(a.pool.connect(b.network.point))).toEqual({ kind: 'already-connected', peerId: 'b' })
  })

  it('to another point of a connected peer: refused without blame, the connection stays', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const alias = '/ip4/45.200.0.1/tcp/1' as Point
    world.hub.nodes.set(alias, b.network)
    await world.clock.until(a.pool.connect(b.network.point))
    expect(await rejectionOf(world.clock.until(a.pool.connect(alias)))).toEqual({ kind: 'already-connected', peerId: 'b' })
    await world.clock.advance(10_000)
    expect([a.pool.activeConnections, b.pool.activeConnections, world.hub.links.size]).toEqual([1, 1, 2])
  })

  it('with a signal that has fired already: its reason, and nothing happened', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await expect(a.pool.connect(b.network.point, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late')
    expect([a.network.dials, a.pool.points.info(b.network.point)]).toEqual([0, undefined])
  })

  it('by a user is tried at once, whatever the back-off', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    b.network.silent = true
    await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))
    b.network.silent = false
    expect(a.pool.snapshot().points[0]?.backoffForMs).toBeGreaterThan(0)
    await world.clock.until(a.pool.connect(b.network.point))
  })
})
