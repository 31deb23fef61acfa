import { describe, expect, it } from 'vitest'
import { hostOf, memoryStorage, type PeerId, type Point } from '../../../src/core/index.ts'
import type { Host } from '../../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, record, World } from '../../support/pools.ts'

async function pair(): Promise<{ world: World; a: Member; b: Member; ended: () => number }> {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  let calls = 0
  Object.assign(a.network, { endDenied: () => void calls++ })
  await world.clock.until(a.pool.connect(b.network.point))
  return { world, a, b, ended: () => calls }
}

describe('a peer or host that is kept out from now on', () => {
  const ways: Record<string, (a: Member, b: Member) => void> = {
    'by a ban': (a, b) => void a.pool.peers.ban(b.pool.peerId),
    'by a ban of its host': (a, b) => void a.pool.points.ban(b.network.point),
    'by a ban of a range': (a, b) => void a.pool.points.banRange(`${b.network.point.split('/')[2]}/24`),
    'by a greylisting': (a, b) => a.pool.greylistPeer(b.pool.peerId),
    'by a report of a fault': (a, b) => void a.pool.peers.report(b.pool.peerId, { kind: 'fault', reason: 'it lied' })
  }
  for (const [way, act] of Object.entries(ways)) {
    it(`${way}: its connection ends, and so does what the network has of it`, async () => {
      const { world, a, b, ended } = await pair()
      act(a, b)
      await world.clock.advance(100)
      expect([a.pool.activeConnections, b.pool.activeConnections, world.hub.links.size, ended()]).toEqual([0, 0, 0, 1])
    })
  }

  it('loses its other links too: a running one for what came on another, and one in the middle of a handshake', async () => {
    const { world, a } = await pair()
    const evil = new HostilePeer(world, 'evil')
    const first = await evil.dial(a.network.point)
    say(first, helloOf(), { kind: 'ack' })
    const second = await evil.dial(a.network.point)
    const third = await evil.dial(a.network.point)
    await world.clock.advance(100)
    expect([a.pool.activeConnections, a.pool.snapshot().incomingHandshakes]).toEqual([2, 2])
    const gone = record(a.pool, 'connection-closed')
    second.send(new Uint8Array(64).fill(0xff))
    await world.clock.advance(100)
    expect(a.pool.peers.greylisted().map(({ peerId }) => peerId)).toEqual(['evil'])
    expect(gone.map(({ detail }) => [detail.peerId, detail.ending.reason.kind])).toEqual([['evil', 'peer-banned']])
    expect([a.pool.activeConnections, a.pool.snapshot().incomingHandshakes]).toEqual([1, 0])
    expect(() => third.send(Uint8Array.of(1))).toThrow()
  })

  it('others on a host that is greylisted stay', async () => {
    const { world, a, b } = await pair()
    a.pool.greylistAddress(hostOf(b.network.point) as Host)
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
  })
})

describe('what is lifted', () => {
  it('a ban of a range emits an event and is saved, also where no peer is connected', async () => {
    const world = new World()
    const storage = memoryStorage()
    const { pool } = await world.start('a', { storage })
    const told = record(pool, 'range-banned', 'range-unbanned')
    await pool.points.banRange('192.0.2.9/24')
    await world.clock.advance(1_000)
    const banned = await storage.load(new AbortController().signal)
    pool.points.unbanRange('192.0.2.0/24')
    await world.clock.advance(1_000)
    expect(told.map(({ type, detail }) => [type, detail.range])).toEqual([
      ['range-banned', '192.0.2.0/24'],
      ['range-unbanned', '192.0.2.0/24']
    ])
    expect(banned).toContain('192.0.2.0/24')
    expect(await storage.load(new AbortController().signal)).not.toContain('192.0.2.0/24')
    pool.points.unbanRange('192.0.2.0/24')
    expect(told).toHaveLength(2)
  })

  it('a point in the range may be dialed at once', async () => {
    const world = new World()
    const [a, b] = [await world.start('a', { expectedConnections: 1 }), await world.start('b', { point: '/ip4/192.0.2.7/tcp/1' })]
    await world.clock.until(a.pool.connect(b.network.point))
    await a.pool.points.banRange('192.0.2.0/24', { banPeers: false })
    await world.clock.advance(1_000)
    a.pool.points.unbanRange('192.0.2.0/24')
    expect(a.pool.points.info(b.network.point)?.backoffUntil).toBe(Number.NEGATIVE_INFINITY)
  })

  it('a ban of a range that ends by itself emits an event', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    const told = record(pool, 'range-unbanned')
    await pool.points.banRange('192.0.2.0/24', { endsAt: world.clock.date() + 1_000 })
    await world.clock.advance(2_000)
    expect(pool.points.isBanned('/ip4/192.0.2.7/tcp/1' as Point)).toBe(false)
    await world.clock.advance(1)
    expect(told.map(({ detail }) => detail.range)).toEqual(['192.0.2.0/24'])
  })

  it('by clearAcl: all bans and greylistings emit events, and the save is begun at once', async () => {
    const world = new World()
    const storage = memoryStorage()
    const { pool } = await world.start('a', { storage })
    await pool.peers.ban('banned' as PeerId)
    await pool.points.banHost(hostOf('/ip4/192.0.2.1/tcp/1' as Point) as Host)
    await pool.points.banRange('198.51.100.0/24')
    pool.greylistPeer('grey' as PeerId)
    pool.greylistAddress(hostOf('/ip4/192.0.2.2/tcp/1' as Point) as Host)
    await world.clock.advance(1_000)
    const told = record(pool, 'peer-unbanned', 'host-unbanned', 'range-unbanned')
    pool.clearAcl()
    await world.clock.advance(1_000)
    expect(told.map(({ detail }) => Object.values(detail)[0]).sort()).toEqual(
      ['198.51.100.0/24', '::ffff:192.0.2.1', '::ffff:192.0.2.2', 'banned', 'grey'].sort()
    )
    expect(await storage.load(new AbortController().signal)).not.toContain('banned')
    pool.clearAcl()
    expect(told).toHaveLength(5)
  })
})
