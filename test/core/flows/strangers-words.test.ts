import { expect, it } from 'vitest'
import type { PeerId, PeerPool, Point } from '../../../src/core/index.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { HostileCrowd } from '../../support/hostile-crowd.ts'
import { World } from '../../support/pools.ts'

const seeds = [1, 2, 3, 4]
const sequencesPerSeed = 25_000
const roundsPerLook = 4

const at = (n: number): Point => `/ip4/203.0.113.${n}/tcp/4001` as Point
const relayed = '/ip4/203.0.113.8/tcp/4001/p2p/relay/p2p-circuit/p2p/behind' as Point
const victim = '/ip4/203.0.113.250/tcp/4001' as Point
const near = '/ip4/192.0.2.200/tcp/4001' as Point
const banned = { peer: 'banned' as PeerId, host: hostOfIp('203.0.113.66') as Host, range: '203.0.112.0/24' }

/** The points that the operator or a proof wrote something about, with whoever is or was there. Nobody of them is connected. */
const points: Record<string, Point> = {
  configured: at(1),
  'configured without an id': at(2),
  'configured without an id and met': at(3),
  'trusted later, with an id': at(4),
  'expected, not trusted': at(5),
  met: at(6),
  'met, private': at(7),
  'trusted and relayed': relayed
}

async function victimOf(world: World): Promise<PeerPool> {
  const { pool } = await world.start('victim', {
    point: victim,
    trustedPoints: [
      { point: at(1), expectedPeerId: 'one' as PeerId },
      { point: at(2), expectedPeerId: undefined },
      { point: at(3), expectedPeerId: undefined }
    ],
    ...{ minConnections: 0, expectedConnections: 0, maxConnections: 300, swapCooldownMs: 1, maxIncoming: 60, maxIncomingPerHost: 60 },
    ...{ maxKnownPoints: { max: 10_000, target: 9_000 }, maxKnownPeers: { max: 20_000, target: 19_000 } }
  })
  // It dials nobody by itself, so that whatever changes is the strangers' doing.
  await world.clock.until(pool.suspend({ keep: 'all' }))
  const meet = async (name: string, point: Point, options: { privateMode?: boolean } = {}): Promise<void> => {
    const member = await world.start(name, { ...options, point })
    if (options.privateMode) member.pool.peers.trust(pool.peerId)
    await world.clock.until(pool.connect(point))
    await world.clock.until(member.pool.destroy())
  }
  await meet('three', at(3))
  await meet('six', at(6))
  await meet('seven', at(7), { privateMode: true })
  pool.registerPoint(at(4), { trusted: true, expectedPeerId: 'four' as PeerId })
  pool.registerPoint(at(5), { expectedPeerId: 'five' as PeerId })
  pool.points.trust(relayed)
  pool.peers.trust('friend' as PeerId)
  await pool.peers.ban(banned.peer)
  await pool.points.banHost(banned.host, { endsAt: world.clock.date() + 1e12 })
  await pool.points.banRange(banned.range)
  // Those who stay: the swaps need somebody to give away.
  for (let i = 0; i < 25; i++) {
    const { network } = await world.start(`honest${i}`, { point: `/ip4/192.0.2.${i}/tcp/4001` })
    await world.clock.until(pool.connect(network.point))
  }
  await world.clock.until(pool.connect((await world.start('near', { point: near })).network.point, { trusted: true }))
  pool.addEventListener('connection-opened', ({ detail }) => {
    void (async () => {
      for await (const _ of pool.connections.findByPeerId(detail.peerId)?.messages ?? []);
    })()
  })
  return pool
}

/** What the operator or a proof wrote, line by line. */
function written(pool: PeerPool): string[] {
  const pointLines = [...Object.values(points), near].map((point) => {
    const info = pool.points.info(point)
    if (info === undefined) return `${point} is gone`
    const { trusted, expectedPeerId, lastEstablished, lastDisconnection, lastRejected, lastFailedAt, failures, backoffUntil } = info
    const proved = { lastEstablished, lastDisconnection, lastRejected, lastFailedAt, failures, backoffUntil }
    return JSON.stringify({ point, trusted, expectedPeerId, state: info.state.kind, ...proved })
  })
  const peerLines = ['one', 'three', 'four', 'five', 'six', 'seven', 'friend', 'near', 'behind', banned.peer].map((name) => {
    const info = pool.peers.info(name as PeerId)
    const { trusted, lastEstablished, failures, lastReport, penalty, served, connectedMs } = info ?? {}
    return JSON.stringify([
      name,
      trusted,
      lastEstablished,
      failures,
      lastReport,
      penalty,
      served,
      connectedMs,
      pool.peers.isBanned(name as PeerId)
    ])
  })
  // A swap may give one of these away, which is our own choice; it must not cost that peer anything.
  const honestLines = Array.from({ length: 25 }, (_, i) => {
    const { trusted, failures, lastReport, penalty, lastEstablished } = pool.peers.info(`honest${i}` as PeerId) ?? {}
    return JSON.stringify([`honest${i}`, trusted, failures, lastReport, penalty, lastEstablished])
  })
  const bans = [`/ip4/203.0.113.66/tcp/4009`, '/ip4/203.0.112.7/tcp/4009'].map((point) => String(pool.points.isBanned(point as Point)))
  return [...pointLines, ...peerLines, ...honestLines, ...bans]
}

it(`${seeds.length * sequencesPerSeed} random sequences of messages change nothing that the operator or a proof wrote, nor another peer's score`, async () => {
  const reached = { swaps: 0, dialed: 0, greylisted: 0, taken: 0 }
  for (const seed of seeds) {
    const world = new World(seed)
    const pool = await victimOf(world)
    const random = seededRandom(seed)
    const aims = {
      victim,
      points: [...Object.values(points), '/ip4/203.0.113.66/tcp/4001', '/ip4/192.0.2.3/tcp/4001', near],
      peerIds: ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'friend', 'near', 'behind', 'victim', banned.peer, 'honest1'],
      sharedHosts: ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.6']
    }
    const strangers = new HostileCrowd(world, aims, () => random.next())
    pool.addEventListener('swap-ack-sent', () => reached.swaps++)
    pool.addEventListener('dial-started', () => reached.dialed++)
    pool.addEventListener('greylisted', () => reached.greylisted++)
    pool.addEventListener('advertise-received', ({ detail }) => {
      reached.taken += detail.taken
    })
    const before = written(pool)
    while (strangers.sequences < sequencesPerSeed) {
      strangers.said = []
      for (let i = 0; i < roundsPerLook; i++) await strangers.round()
      const after = written(pool)
      if (after.join() !== before.join()) {
        const said = strangers.said.map((sequence) => JSON.stringify(sequence)).join('\n')
        expect(after, `seed ${seed}, after ${strangers.sequences} sequences, the last ones:\n${said}`).toEqual(before)
      }
    }
  }
  // Strangers whom nobody listens to would show nothing.
  expect(reached.swaps).toBeGreaterThan(200)
  expect(reached.dialed).toBeGreaterThan(200)
  expect(reached.greylisted).toBeGreaterThan(50)
  expect(reached.taken).toBeGreaterThan(500)
}, 240_000)
