import { describe, expect, it } from 'vitest'
import { type Asker, shareablePoints } from '../../../src/core/decisions/advertisable-points.ts'
import type { PointInfo } from '../../../src/core/tables/point.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { Rejection } from '../../../src/core/values/reason.ts'
import * as wireCaps from '../../../src/core/wire/caps.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { shuffled } from '../../support/shuffle.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

const [asker, owner] = ['asker', 'owner'] as PeerId[] as [PeerId, PeerId]
const far: Asker = { peerId: asker, host: hostOfIp('203.0.113.9') as Host }
const near: Asker = { peerId: asker, host: hostOfIp('10.0.0.9') as Host }

interface Known {
  readonly point: string
  readonly isPublic?: boolean
  readonly trusted?: boolean | undefined
  readonly claimedBy?: PeerId
  readonly expectedPeerId?: PeerId | undefined
  readonly banned?: boolean
  readonly running?: boolean
}

interface Ask {
  readonly asker?: Asker
  readonly transports?: readonly string[]
  readonly options?: object
  readonly seed?: number
}

function told(known: readonly Known[], { asker: who = far, transports = [], options, seed = 1 }: Ask = {}): string[] {
  const bench = new StateBench(options)
  const random = seededRandom(seed)
  for (const { point, isPublic = true, trusted = false, banned = false, running = false, ...more } of shuffled(known, random)) {
    if (running) bench.dialed(point as Point, `at ${point}` as PeerId)
    bench.state.points.register(point as Point, { trusted })
    const record = bench.record(point as Point)
    Object.assign(record.asClaimed(), { isPublic, claimedBy: more.claimedBy })
    record.asProved().aliveAt = bench.now
    if (more.expectedPeerId !== undefined) record.asOperator().namedPeerId = more.expectedPeerId
    bench.parts.points.reindex(record)
    if (banned && record.host !== undefined) bench.state.access.banHost(record.host, { banPeers: false })
  }
  return shareablePoints(bench.state, { asker: who, network: {}, random, transports, seed, now: 0 })
}

const [open, hidden, lan, loopback] = ['/ip4/198.51.100.1/tcp/1', '/ip4/198.51.100.2/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1']
const socket = '/dns4/example.org/tcp/443/tls/ws'
const relayed = `/ip4/10.0.0.1/tcp/1/p2p/relay/p2p-circuit/p2p/${owner}`

const cases: readonly { name: string; known: readonly Known[]; ask?: Ask; expected: readonly string[] }[] = [
  { name: 'only what is known to be public', known: [{ point: open }, { point: hidden, isPublic: false }], expected: [open] },
  { name: 'nothing banned', known: [{ point: open }, { point: hidden, banned: true }], expected: [open] },
  { name: 'not what the asker says is its own', known: [{ point: open }, { point: hidden, claimedBy: asker }], expected: [open] },
  { name: 'not where the asker is expected', known: [{ point: open }, { point: hidden, expectedPeerId: asker }], expected: [open] },
  {
    name: 'nothing on private networks to one who is far away',
    known: [{ point: open }, { point: lan }, { point: loopback }],
    expected: [open]
  },
  { name: 'nothing behind a relay on a private network either', known: [{ point: open }, { point: relayed }], expected: [open] },
  {
    name: 'points on private networks to one who is on such a network',
    known: [{ point: open }, { point: lan }],
    ask: { asker: near },
    expected: [lan, open]
  },
  {
    name: 'points on private networks to anybody, if the operator allows it',
    known: [{ point: lan }],
    ask: { options: { allowPrivatePoints: true } },
    expected: [lan]
  },
  { name: 'only what the asker can dial', known: [{ point: open }, { point: socket }], ask: { transports: ['wss'] }, expected: [socket] },
  { name: 'nothing to one who can dial nothing that we know', known: [{ point: open }], ask: { transports: ['webrtc'] }, expected: [] }
]

