import { describe, expect, it } from 'vitest'
import { hostOf, type Point, PoolError } from '../../../src/core/index.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const at = (n: number): Point => `/ip4/10.7.0.${n}/tcp/1` as Point
const relayed = '/ip4/10.7.0.1/tcp/1/p2p/r/p2p-circuit/p2p/x' as Point

async function two(): Promise<{ world: World; a: Member; b: Member }> {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  return { world, a, b }
}

describe('pool.points', () => {
  it('Points.info, fold_known, iter_known, fold_connected', async () => {
    const { a, b } = await two()
    a.pool.registerPoint(at(1))
    expect(a.pool.points.info(b.network.point)).toMatchObject({ point: b.network.point, isPublic: true, state: { kind: 'running' } })
    expect(a.pool.points.info(at(9))).toBeUndefined()
    expect([...a.pool.points.known()].map(([point]) => point)).toEqual([b.network.point, at(1)])
    expect([...a.pool.points.connected()]).toEqual([[b.network.point, a.pool.points.info(b.network.point)]])
  })

  it('Points.ban ?ban_peers: all connections from the host end, whatever the port and direction, and their peers are banned', async () => {
    const world = new World()
    const a = await world.start('a')
    const guests = await Promise.all([1, 2].map((port) => world.start(`g${port}`, { point: `/ip4/10.7.0.1/tcp/${port}` })))
    const [g1, g2] = guests as [Member, Member]
    await world.clock.until(a.pool.connect(g1.network.point))
    await world.clock.until(g2.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(2)
    await world.clock.until(a.pool.points.ban('/ip4/10.7.0.1/tcp/999' as Point))
    expect(a.pool.activeConnections).toBe(0)
    expect(guests.map(({ pool, network }) => [a.pool.peers.isBanned(pool.peerId), a.pool.points.isBanned(network.point)])).toEqual(
      Array(2).fill([true, true])
    )
    await world.clock.advance(100)
    expect(await rejectionOf(a.pool.connect(g1.network.point))).toMatchObject({ kind: 'point-banned' })
    expect(await rejectionOf(world.clock.until(g2.pool.connect(a.network.point)))).toMatchObject({ kind: 'dial-failed' })
  })

  it('Points.ban ?ban_peers: false leaves the peers free to come from elsewhere', async () => {
    const { world, a, b } = await two()
    await world.clock.until(a.pool.points.ban(b.network.point, { banPeers: false }))
    expect([a.pool.activeConnections, a.pool.peers.isBanned(b.pool.peerId), a.pool.points.isBanned(b.network.point)]).toEqual([
      0,
      false,
      true
    ])
  })

  it('Points.unban: undoes what the bans did, its peers included, once for two bans', async () => {
    const { world, a, b } = await two()
    const told = record(a.pool, 'host-unbanned', 'peer-unbanned')
    for (let twice = 0; twice < 2; twice++) await world.clock.until(a.pool.points.ban(b.network.point))
    a.pool.points.unban(b.network.point)
    expect([a.pool.peers.isBanned(b.pool.peerId), a.pool.points.isBanned(b.network.point)]).toEqual([false, false])
    await Promise.resolve()
    expect(told.map(({ detail }) => detail)).toEqual([{ host: hostOf(b.network.point) }, { peerId: 'b' }])
    await world.clock.until(a.pool.connect(b.network.point))
  })

  it('Points.unban: a peer that was banned for itself stays banned', async () => {
    const { world, a, b } = await two()
    await world.clock.until(a.pool.points.ban(b.network.point))
    await world.clock.until(a.pool.peers.ban(b.pool.peerId))
    a.pool.points.unban(b.network.point)
    expect([a.pool.peers.isBanned(b.pool.peerId), a.pool.points.isBanned(b.network.point)]).toEqual([true, false])
  })

  it('Points.banned: for the host, so for all its ports; a relayed point has none', async () => {
    const { a } = await two()
    await a.pool.points.ban(at(1))
    expect([at(1), '/ip4/10.7.0.1/tcp/7' as Point, at(2), relayed].map((point) => a.pool.points.isBanned(point))).toEqual([
      true,
      true,
      false,
      false
    ])
    await expect(a.pool.points.ban(relayed)).rejects.toThrow(PoolError)
    await expect(a.pool.points.ban(relayed)).rejects.toThrow(relayed)
  })

  it('Points.ban: of a range, with an end; a text that is no range is refused', async () => {
    const { world, a, b } = await two()
    await world.clock.until(a.pool.points.banRange('45.0.0.0/8', { endsAt: world.clock.date() + 5_000 }))
    expect([a.pool.activeConnections, a.pool.points.isBanned(b.network.point), a.pool.peers.isBanned(b.pool.peerId)]).toEqual([
      0,
      true,
      true
    ])
    await world.clock.advance(5_000)
    expect([a.pool.points.isBanned(b.network.point), a.pool.peers.isBanned(b.pool.peerId)]).toEqual([false, false])
    await expect(a.pool.points.banRange('10.0.0.0/33')).rejects.toThrow(/10\.0\.0\.0\/33/)
  })

  it('Points.get_trusted, trust, untrust: and the host of a trusted point leaves the greylist', () => {
    const { pool } = new World().make('a')
    const host = hostOf(at(1))
    if (host === undefined) throw new Error('no host')
    pool.greylistAddress(host)
    pool.points.trust(at(1))
    expect([pool.points.isTrusted(at(1)), pool.points.isBanned(at(1)), pool.points.greylisted()]).toEqual([true, false, []])
    pool.points.untrust(at(1))
    pool.points.untrust(at(2))
    expect([pool.points.isTrusted(at(1)), pool.points.info(at(2))]).toEqual([false, undefined])
  })

  it('Points.get_greylisted_list, greylisted_list_not_reliable_since: a full list forgets the oldest host, and says since when', async () => {
    const world = new World()
    const { pool } = await world.start('a', { ipGreylistSizeKiB: 1 })
    const hosts = Array.from({ length: 9 }, (_, i) => hostOf(at(i + 1)) ?? '')
    const since = world.clock.date()
    for (const host of hosts.slice(0, 8)) pool.greylistAddress(host)
    expect(pool.points.greylisted()).toEqual(hosts.slice(0, 8).map((host) => ({ host, since })))
    expect(pool.points.greylistUnreliableSince).toBeUndefined()
    await world.clock.advance(1_000)
    pool.greylistAddress(hosts[8] ?? '')
    expect(pool.points.greylistUnreliableSince).toBe(since + 1_000)
    expect(pool.points.greylisted().map(({ host }) => host)).toEqual(hosts.slice(1))
    expect([pool.points.isBanned(at(1)), pool.points.isBanned(at(9))]).toEqual([false, true])
  })

  it('a point is described as a plain object, the same after JSON', async () => {
    const { a, b } = await two()
    const info = a.pool.points.info(b.network.point)
    if (info === undefined) throw new Error('b is not known')
    const description = a.pool.points.describe(info)
    expect(description).toMatchObject({
      point: b.network.point,
      state: 'running',
      isPublic: true,
      expectedPeerId: null,
      lastFailureAt: null
    })
    expect(JSON.parse(JSON.stringify(description))).toEqual(description)
  })
})
