import { describe, expect, it } from 'vitest'
import { type Host, hostOf, type PeerId, type Point, PoolError } from '../../../src/core/index.ts'
import { record, rejectionOf, World } from '../../support/pools.ts'

const at = (n: number): Point => `/ip4/10.7.0.${n}/tcp/4001` as Point
const [p1, p2, p3] = [at(1), at(2), at(3)]
const tiny = { maxKnownPoints: { max: 2, target: 2 }, maxKnownPeers: { max: 2, target: 1 } }

function hostAt(point: Point): Host {
  const host = hostOf(point)
  if (host === undefined) throw new Error(`${point} has no host`)
  return host
}

describe('registering', () => {
  it('register_point: a new point is known, with an event; a known one is given back as it is', async () => {
    const { pool } = new World().make('a')
    const told = record(pool, 'new-point')
    const info = pool.registerPoint(p1)
    expect(pool.registerPoint(p1)).toBe(info)
    expect(pool.points.info(p1)).toBe(info)
    expect(info).toMatchObject({ point: p1, trusted: false, isPublic: false, discoverySource: 'operator', state: { kind: 'disconnected' } })
    await Promise.resolve()
    expect(told.map(({ detail }) => detail)).toEqual([{ point: p1, discoverySource: 'operator', source: undefined }])
  })

  it('register_point: ?trusted sets and clears, and is left alone if not given', () => {
    const { pool } = new World().make('a')
    expect(pool.registerPoint(p1, { trusted: true }).trusted).toBe(true)
    expect(pool.registerPoint(p1).trusted).toBe(true)
    expect(pool.registerPoint(p1, { trusted: false }).trusted).toBe(false)
  })

  it('register_point: ?expected_peer_id drops any other peer there', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    a.pool.registerPoint(b.network.point, { expectedPeerId: 'c' as PeerId })
    expect(await world.clock.until(connection.closed)).toEqual({ by: 'us', reason: { kind: 'unexpected-peer-id' } })
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'point-banned' })
    a.pool.points.unban(b.network.point)
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({
      kind: 'unexpected-peer-id',
      expected: 'c'
    })
  })

  it('register_point: when nothing in the table may go, a newcomer is refused, unless it is trusted', () => {
    const { pool } = new World().make('a', tiny)
    for (const point of [p1, p2]) pool.registerPoint(point, { trusted: true })
    expect(() => pool.registerPoint(p3)).toThrow(PoolError)
    expect(() => pool.registerPoint(p3)).toThrow(p3)
    expect([...pool.points.known()]).toHaveLength(2)
    expect(pool.registerPoint(p3, { trusted: true }).point).toBe(p3)
  })

  it('register_point: a full table collects before it inserts, and is never above its max', async () => {
    const { pool } = new World().make('a', tiny)
    const told = record(pool, 'points-collected')
    for (const point of [p1, p2, p3]) {
      pool.registerPoint(point)
      expect([...pool.points.known()].length).toBeLessThanOrEqual(2)
    }
    await Promise.resolve()
    expect(told.map(({ detail }) => detail)).toEqual([{ removed: 1 }])
    expect(pool.points.info(p3)).toBeDefined()
  })

  it('unregister_point: the point is forgotten, its connection stays, an attempt to it ends', async () => {
    const world = new World()
    const [a, b, c] = [await world.start('a'), await world.start('b'), await world.start('c')]
    await world.clock.until(a.pool.connect(b.network.point))
    a.pool.unregisterPoint(b.network.point)
    expect(a.pool.points.info(b.network.point)).toBeUndefined()
    expect(a.pool.activeConnections).toBe(1)
    const attempt = rejectionOf(a.pool.connect(c.network.point))
    a.pool.unregisterPoint(c.network.point)
    expect(await world.clock.until(attempt)).toMatchObject({ kind: 'cancelled' })
    expect(a.pool.points.info(c.network.point)).toBeUndefined()
    expect(() => a.pool.unregisterPoint(p1)).not.toThrow()
  })

  it('register_new_point: as register_point, but nothing for our own points or when there is no place', async () => {
    const world = new World()
    const { pool, network } = await world.start('a', tiny)
    expect(pool.registerNewPoint(network.point)).toBeUndefined()
    expect(pool.registerNewPoint(p1, { trusted: true })).toMatchObject({ point: p1, trusted: true })
    pool.registerNewPoint(p2, { trusted: true })
    expect(pool.registerNewPoint(p3)).toBeUndefined()
    expect(pool.registerNewPoint(p3, { trusted: true })?.point).toBe(p3)
  })

  it('register_list_of_new_points: each is taken or dropped for itself; source and discovery source are kept', async () => {
    const world = new World()
    const { pool, network } = await world.start('a')
    const source = 'teller' as PeerId
    pool.points.ban(at(9)).catch(() => undefined)
    const points = [p1, network.point, at(9), p2, '/ip4/0.0.0.0/tcp/4001' as Point].map((point) => ({ point, expectedPeerId: undefined }))
    expect(pool.registerNewPoints(points, { discoverySource: 'advertise', source })).toBe(2)
    expect(pool.registerNewPoints(points, { discoverySource: 'advertise', source })).toBe(0)
    expect([...pool.points.known()].map(([point]) => point).toSorted()).toEqual([p1, p2])
    expect(pool.points.info(p1)).toMatchObject({ discoverySource: 'advertise', source, trusted: false })
  })

  it('register_list_of_new_points: ?trusted', () => {
    const { pool } = new World().make('a')
    const points = [p1, p2].map((point) => ({ point, expectedPeerId: undefined }))
    pool.registerPoint(p2)
    expect(pool.registerNewPoints(points, { discoverySource: 'advertise', source: 'x' as PeerId, trusted: true })).toBe(1)
    expect(pool.points.isTrusted(p1)).toBe(true)
  })

  it('register_peer: a new peer is known, with an event; a known one is given back; a full table refuses', async () => {
    const { pool } = new World().make('a', tiny)
    const told = record(pool, 'new-peer')
    const [x, y, z] = ['x', 'y', 'z'] as PeerId[] as [PeerId, PeerId, PeerId]
    const info = pool.registerPeer(x)
    expect(pool.registerPeer(x)).toBe(info)
    expect(pool.peers.info(x)).toMatchObject({ peerId: x, trusted: false, state: { kind: 'disconnected' } })
    for (const peerId of [x, y]) pool.peers.trust(peerId)
    expect(() => pool.registerPeer(z)).toThrow(/z: all known peers/)
    expect([...pool.peers.known()]).toHaveLength(2)
    await Promise.resolve()
    expect(told.map(({ detail }) => detail.peerId)).toEqual([x, y])
  })

  it('set_expected_peer_id: only that peer may answer from then on, and the wrong one leaves', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const point = b.network.point
    await world.clock.until(a.pool.setExpectedPeerId(point, 'c' as PeerId))
    expect(await rejectionOf(world.clock.until(a.pool.connect(point)))).toMatchObject({ kind: 'unexpected-peer-id', expected: 'c' })
    await world.clock.until(a.pool.setExpectedPeerId(point, b.pool.peerId))
    const connection = await world.clock.until(a.pool.connect(point))
    await world.clock.until(a.pool.setExpectedPeerId(point, b.pool.peerId))
    expect(a.pool.activeConnections).toBe(1)
    await world.clock.until(a.pool.setExpectedPeerId(point, 'c' as PeerId))
    expect(connection.ending).toEqual({ by: 'us', reason: { kind: 'unexpected-peer-id' } })
    expect(a.pool.points.greylisted().map(({ host }) => host)).toEqual([hostAt(point)])
  })

  it('set_expected_peer_id: a dial to another is cancelled', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const attempt = rejectionOf(a.pool.connect(b.network.point))
    await world.clock.advance(3)
    await world.clock.until(a.pool.setExpectedPeerId(b.network.point, 'c' as PeerId))
    expect(await world.clock.until(attempt)).toMatchObject({ kind: 'cancelled' })
  })

  it('add_to_id_points: the point is ours: forgotten, never registered by others, never dialed; the oldest of 17 may be', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    pool.registerPoint(p1)
    pool.addToIdPoints(p1)
    expect(pool.points.info(p1)).toBeUndefined()
    expect(pool.registerNewPoint(p1)).toBeUndefined()
    expect(await rejectionOf(pool.connect(p1))).toEqual({ kind: 'myself' })
    for (let i = 2; i <= 17; i++) pool.addToIdPoints(at(i))
    expect(pool.registerNewPoint(p1)?.point).toBe(p1)
  })

  it('a dial that reaches ourselves makes the point our own', async () => {
    const world = new World()
    const a = await world.start('a')
    world.hub.nodes.set(p1, a.network)
    expect(await rejectionOf(world.clock.until(a.pool.connect(p1)))).toEqual({ kind: 'myself' })
    await world.clock.advance(6_000)
    expect(a.pool.points.info(p1)).toBeUndefined()
    expect(a.pool.registerNewPoint(p1)).toBeUndefined()
    expect(a.pool.points.greylisted()).toEqual([])
    expect(world.hub.links.size).toBe(0)
  })
})

