import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { HostilePeer } from '../../support/hostile-peer.ts'
import { type Member, record, World } from '../../support/pools.ts'

const garbage = new Uint8Array(64).fill(0xff)
const [loopback, lan, carrier, linkLocal] = ['127.0.0.1', '192.168.1.7', '100.64.3.3', '169.254.1.1']
const shared = '198.51.100.7'
const portOn = (ip: string, port: number): string => `/ip4/${ip}/tcp/${4_000 + port}`

/** A pool at an address of its own, and a stranger at `ip` whose garbage it has just seen. */
async function blamed(ip: string, setUp: (world: World, a: Member) => Promise<unknown> = async () => undefined) {
  const world = new World()
  const a = await world.start('a')
  await setUp(world, a)
  const told = record(a.pool, 'greylisted')
  const evil = new HostilePeer(world, 'evil', portOn(ip, 1))
  ;(await evil.dial(a.network.point)).send(garbage)
  await world.clock.advance(1_500)
  expect(told.map(({ detail }) => detail.peerId)).toEqual(['evil'])
  return { world, a, told }
}

/** Both ends know of the connection afterwards, if one came of it. */
async function isIn(world: World, from: Member, to: Member): Promise<boolean> {
  const connected = await world.clock.until(
    from.pool.connect(to.network.point).then(
      () => true,
      () => false
    )
  )
  await world.clock.advance(100)
  return connected
}

describe('peers that share a host that is not public', () => {
  for (const ip of [loopback, lan, carrier, linkLocal]) {
    it(`${ip}: a fault bars the peer that made it, and nobody else`, async () => {
      const { world, a, told } = await blamed(ip)
      expect(told.map(({ detail }) => detail.host)).toEqual([undefined])
      expect(a.pool.points.greylisted()).toEqual([])
      const neighbour = await world.start('neighbour', { point: portOn(ip, 2) })
      expect(await isIn(world, neighbour, a)).toBe(true)
    })
  }

  it('the operator may greylist it all the same', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b', { point: portOn(lan, 1) })]
    const { host } = a.pool.registerPoint(b.network.point)
    if (host !== undefined) a.pool.greylistAddress(host)
    expect(await isIn(world, b, a)).toBe(false)
  })
})

describe('peers that share a greylisted public host', () => {
  it('an unknown peer there is kept out, in both directions', async () => {
    const { world, a } = await blamed(shared)
    const stranger = await world.start('stranger', { point: portOn(shared, 2) })
    expect([await isIn(world, stranger, a), await isIn(world, a, stranger)]).toEqual([false, false])
  })

  it('a peer that is trusted by id gets in, and is dialed', async () => {
    for (const dials of [true, false]) {
      const { world, a } = await blamed(shared)
      const friend = await world.start('friend', { point: portOn(shared, 2) })
      a.pool.peers.trust(friend.pool.peerId)
      const asExpected = { expectedPeerId: friend.pool.peerId }
      const connection = dials ? a.pool.connect(friend.network.point, asExpected) : friend.pool.connect(a.network.point)
      await expect(world.clock.until(connection)).resolves.toBeDefined()
    }
  })

  it('the peer that a trusted point elsewhere expects gets in', async () => {
    const trustedPoints = [{ point: '/ip4/203.0.113.1/tcp/4001' as Point, expectedPeerId: 'friend' as PeerId }]
    const world = new World()
    const a = await world.start('a', { trustedPoints })
    const evil = new HostilePeer(world, 'evil', portOn(shared, 1))
    ;(await evil.dial(a.network.point)).send(garbage)
    await world.clock.advance(1_500)
    expect(a.pool.points.greylisted()).toHaveLength(1)
    expect(await isIn(world, await world.start('friend', { point: portOn(shared, 2) }), a)).toBe(true)
  })

  it('a peer that had a good connection before gets in, and is dialed; one that was there for a moment does not', async () => {
    for (const [ms, expected] of [
      [20_000, true],
      [2_000, false]
    ] as const) {
      let known: Member | undefined
      const { world, a } = await blamed(shared, async (world, a) => {
        known = await world.start('known', { point: portOn(shared, 2) })
        const connection = await world.clock.until(known.pool.connect(a.network.point))
        await world.clock.advance(ms)
        await world.clock.until(connection.disconnect({ kind: 'going-away' }))
        await world.clock.advance(100)
      })
      if (known === undefined) throw new Error('it was not made')
      expect(await isIn(world, known, a), `after ${ms} ms`).toBe(expected)
      await world.clock.until(a.pool.disconnect(known.pool.peerId))
      await world.clock.advance(100)
      expect(await isIn(world, a, known), `dialed after ${ms} ms`).toBe(expected)
    }
  })

  it('a good connection before does not help a peer that broke the protocol itself', async () => {
    const world = new World()
    const a = await world.start('a')
    const known = await world.start('known', { point: portOn(shared, 2) })
    await world.clock.until(known.pool.connect(a.network.point))
    await world.clock.advance(20_000)
    a.pool.greylistPeer(known.pool.peerId)
    await world.clock.until(a.pool.disconnect(known.pool.peerId))
    expect(a.pool.points.greylisted()).toHaveLength(1)
    expect(await isIn(world, known, a)).toBe(false)
  })

  it('a ban of the host by the operator keeps them all out, trusted or not', async () => {
    const world = new World()
    const [a, friend] = [await world.start('a'), await world.start('friend', { point: portOn(shared, 2) })]
    a.pool.peers.trust(friend.pool.peerId)
    await world.clock.until(a.pool.points.ban(friend.network.point))
    expect([await isIn(world, friend, a), await isIn(world, a, friend)]).toEqual([false, false])
  })
})
