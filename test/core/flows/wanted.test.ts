import { describe, expect, it } from 'vitest'
import type { PeerPool } from '../../../src/core/peer-pool.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { type Member, World } from '../../support/pools.ts'

const minutes = 60_000
/** Dials nobody by itself. */
const still = { minConnections: 0, expectedConnections: 0, maxConnections: 100 }

describe('trusted points are always wanted', () => {
  it('one that was down at the start is connected within a minute of its return, though unknown peers fill the band', async () => {
    const world = new World(1)
    const trusted = await world.start('trusted', still)
    trusted.network.crash()
    const band = { minConnections: 2, expectedConnections: 4, maxConnections: 4, maintenanceIdleMs: 2 * minutes }
    const me = await world.start('me', { ...band, trustedPoints: [{ point: trusted.network.point, expectedPeerId: undefined }] })
    for (let i = 0; i < 4; i++) {
      const stranger = await world.start(`stranger${i}`, still)
      await world.clock.until(me.pool.connect(stranger.network.point))
    }
    await world.clock.advance(8 * 60 * minutes)
    await world.clock.until(trusted.pool.stop())
    await world.clock.until(trusted.pool.start())
    await world.clock.advance(minutes)
    expect(me.pool.connections.findByPoint(trusted.network.point)).toBeDefined()
    expect(me.pool.activeConnections).toBe(4)
  })

  it('one that is down costs a dial a minute at most, and no unknown peer its slot', async () => {
    const world = new World(2)
    const band = { minConnections: 1, expectedConnections: 2, maxConnections: 2, maintenanceIdleMs: null }
    const me = await world.start('me', {
      ...band,
      trustedPoints: [{ point: '/ip4/10.9.9.9/tcp/4001' as Point, expectedPeerId: undefined }]
    })
    const strangers = await Promise.all([0, 1].map((i) => world.start(`stranger${i}`, still)))
    for (const { network } of strangers) await world.clock.until(me.pool.connect(network.point))
    await world.clock.advance(60 * minutes)
    const before = me.network.dials
    await world.clock.advance(60 * minutes)
    expect(me.network.dials - before).toBeGreaterThan(50)
    expect(me.network.dials - before).toBeLessThan(100)
    expect(me.pool.connectedPeerIds.size).toBe(2)
  })

  it('a band that allows no connection dials none', async () => {
    const world = new World(3)
    const trusted = await world.start('trusted', still)
    const none = { minConnections: 0, expectedConnections: 0, maxConnections: 0 }
    const me = await world.start('me', { ...none, trustedPoints: [{ point: trusted.network.point, expectedPeerId: undefined }] })
    await world.clock.advance(10 * minutes)
    expect(me.network.dials).toBe(0)
  })

  it('two clusters that share one trusted point meet', async () => {
    const world = new World(4)
    const root = await world.start('root')
    root.network.crash()
    const band = { minConnections: 2, expectedConnections: 3, maxConnections: 6, maintenanceIdleMs: 2 * minutes }
    const trustedPoints = [{ point: root.network.point, expectedPeerId: undefined }]
    const clusters = await Promise.all(
      ['left', 'right'].map((side) => Promise.all([0, 1, 2, 3].map((i) => world.start(`${side}${i}`, { ...band, trustedPoints }))))
    )
    for (const members of clusters)
      for (const { pool } of members)
        for (const { network } of members) if (network.peerId !== pool.peerId) pool.registerPoint(network.point)
    await world.clock.advance(60 * minutes)
    await world.clock.until(root.pool.stop())
    await world.clock.until(root.pool.start())
    await world.clock.advance(2 * minutes)
    for (const { pool } of clusters.flat()) expect(pool.connections.findByPeerId(root.pool.peerId)).toBeDefined()
  })

  it('our own stop and start leaves no back-off behind', async () => {
    const world = new World(5)
    const b = await world.start('b', still)
    const a = await world.start('a', { minConnections: 1, expectedConnections: 1, maxConnections: 3, maintenanceIdleMs: null })
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.until(a.pool.stop())
    await world.clock.until(a.pool.start())
    await world.clock.advance(1_000)
    expect(a.pool.activeConnections).toBe(1)
  })
})

