import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/core/index.ts'
import { record, rejectionOf, World } from '../../support/pools.ts'

const nowhere = '/ip4/10.9.9.9/tcp/4001' as Point

describe('connecting', () => {
  it('both sides run, know each other by point and peer, and tell it', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const told = record(b.pool, 'handshake-started', 'handshake-accepted', 'connection-opened')
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    expect(connection.peerId).toBe('b')
    expect(a.pool.connections.findByPoint(b.network.point)).toBe(connection)
    expect(b.pool.connections.findByPeerId(a.pool.peerId)?.direction).toBe('incoming')
    expect(b.pool.connections.findByPoint(a.network.point)?.peerId).toBe('a')
    expect(a.pool.points.info(b.network.point)?.isPublic).toBe(true)
    expect(told.map((event) => event.type)).toEqual(['handshake-started', 'handshake-accepted', 'connection-opened'])
    await world.stop()
    await world.clock.advance(1_000)
    expect(world.clock.pending).toBe(0)
  })

  it('a dialer runs after one round trip of the handshake', async () => {
    const world = new World(1)
    const [a, b] = [await world.start('a'), await world.start('b')]
    const before = world.clock.now()
    await world.clock.until(a.pool.connect(b.network.point))
    expect(world.clock.now() - before).toBe(20)
  })

  it('messages arrive in order, both ways', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    const other = b.pool.connections.list()[0]
    if (other === undefined) throw new Error('b has no connection')
    const heard: number[] = []
    const reading = (async () => {
      for await (const message of other.messages) heard.push(message[0] ?? -1)
    })()
    for (let i = 0; i < 50; i++) await connection.send(Uint8Array.of(i))
    await world.clock.advance(100)
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => i))
    await other.send(Uint8Array.of(7))
    await world.clock.advance(100)
    expect((await connection.messages[Symbol.asyncIterator]().next()).value).toEqual(Uint8Array.of(7))
    await world.clock.until(a.pool.disconnect(b.pool.peerId, 'enough'))
    await world.clock.advance(100)
    await reading
    expect(await other.closed).toEqual({ by: 'them', reason: { kind: 'explicit', text: 'enough' } })
  })

  it('a dial to a point where no peer listens rejects as refused and leaves nothing behind', async () => {
    const world = new World()
    const a = await world.start('a')
    expect(await rejectionOf(world.clock.until(a.pool.connect(nowhere)))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
    expect(a.pool.points.info(nowhere)?.state.kind).toBe('disconnected')
    expect(a.pool.snapshot().outgoingAttempts).toBe(0)
  })

  it('a wrong expected peer id is refused on both sides of the story', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const rejection = await rejectionOf(world.clock.until(a.pool.connect(b.network.point, { expectedPeerId: a.pool.parsePeerId('c') })))
    expect(rejection).toMatchObject({ kind: 'unexpected-peer-id', expected: 'c' })
    expect(b.pool.activeConnections).toBe(0)
  })

  it('a peer of another network is refused with its motive, and nothing is recorded of it', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b', { network: 'other' })]
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'rejected-by-peer', motive: 2 })
    await world.clock.advance(100)
    expect(b.pool.peers.info(a.pool.peerId)).toBeUndefined()
    expect(b.pool.points.info(a.network.point)).toBeUndefined()
  })

  it('a peer that takes the link and says nothing costs one attempt and its time, no more', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    b.network.silent = true
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toEqual({
      kind: 'timeout',
      step: 'hello',
      afterMs: 10_000
    })
    expect(a.pool.points.isBanned(b.network.point)).toBe(false)
  })

  it('a caller who gives up leaves nothing behind, at every millisecond of the attempt', async () => {
    for (let at = 0; at <= 30; at++) {
      const world = new World()
      const [a, b] = [await world.start('a'), await world.start('b')]
      const abort = new AbortController()
      const attempt = rejectionOf(a.pool.connect(b.network.point, { signal: abort.signal }))
      await world.clock.advance(at)
      abort.abort()
      const rejection = await world.clock.until(attempt)
      if (a.pool.activeConnections === 0) expect(rejection, `aborted after ${at} ms`).toMatchObject({ kind: 'cancelled' })
      await world.clock.advance(20_000)
      expect(a.pool.activeConnections, `aborted after ${at} ms`).toBe(b.pool.activeConnections)
      expect(a.pool.snapshot().outgoingAttempts).toBe(0)
      expect(b.pool.snapshot().incomingHandshakes).toBe(0)
      await world.stop()
      await world.clock.advance(1_000)
      expect(world.clock.pending, `aborted after ${at} ms`).toBe(0)
      expect(world.hub.links.size).toBe(0)
    }
  })

  it('two pools that dial each other keep exactly one connection, whatever the delays', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const world = new World(seed, (random) => 1 + Math.floor(random() * 40))
      const [a, b] = [await world.start('a'), await world.start('b')]
      const gap = Math.floor(world.hub.random.next() * 60)
      const dials = [rejectionOf(a.pool.connect(b.network.point))]
      await world.clock.advance(gap)
      dials.push(rejectionOf(b.pool.connect(a.network.point)))
      await world.clock.until(Promise.all(dials))
      await world.clock.advance(10_000)
      const [ours, theirs] = [a.pool.connections.list(), b.pool.connections.list()]
      expect([ours.length, theirs.length], `seed ${seed}`).toEqual([1, 1])
      expect(ours[0]?.direction === theirs[0]?.direction, `seed ${seed}`).toBe(false)
      expect(a.pool.points.greylisted().length + b.pool.points.greylisted().length, `seed ${seed}`).toBe(0)
      expect(a.pool.snapshot().outgoingAttempts + b.pool.snapshot().outgoingAttempts).toBe(0)
      expect(world.hub.links.size, `seed ${seed}`).toBe(2)
    }
  })

  it('a peer that was restarted replaces its old connection at once', async () => {
    const world = new World()
    const a = await world.start('a')
    const b = await world.start('b')
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    world.hub.reaches = (from, to) => from !== b.network && to !== b.network
    const again = await world.start('b', { point: '/ip4/45.77.0.1/tcp/4001' })
    await world.clock.until(again.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
    expect(a.pool.connections.list()[0]?.point).toBe(again.network.point)
  })

  it('never more than maxConnections, however many come in at the same moment', async () => {
    const world = new World(3, (random) => 1 + Math.floor(random() * 20))
    const a = await world.start('a', { expectedConnections: 5, maxConnections: 5, maxIncoming: 100, maxIncomingPerHost: 100 })
    const guests = await Promise.all(Array.from({ length: 40 }, (_, i) => world.start(`guest${i}`)))
    let most = 0
    a.pool.addEventListener('connection-opened', () => {
      most = Math.max(most, a.pool.activeConnections)
    })
    const results = await world.clock.until(Promise.all(guests.map(({ pool }) => rejectionOf(pool.connect(a.network.point)))))
    await world.clock.advance(1_000)
    expect(a.pool.activeConnections).toBe(5)
    expect(most).toBe(5)
    expect(results.filter((result) => (result as { motive?: number }).motive === 1)).toHaveLength(35)
  })
})