describe('which of our points are advertised', () => {
  for (const { name, known, ask, expected } of cases) {
    it(name, () => {
      for (let seed = 1; seed <= 10; seed++)
        expect(told(known, { ...ask, seed }).toSorted(), `seed ${seed}`).toEqual([...expected].toSorted())
    })
  }

  it('connected ones come before others', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const known = Array.from({ length: 9 }, (_, i) => ({ point: `/ip4/198.51.${i}.1/tcp/1`, running: i === 3 }))
      expect(told(known, { seed })[0], `seed ${seed}`).toBe('/ip4/198.51.3.1/tcp/1')
    }
  })

  it('never more than 23 % of the table in one answer, though ten of a small one, and no more than a Nack holds', () => {
    const many = (count: number): Known[] =>
      Array.from({ length: count }, (_, i) => ({ point: `/ip4/198.${18 + (i >> 8)}.${i & 255}.1/tcp/1` }))
    const options = { allowPrivatePoints: true }
    expect(told(many(5), { options })).toHaveLength(5)
    expect(told(many(20), { options })).toHaveLength(10)
    expect(told(many(200), { options })).toHaveLength(40)
    expect(told(many(400), { options })).toHaveLength(wireCaps.nackPoints)
  })

  describe('to one address group, over an hour of questions,', () => {
    const hourMs = 3_600_000
    const kinds: readonly ((i: number) => string)[] = [
      (i) => `/ip4/198.${18 + (i >> 8)}.${i & 255}.1/tcp/1`,
      (i) => `/ip4/198.${18 + (i >> 8)}.${i & 255}.1/tcp/1/ws`,
      (i) => `/dns4/p${i}.example.org/tcp/443/tls/ws`
    ]

    function inAnHour(count: number, { seed, fromMs, kindCount }: { seed: number; fromMs: number; kindCount: number }): Set<string> {
      const bench = new StateBench({ allowPrivatePoints: true, maxKnownPoints: { max: 2_000, target: 1_900 } })
      const random = seededRandom(seed)
      for (let i = 0; i < count; i++) {
        const point = (kinds[i % kindCount]?.(i) ?? '') as Point
        bench.state.points.register(point, {})
        const record = bench.record(point)
        Object.assign(record.asClaimed(), { isPublic: true })
        record.asProved().aliveAt = Number.POSITIVE_INFINITY
        bench.parts.points.reindex(record)
      }
      const heard = new Set<string>()
      const askedFor = [[], ['tcp'], ['ws'], ['wss']]
      for (let ms = 0; ms < hourMs; ms += 15_000) {
        const transports = askedFor[(ms / 15_000) % askedFor.length] ?? []
        const who: Asker = { peerId: `asker${ms}` as PeerId, host: hostOfIp(`203.0.${(ms / 15_000) % 256}.9`) as Host }
        for (const point of shareablePoints(bench.state, { asker: who, network: {}, random, transports, seed, now: fromMs + ms }))
          heard.add(point)
      }
      return heard
    }

    it('a quarter of a large table at most, from whatever hour and by whatever transports', () => {
      for (let seed = 1; seed <= 4; seed++)
        for (const kindCount of [1, 2, 3]) {
          const heard = inAnHour(400, { seed, fromMs: seed * 7.3 * hourMs, kindCount })
          expect(heard.size, `seed ${seed}, ${kindCount} transports`).toBeLessThanOrEqual(100)
          expect(heard.size).toBeGreaterThan(70)
        }
    })

    it('ten points at least, and all of a table of ten', () => {
      expect(inAnHour(10, { seed: 1, fromMs: 0, kindCount: 1 }).size).toBe(10)
      expect(inAnHour(40, { seed: 1, fromMs: 0, kindCount: 1 }).size).toBeGreaterThanOrEqual(10)
      expect(inAnHour(40, { seed: 1, fromMs: 0, kindCount: 1 }).size).toBeLessThan(20)
    })

    it('other points two days later, and all in between', () => {
      const heard = new Set<string>()
      for (let hour = 0; hour < 48; hour += 6)
        for (const point of inAnHour(100, { seed: 1, fromMs: hour * hourMs, kindCount: 1 })) heard.add(point)
      expect(heard.size).toBe(100)
    })
  })
})