describe('a peer that ends each connection within seconds', () => {
  it.each([
    { name: 'with a word', end: 'word' as const },
    { name: 'by cutting the link', end: 'cut' as const }
  ])('is dialed ever more rarely: $name', async ({ end }) => {
    const world = new World(6)
    const dropper = await world.start('dropper', still)
    dropper.pool.addEventListener('connection-opened', ({ detail: { peerId } }) =>
      world.clock.schedule(1_000, () => {
        if (end === 'word') void dropper.pool.disconnect(peerId)
        else for (const link of [...dropper.network.links]) link.breakBoth()
      })
    )
    const me = await world.start('me', { minConnections: 4, expectedConnections: 5, maxConnections: 8, maintenanceIdleMs: 2 * minutes })
    me.pool.registerPoint(dropper.network.point)
    await world.clock.advance(8 * 60 * minutes)
    expect(me.network.dials).toBeLessThanOrEqual(60)
    expect(me.pool.explain(dropper.network.point).text).toMatch(
      /^the last \d+ connections ended within 10 s, and not by us; it may be tried again in \d+ s$/
    )
  })

  it('is a good one again once a connection has lasted', async () => {
    const world = new World(7)
    const peer = await world.start('peer', still)
    const me = await world.start('me', { minConnections: 1, expectedConnections: 1, maxConnections: 3, maintenanceIdleMs: null })
    await world.clock.until(me.pool.connect(peer.network.point))
    await world.clock.advance(1_000)
    await world.clock.until(peer.pool.disconnect(me.pool.peerId))
    await world.clock.advance(100)
    const before = me.pool.points.info(peer.network.point)
    expect([before?.shortConnections, before?.failures]).toEqual([1, 1])
    await world.clock.advance(3 * minutes)
    expect(me.pool.activeConnections).toBe(1)
    for (const link of [...me.network.links]) link.breakBoth()
    await world.clock.advance(10)
    const info = me.pool.points.info(peer.network.point)
    expect([info?.shortConnections, info?.failures]).toEqual([0, 0])
  })
})

describe('a peer that bans us', () => {
  it.each([
    { name: 'our id', ban: (by: PeerPool, us: Member) => by.peers.ban(us.pool.peerId) },
    { name: 'our host', ban: (by: PeerPool, us: Member) => by.points.ban(us.network.point) }
  ])('is said to have done so while it waits and when later dials fail: $name', async ({ ban }) => {
    const world = new World(9)
    const peer = await world.start('peer', still)
    const me = await world.start('me', { minConnections: 3, expectedConnections: 4, maxConnections: 8, maintenanceIdleMs: null })
    await world.clock.until(me.pool.connect(peer.network.point))
    await world.clock.advance(100)
    void ban(peer.pool, me)
    await world.clock.advance(1_000)
    const says = (what: RegExp): void => {
      expect(me.pool.explain(peer.network.point).text).toMatch(what)
      expect(me.pool.explain(peer.pool.peerId).text).toMatch(what)
    }
    says(/the peer banned us; it may be tried again in/)
    await world.clock.until(me.pool.connect(peer.network.point).catch(() => undefined))
    says(/the peer banned us; it may be tried again in/)
    await world.clock.advance(2 * minutes)
    await world.clock.until(me.pool.connect(peer.network.point).catch(() => undefined))
    says(/the peer banned us; the last (dial|\d+ dials) failed: dial failed \(refused\)/)
  })

  it('is said so of one that came in, too', async () => {
    const world = new World(10)
    const [peer, me] = [await world.start('peer', still), await world.start('me', still)]
    await world.clock.until(peer.pool.connect(me.network.point))
    await world.clock.advance(100)
    void peer.pool.peers.ban(me.pool.peerId)
    await world.clock.advance(1_000)
    expect(me.pool.explain(peer.pool.peerId).text).toMatch(/banned us/)
  })
})

describe('what is known of a peer holds at all its addresses', () => {
  /** A peer that said in its Hello that both points are its own. */
  async function peerWithTwoPoints(second: Point) {
    const world = new World(8)
    const peer = await world.start('peer', still)
    const me = await world.start('me', { minConnections: 3, expectedConnections: 4, maxConnections: 8, maintenanceIdleMs: null })
    const first = peer.network.point
    peer.network.announce(first, second)
    await world.clock.until(me.pool.connect(first))
    await world.clock.advance(20_000)
    expect(me.pool.points.info(second)?.claimedBy).toBe('peer')
    return { world, me, peer, dials: me.network.dials }
  }

  it('a ban: no dial at another port of its host', async () => {
    const { world, me, dials } = await peerWithTwoPoints('/ip4/45.0.0.1/tcp/4002' as Point)
    await world.clock.until(me.pool.peers.ban('peer' as PeerId))
    await world.clock.advance(5 * minutes)
    expect(me.network.dials).toBe(dials)
    expect(me.pool.explain('/ip4/45.0.0.1/tcp/4002' as Point)).toMatchObject({
      state: 'refused',
      rejection: { kind: 'peer-banned', peerId: 'peer' }
    })
  })

  it('"come back later": no dial at another port before', async () => {
    const { world, me, peer, dials } = await peerWithTwoPoints('/ip4/45.0.0.1/tcp/4002' as Point)
    const connection = peer.pool.connections.findByPeerId(me.pool.peerId)
    await world.clock.until(
      connection?.disconnect({ kind: 'explicit', text: 'leave me' }, 40_000) ?? Promise.reject(new Error('no connection'))
    )
    await world.clock.advance(35_000)
    expect(me.network.dials).toBe(dials)
    await world.clock.advance(60_000)
    expect(me.pool.activeConnections).toBe(1)
  })

  it('a link that broke may be one address alone: another is dialed at once', async () => {
    const { world, me } = await peerWithTwoPoints('/ip4/45.0.0.1/tcp/4002' as Point)
    for (const link of [...me.network.links]) link.breakBoth()
    await world.clock.advance(2_000)
    expect(me.pool.activeConnections).toBe(1)
  })
})