describe('listing', () => {
  it('list_known_points: public ones only if asked, never banned ones, at most size, each once', async () => {
    const world = new World()
    const a = await world.start('a')
    const others = await Promise.all(Array.from({ length: 6 }, (_, i) => world.start(`b${i}`)))
    for (const { network } of others.slice(0, 4)) await world.clock.until(a.pool.connect(network.point))
    for (const { network } of others) a.pool.registerPoint(network.point)
    const points = others.map(({ network }) => network.point)
    expect(a.pool.listKnownPoints({ ignorePrivate: false }).toSorted()).toEqual(points.toSorted())
    expect(a.pool.listKnownPoints({ ignorePrivate: true }).toSorted()).toEqual(points.slice(0, 4).toSorted())
    await world.clock.until(a.pool.points.ban(points[0] as Point))
    expect(a.pool.listKnownPoints({ ignorePrivate: true }).toSorted()).toEqual(points.slice(1, 4).toSorted())
    const some = a.pool.listKnownPoints({ ignorePrivate: false, size: 3 })
    expect(new Set(some).size).toBe(3)
    expect(a.pool.listKnownPoints({ ignorePrivate: false, size: 0 })).toEqual([])
  })

  it('list_known_points: 50 unless said; a negative or fractional size is an error naming it', () => {
    const { pool } = new World().make('a')
    for (let i = 1; i <= 80; i++) pool.registerPoint(at(i))
    expect(pool.listKnownPoints({ ignorePrivate: false })).toHaveLength(50)
    for (const size of [-1, 1.5, Number.NaN]) {
      expect(() => pool.listKnownPoints({ ignorePrivate: false, size })).toThrow(PoolError)
      expect(() => pool.listKnownPoints({ ignorePrivate: false, size })).toThrow(String(size))
    }
  })
})