describe('bans and faults', () => {
  it('a ban ends the connection with its reason and keeps out in both directions until it is undone', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    await world.clock.until(b.pool.peers.ban(a.pool.peerId))
    expect(await world.clock.until(connection.closed)).toEqual({ by: 'them', reason: { kind: 'peer-banned' } })
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'dial-failed' })
    expect(await rejectionOf(world.clock.until(b.pool.connect(a.network.point, { expectedPeerId: a.pool.peerId })))).toMatchObject({
      kind: 'peer-banned'
    })
    b.pool.peers.unban(a.pool.peerId)
    await world.clock.until(a.pool.connect(b.network.point))
    expect(a.pool.activeConnections).toBe(1)
  })

  it('garbage on the protocol ends the link, greylists who sent it, and the pool goes on', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const evil = world.hub.node('evil')
    await evil.start({ incoming: () => undefined, ownPointsChanged: () => undefined, discovered: () => undefined })
    const greylisted = record(a.pool, 'greylisted')
    const link = await world.clock.until(evil.dialRaw(a.network.point))
    link.send(new Uint8Array(32).fill(0xff))
    await world.clock.advance(1_000)
    expect(greylisted.map((event) => event.detail)).toMatchObject([{ peerId: 'evil' }])
    expect(await rejectionOf(world.clock.until(evil.dialRaw(a.network.point)))).toMatchObject({ failure: 'refused' })
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
    expect(a.complaints).toEqual([])
  })
})
