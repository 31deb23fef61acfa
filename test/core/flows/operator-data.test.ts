import { describe, expect, it } from 'vitest'
import { memoryStorage, type PeerId, type PeerStorage, type Point } from '../../../src/core/index.ts'
import type { ExchangeMessage } from '../../../src/core/wire/schema.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const content = { expectedConnections: 30, maxConnections: 60, swapCooldownMs: 1_000 }

/** A pool that dials nobody by itself. */
async function resting(world: World, options: Parameters<World['start']>[1]): Promise<Member> {
  const member = await world.start('a', options)
  await world.clock.until(member.pool.suspend({ keep: 'all' }))
  return member
}

/** One with enough connections to take a swap, and a stranger that is connected with it. */
async function victim(world: World): Promise<{ a: Member; tell: Tell }> {
  const a = await resting(world, content)
  for (let i = 0; i < 25; i++) {
    const { network } = await world.start(`honest${i}`)
    await world.clock.until(a.pool.connect(network.point))
  }
  const evil = new HostilePeer(world, 'evil')
  const link = await evil.dial(a.network.point)
  say(link, helloOf(), { kind: 'ack' })
  await world.clock.advance(2_000)
  const tell: Tell = async (...messages) => {
    say(link, ...messages)
    await world.clock.advance(2_000)
  }
  return { a, tell }
}

type Tell = (...messages: ExchangeMessage[]) => Promise<void>

/** Connected once, and gone. */
async function met(world: World, a: Member, name: string): Promise<Member> {
  const member = await world.start(name)
  await world.clock.until(a.pool.connect(member.network.point))
  await world.clock.until(member.pool.stop())
  await world.clock.advance(70_000)
  return member
}

const swap = (point: string, peerId: string): ExchangeMessage => ({ kind: 'swap-request', point, peerId })

describe('what an unknown peer says of a point that the operator or a proof knows', () => {
  const known: Record<string, (world: World, a: Member) => Promise<Member>> = {
    'a trusted point that was never met': async (world, a) => {
      const member = world.make('friend')
      a.pool.points.trust(member.network.point)
      return member
    },
    'a trusted point with an id': async (world, a) => {
      const member = world.make('friend')
      a.pool.registerPoint(member.network.point, { trusted: true, expectedPeerId: 'friend' as PeerId })
      return member
    },
    'a point with an expected id': async (world, a) => {
      const member = world.make('friend')
      a.pool.registerPoint(member.network.point, { expectedPeerId: 'friend' as PeerId })
      return member
    },
    'a point where somebody was met': (world, a) => met(world, a, 'friend')
  }
  const said: Record<string, (point: string) => ExchangeMessage> = {
    'a swap offer with another id': (point) => swap(point, 'nobody'),
    'a swap offer with the id of the sender': (point) => swap(point, 'evil'),
    'a swap offer with the right id': (point) => swap(point, 'friend'),
    'an Advertise with another id in it': (point) => ({ kind: 'advertise', points: [`${point}/p2p/nobody`], ownPoints: undefined }),
    'an Advertise of it as its own': (point) => ({ kind: 'advertise', points: [], ownPoints: [point] })
  }
  for (const [point, make] of Object.entries(known)) {
    it(`${point}: nothing changes who is expected there, it is not dialed, and the operator connects as before`, async () => {
      const world = new World()
      const { a, tell } = await victim(world)
      const friend = await make(world, a)
      const before = JSON.stringify({ ...a.pool.points.describe(a.pool.points.info(friend.network.point) as never) })
      const dialed = record(a.pool, 'dial-started')
      for (const message of Object.values(said)) await tell(message(friend.network.point))
      expect(JSON.stringify({ ...a.pool.points.describe(a.pool.points.info(friend.network.point) as never) })).toBe(before)
      expect(dialed).toEqual([])
      await world.clock.until(friend.pool.start())
      expect((await world.clock.until(a.pool.connect(friend.network.point))).peerId).toBe('friend')
    })
  }

  it('a swap of ours that is answered with a trusted point changes nothing of it', async () => {
    const world = new World()
    const { a, tell } = await victim(world)
    const friend = world.make('friend')
    a.pool.points.trust(friend.network.point)
    const sent = record(a.pool, 'swap-request-sent')
    const failed = record(a.pool, 'swap-failure')
    for (let i = 0; i < 200 && !sent.some(({ detail }) => detail.peerId === 'evil'); i++) {
      a.pool.connections.proposeSwapRequest()
      await world.clock.advance(2_000)
    }
    await tell({ kind: 'swap-ack', point: friend.network.point, peerId: 'nobody' })
    expect(failed.at(-1)?.detail).toMatchObject({ peerId: 'evil' })
    expect(a.pool.points.info(friend.network.point)).toMatchObject({ trusted: true, expectedPeerId: undefined, failures: 0 })
  })

  it('a discovery that names another id for a trusted point does not keep its peer out', async () => {
    const world = new World()
    const [a, friend] = [await world.start('a'), await world.start('friend')]
    a.pool.points.trust(friend.network.point)
    a.network.discover({ point: friend.network.point, expectedPeerId: 'nobody' as PeerId })
    expect(a.pool.points.info(friend.network.point)?.expectedPeerId).toBeUndefined()
    const band = { min: 1, expected: 1, max: 2 }
    a.pool.setBand(band)
    await world.clock.advance(1_000)
    expect(a.pool.connectedPeerIds.has(friend.pool.peerId)).toBe(true)
    expect(a.pool.points.info(friend.network.point)).toMatchObject({ discoveredPeerId: undefined, failures: 0 })
  })
})