describe('greylists', () => {
  it('greylist_addr: the host is kept out and listed, a trusted one is not', () => {
    const { pool } = new World().make('a')
    pool.registerPoint(p2, { trusted: true })
    for (const point of [p1, p2]) pool.greylistAddress(hostAt(point))
    expect([pool.points.isBanned(p1), pool.points.isBanned(p2)]).toEqual([true, false])
    expect(pool.points.greylisted().map(({ host }) => host)).toEqual([hostAt(p1)])
  })

  it('greylist_peer: the peer is kept out, and its host while it is connected; a trusted one is not', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    a.pool.greylistPeer(b.pool.peerId)
    expect([a.pool.peers.isBanned(b.pool.peerId), a.pool.points.isBanned(b.network.point)]).toEqual([true, true])
    const [gone, friend] = ['gone', 'friend'] as PeerId[] as [PeerId, PeerId]
    a.pool.peers.trust(friend)
    for (const peerId of [gone, friend]) a.pool.greylistPeer(peerId)
    expect(a.pool.peers.greylisted().map(({ peerId }) => peerId)).toEqual([b.pool.peerId, gone])
  })

  it('clear_greylist: greylisted hosts and peers are free, and events say so; bans stay', async () => {
    const { pool } = new World().make('a')
    const [x, y] = ['x', 'y'] as PeerId[] as [PeerId, PeerId]
    for (const point of [p1, p2]) pool.greylistAddress(hostAt(point))
    for (const peerId of [x, y]) pool.greylistPeer(peerId)
    await pool.points.ban(p2)
    await pool.peers.ban(y)
    const events = [record(pool, 'host-unbanned'), record(pool, 'peer-unbanned')]
    pool.clearGreylist()
    expect([p1, p2].map((point) => pool.points.isBanned(point))).toEqual([false, true])
    expect([x, y].map((peerId) => pool.peers.isBanned(peerId))).toEqual([false, true])
    expect([pool.points.greylisted(), pool.peers.greylisted()]).toEqual([[], []])
    await Promise.resolve()
    expect(events.map((list) => list.map(({ detail }) => detail))).toEqual([[{ host: hostAt(p1) }], [{ peerId: x }]])
  })

  it('gc_greylist: one step of fading; a listing outlives fourteen and ends with the fifteenth', async () => {
    const { pool } = await new World().start('a')
    pool.greylistAddress(hostAt(p1))
    for (let i = 0; i < 14; i++) pool.gcGreylist()
    expect(pool.points.isBanned(p1)).toBe(true)
    pool.gcGreylist()
    expect([pool.points.isBanned(p1), pool.points.greylisted()]).toEqual([false, []])
  })

  it('acl_clear: all bans and greylistings are lifted', async () => {
    const { pool } = new World().make('a')
    pool.greylistAddress(hostAt(p1))
    pool.greylistPeer('x' as PeerId)
    await pool.points.ban(p2)
    await pool.points.banRange('10.8.0.0/16')
    await pool.peers.ban('y' as PeerId)
    pool.clearAcl()
    expect([p1, p2, '/ip4/10.8.1.1/tcp/4001' as Point].map((point) => pool.points.isBanned(point))).toEqual([false, false, false])
    expect((['x', 'y'] as PeerId[]).map((peerId) => pool.peers.isBanned(peerId))).toEqual([false, false])
  })
})