describe('what is advertised as alive', () => {
  const minute = 60_000
  const guest = 'guest' as PeerId
  const byUs = { by: 'us', reason: { kind: 'going-away' } } as const
  const atOther = `/ip4/198.51.100.9/tcp/4001/ws/p2p/relay/p2p-circuit/webrtc/p2p/${guest}` as Point
  const atUs = `/ip4/198.51.100.9/tcp/4001/ws/p2p/us/p2p-circuit/webrtc/p2p/${guest}` as Point
  const twoWays = ['/ip4/198.51.100.1/tcp/4001', '/ip4/198.51.100.1/tcp/4002'] as Point[] as [Point, Point]
  const named = (points: readonly Point[]) => points.map((point) => ({ point, expectedPeerId: undefined }))
  const host = hostOfIp('198.51.100.1') as Host

  function fails(bench: StateBench, rejection: Rejection): void {
    bench.pass(5_000)
    bench.state.end(bench.begin(open as Point), { kind: 'failed', rejection, by: 'them' })
  }
  /** A peer that came in and named these points. */
  function comes(bench: StateBench, points: readonly Point[]): FakeConnection {
    const connection = bench.cameIn(guest, { host })
    const own = points.map((point) => ({ point, expectedPeerId: point.endsWith(guest) ? guest : undefined }))
    bench.state.claims.learnOwn(own, { peerId: guest, host, isPrivate: false, trusted: false })
    return connection
  }
  function goes(bench: StateBench, connection: FakeConnection, isGone = false): void {
    connection.leave(byUs)
    bench.state.claims.left(connection.peerId, () => isGone)
  }

  const cases: readonly { name: string; held?: boolean; run: (bench: StateBench) => void; expected: readonly string[] }[] = [
    { name: 'a point that is connected', run: (bench) => void bench.dialed(open as Point, owner), expected: [open] },
    {
      name: 'one where the connection ended half an hour ago',
      run: (bench) => {
        bench.dialed(open as Point, owner).leave(byUs)
        bench.pass(30 * minute)
      },
      expected: [open]
    },
    {
      name: 'not one where it ended earlier',
      run: (bench) => {
        bench.dialed(open as Point, owner).leave(byUs)
        bench.pass(31 * minute)
      },
      expected: []
    },
    {
      name: 'not one that a dial has found dead since',
      run: (bench) => {
        bench.dialed(open as Point, owner).leave(byUs)
        fails(bench, { kind: 'dial-failed', failure: 'refused', detail: '' })
      },
      expected: []
    },
    {
      name: 'one whose peer has refused us since: it is there',
      run: (bench) => {
        bench.dialed(open as Point, owner).leave(byUs)
        fails(bench, { kind: 'rejected-by-peer', motive: 1, points: [] })
      },
      expected: [open]
    },
    {
      name: 'not one that was loaded from the storage, until somebody is met there',
      run: (bench) => {
        const record = bench.record(open as Point)
        Object.assign(record.asProved(), { lastEstablished: { peerId: owner, at: bench.date } })
        record.asClaimed().isPublic = true
        bench.parts.points.reindex(record)
      },
      expected: []
    },
    { name: 'all proven points of a peer that came in', run: (bench) => void comes(bench, twoWays), expected: twoWays },
    {
      name: 'and for half an hour after it left',
      run: (bench) => {
        goes(bench, comes(bench, twoWays))
        bench.pass(29 * minute)
      },
      expected: twoWays
    },
    { name: 'a way over a relay to a peer that is connected', run: (bench) => void comes(bench, [atOther]), expected: [atOther] },
    { name: 'not once it has left', run: (bench) => goes(bench, comes(bench, [atOther])), expected: [] },
    {
      name: 'a way over our own relay while it holds the reservation',
      held: true,
      run: (bench) => goes(bench, comes(bench, [atUs])),
      expected: [atUs]
    },
    {
      name: 'not without a reservation, though its peer is connected',
      held: false,
      run: (bench) => void comes(bench, [atUs]),
      expected: []
    },
    {
      name: 'where nobody knows of reservations, while its peer is connected',
      run: (bench) => void comes(bench, [atUs]),
      expected: [atUs]
    },
    {
      name: 'not a way that its peer does not name any more',
      run: (bench) => {
        comes(bench, [atOther])
        bench.state.claims.learnOwn([], { peerId: guest, host, isPrivate: false, trusted: false })
      },
      expected: []
    }
  ]
  for (const { name, held, run, expected } of cases) {
    it(name, () => {
      const bench = new StateBench()
      run(bench)
      const network = { holdsReservation: () => held }
      const asks = { asker: far, network, random: seededRandom(1), seed: 1, transports: [], now: bench.now }
      expect(shareablePoints(bench.state, asks).toSorted()).toEqual([...expected].toSorted())
    })
  }

  it('a way over a relay is forgotten when its peer said goodbye, or does not name it any more, or three dials failed; not what the operator named', () => {
    const bench = new StateBench()
    goes(bench, comes(bench, [atOther]), true)
    expect(bench.state.points.get(atOther)).toBeUndefined()
    comes(bench, [atOther]).leave(byUs)
    bench.state.claims.learnOwn(named([]), { peerId: guest, host, isPrivate: false, trusted: false })
    expect(bench.state.points.get(atOther)).toBeUndefined()

    const other = bench.dialed(open as Point, owner)
    bench.state.claims.learn([{ point: atOther, expectedPeerId: guest }], { peerId: other.peerId, host, discoverySource: 'advertise' })
    for (let n = 1; n <= 3; n++) {
      expect(bench.state.points.get(atOther), `failure ${n}`).toBeDefined()
      const attempt = bench.state.beginOutgoing(bench.state.points.get(atOther) as PointInfo, guest)
      bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'unreachable', detail: '' }, by: 'them' })
      bench.state.claims.failed(atOther)
    }
    expect(bench.state.points.get(atOther)).toBeUndefined()

    // Nobody says that it is dead: the relay would advertise it again, and its back-off would be lost.
    bench.state.claims.learn([{ point: atOther, expectedPeerId: guest }], { peerId: other.peerId, host, discoverySource: 'advertise' })
    for (let n = 1; n <= 5; n++) {
      const attempt = bench.state.beginOutgoing(bench.state.points.get(atOther) as PointInfo, guest)
      bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'timeout', step: 'dial', afterMs: 10_000 }, by: 'them' })
      bench.state.claims.failed(atOther)
    }
    expect(bench.state.points.get(atOther)?.failures).toBe(5)
    bench.state.points.forget(atOther)

    bench.state.points.register(atOther)
    bench.state.claims.left(guest, () => true)
    expect(bench.state.points.get(atOther)).toBeDefined()
  })
})