describe('the score of a peer that is away', () => {
  const lies: Record<string, (away: Point) => ExchangeMessage> = {
    'a swap offer that names it at another point': () => swap('/ip4/10.9.9.9/tcp/4001', 'away'),
    'a swap offer that names it behind a relay': () => swap('/ip4/10.9.9.9/tcp/4001/p2p/evil/p2p-circuit/p2p/away', 'away'),
    'an Advertise that names it behind a relay': () => ({
      kind: 'advertise',
      points: ['/ip4/10.9.9.9/tcp/4001/p2p/evil/p2p-circuit/p2p/away'],
      ownPoints: undefined
    }),
    'a swap offer of where it was met': (point) => swap(point, 'away')
  }
  for (const [lie, messageOf] of Object.entries(lies)) {
    it(`${lie}: is no lower for it`, async () => {
      const world = new World()
      const { a, tell } = await victim(world)
      const away = await met(world, a, 'away')
      const failed = record(a.pool, 'connection-failed')
      await tell(messageOf(away.network.point))
      for (const [point] of a.pool.points.known()) if (point.endsWith('/away')) await rejectionOf(world.clock.until(a.pool.connect(point)))
      expect(a.pool.peers.info('away' as PeerId)?.failures).toBe(0)
      if (!lie.includes('met')) expect(failed.length).toBeGreaterThan(0)
    })
  }

  it('counts what the operator’s own dials show, where it belongs', async () => {
    const world = new World()
    const { a } = await victim(world)
    const away = await met(world, a, 'away')
    await rejectionOf(world.clock.until(a.pool.connect(away.network.point)))
    expect(a.pool.peers.info('away' as PeerId)?.failures).toBe(1)
  })
})

describe('a trusted point without an id', () => {
  it('is not taken by a peer that comes from its host and names it; a dial of ours shows who is there', async () => {
    const world = new World()
    const a = await resting(world, { connectionTimeoutMs: 1_000 })
    const friend = await world.start('friend', { point: '/ip4/203.0.113.5/tcp/4001' })
    a.pool.points.trust(friend.network.point)
    const neighbour = new HostilePeer(world, 'neighbour', '/ip4/203.0.113.5/tcp/4002')
    const link = await neighbour.dial(a.network.point)
    say(link, helloOf({ points: [friend.network.point] }), { kind: 'ack' })
    await world.clock.advance(100)
    say(link, { kind: 'disconnect', code: 1, text: '', comeBackAfterMs: 3_600_000 })
    await world.clock.advance(100)
    expect(a.pool.points.info(friend.network.point)).toMatchObject({
      lastEstablished: undefined,
      claimedBy: undefined,
      backoffUntil: Number.NEGATIVE_INFINITY
    })
    await world.clock.until(friend.pool.connect(a.network.point))
    await world.clock.advance(100)
    const connection = a.pool.connections.findByPeerId(friend.pool.peerId)
    expect([connection?.direction, connection?.point]).toEqual(['incoming', undefined])
    expect(await rejectionOf(world.clock.until(a.pool.connect(friend.network.point)))).toMatchObject({ kind: 'already-connected' })
    expect(connection?.point).toBe(friend.network.point)
    expect(a.pool.connections.findByPoint(friend.network.point)).toBe(connection)
    expect(a.pool.points.info(friend.network.point)).toMatchObject({
      lastEstablished: { peerId: 'friend' },
      claimedBy: 'friend',
      failures: 0
    })
    expect(a.pool.peers.info(friend.pool.peerId)?.failures).toBe(0)
    await world.clock.until(friend.pool.stop())
    await world.clock.advance(100)
    expect(a.pool.points.info(friend.network.point)?.state.kind).toBe('disconnected')
  })
})

describe('the points of the config and what was saved', () => {
  const point = '/ip4/203.0.113.5/tcp/4001' as Point
  const other = '/ip4/203.0.113.6/tcp/4001' as Point

  async function saved(peerId: string): Promise<PeerStorage> {
    const storage = memoryStorage()
    const world = new World()
    const { pool } = await world.start('a', { storage })
    for (const one of [point, other]) pool.registerPoint(one, { trusted: true, expectedPeerId: peerId as PeerId })
    await world.stop()
    return storage
  }

  it.each([
    ['without an id', undefined],
    ['with another id', 'friend' as PeerId],
    ['with the same id', 'old' as PeerId]
  ])('a point named %s expects what the config says', async (_, expectedPeerId) => {
    const { pool } = await new World(2).start('a', { storage: await saved('old'), trustedPoints: [{ point, expectedPeerId }] })
    expect(pool.points.info(point)).toMatchObject({ trusted: true, expectedPeerId })
    expect(pool.points.info(other)).toMatchObject({ trusted: true, expectedPeerId: 'old' })
  })
})
