import { describe, expect, it } from 'vitest'
import { type MaintenancePlan, planMaintenance } from '../../../src/core/decisions/plan.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { shuffled } from '../../support/shuffle.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

/** Bounds 3, 4, 6, 7. */
const band = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }
const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point
const peer = (n: number): PeerId => `peer${n}` as PeerId
const range = (count: number, first = 1): number[] => Array.from({ length: count }, (_, i) => first + i)

function plan(bench: StateBench, { filling = false, cannot = [] as Point[] } = {}): MaintenancePlan {
  return planMaintenance(bench.state, { now: bench.now, filling, canDial: (point) => !cannot.includes(point) })
}

function connect(bench: StateBench, count: number): FakeConnection[] {
  return range(count, 101).map((n) => bench.dialed(at(n), peer(n)))
}

function fail(bench: StateBench, point: Point): void {
  bench.state.end(bench.begin(point), { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
}

/** What each case asks for, with the candidates registered in many orders. */
interface Case {
  readonly name: string
  readonly options?: object
  readonly running?: number
  readonly candidates?: number
  readonly view?: (bench: StateBench) => void
  readonly filling?: boolean
  readonly cannot?: Point[]
  /** Which points, in any order. */
  readonly dial?: readonly Point[]
  /** How many points, whichever. */
  readonly dials?: number
  readonly leaves?: number
  readonly ask: boolean
}

const cases: readonly Case[] = [
  { name: 'inside the band nothing is done', running: 3, candidates: 5, dials: 0, ask: false },
  { name: 'at the upper threshold nobody leaves', running: 7, candidates: 5, dials: 0, leaves: 0, ask: false },
  { name: 'below the lower threshold three are dialed for each that is missing', running: 2, candidates: 9, dials: 3, ask: false },
  { name: 'on the way up it goes on to the lower target', running: 3, candidates: 9, filling: true, dials: 3, ask: false },
  { name: 'at the lower target it has enough', running: 4, candidates: 9, filling: true, dials: 0, ask: false },
  { name: 'never so many that all could be too many', running: 0, candidates: 9, dials: 6, ask: false },
  { name: 'dials are bounded', running: 0, candidates: 9, options: { maxParallelDials: 2 }, dials: 2, ask: false },
  {
    name: 'dials in progress count',
    running: 1,
    candidates: 9,
    view: (bench) => range(2, 50).forEach((n) => void bench.begin(at(n))),
    dials: 3,
    ask: false
  },
  { name: 'with too few candidates it asks for points', running: 1, candidates: 1, dial: [at(1)], ask: true },
  { name: 'with none it asks and dials nobody', running: 1, candidates: 0, dials: 0, ask: true },
  {
    name: 'a banned host is no candidate',
    candidates: 2,
    view: (bench) => void bench.registry.banHost(hostOfIp('192.0.2.1') as Host, { banPeers: true }),
    dial: [at(2)],
    ask: true
  },
  {
    name: 'nor a point where a banned peer is expected',
    candidates: 2,
    view: (bench) => {
      bench.registry.setExpectedPeerId(bench.registry.registerPoint(at(1)), peer(1))
      bench.registry.banPeer(peer(1))
    },
    dial: [at(2)],
    ask: true
  },
  {
    name: 'nor a point where a greylisted peer was last met',
    candidates: 2,
    view: (bench) => {
      bench.dialed(at(1), peer(1)).leave({ by: 'us', reason: { kind: 'going-away' } })
      bench.state.greylist(peer(1), undefined, 'it lied')
      bench.pass(120_000)
    },
    dial: [at(2)],
    ask: true
  },
  { name: 'nor what the network cannot dial', candidates: 2, cannot: [at(1)], dial: [at(2)], ask: true },
  { name: 'nor our own point', candidates: 2, view: (bench) => bench.state.addOwnPoint(at(1)), dial: [at(2)], ask: true },
  { name: 'nor a point that is busy', candidates: 2, view: (bench) => void bench.begin(at(1)), dial: [at(2)], ask: true },
  { name: 'nor a point that has just failed', candidates: 2, running: 1, view: (bench) => fail(bench, at(1)), dial: [at(2)], ask: true },
  {
    name: 'nor a point whose peer is connected another way',
    candidates: 2,
    running: 1,
    view: (bench) => {
      bench.registry.registerPoint(at(1)).claimedBy = peer(101)
    },
    dial: [at(2)],
    ask: true
  },
  { name: 'in private mode only trusted points are', candidates: 2, options: { privateMode: true }, dials: 0, ask: true },
  {
    name: 'trusted points are candidates in private mode',
    candidates: 2,
    options: { privateMode: true },
    view: (bench) => void bench.registry.registerPoint(at(1), { trusted: true }),
    dial: [at(1)],
    ask: true
  },
  { name: 'above the upper threshold it goes down to the upper target', running: 8, dials: 0, leaves: 2, ask: false }
]

describe('what maintenance does', () => {
  for (const { name, options, running = 0, candidates = 0, view, filling, cannot, dial, dials, leaves = 0, ask } of cases) {
    it(name, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const bench = new StateBench({ ...band, ...options })
        connect(bench, running)
        for (const n of shuffled(range(candidates), seededRandom(seed))) bench.registry.registerPoint(at(n))
        view?.(bench)
        const found = plan(bench, { filling, cannot })
        if (dial !== undefined) expect(found.dial.toSorted(), `seed ${seed}`).toEqual([...dial].toSorted())
        if (dials !== undefined) expect(found.dial, `seed ${seed}`).toHaveLength(dials)
        expect([found.leave.length, found.ask], `seed ${seed}`).toEqual([leaves, ask])
      }
    })
  }

  it('trusted points are dialed first, then those of last time, then never missed ones, then the longest ago missed', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 20, expectedConnections: 10 })
      connect(bench, 1)
      for (const n of shuffled([3, 4], seededRandom(seed))) bench.registry.registerPoint(at(n))
      bench.registry.registerPoint(at(1), { trusted: true })
      bench.state.anchors = [at(2)]
      fail(bench, at(6))
      bench.pass(1_000)
      fail(bench, at(7))
      bench.pass(600_000)
      bench.registry.registerPoint(at(2))
      const { dial } = plan(bench, { filling: true })
      expect(dial.slice(0, 2), `seed ${seed}`).toEqual([at(1), at(2)])
      expect(dial.slice(2, 4).toSorted(), `seed ${seed}`).toEqual([at(3), at(4)])
      expect(dial.slice(4), `seed ${seed}`).toEqual([at(6), at(7)])
    }
  })

  it('of points where somebody was met the best score is dialed first, unless it failed or has only just left', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 30, expectedConnections: 20, maxKnownPoints: null })
      const meet = (n: number, score: number): void => {
        const connection = bench.dialed(at(n), peer(n))
        const record = bench.state.peer(connection.peerId)
        if (record !== undefined) record.metadata = score
        connection.leave({ by: 'us', reason: { kind: 'going-away' } })
      }
      for (const [n, score] of shuffled(
        [
          [1, 3],
          [2, 9],
          [3, 5],
          [4, 99],
          [5, -1]
        ] as const,
        seededRandom(seed)
      ))
        meet(n, score)
      bench.pass(3_600_000)
      connect(bench, 1)
      fail(bench, at(4))
      meet(6, 99)
      bench.pass(120_000)
      bench.registry.registerPoint(at(7))
      const { dial } = plan(bench, { filling: true })
      expect(dial, `seed ${seed}`).toEqual([at(2), at(3), at(1), at(7), at(4), at(6), at(5)])
    }
  })

  it('a barred point is waited for, and dialed once its bar is over', () => {
    const bench = new StateBench(band)
    connect(bench, 1)
    fail(bench, at(1))
    expect(plan(bench)).toMatchObject({ dial: [], againAt: 1_000, ask: true })
    bench.pass(1_000)
    expect(plan(bench).dial).toEqual([])
    bench.pass(1)
    expect(plan(bench).dial).toEqual([at(1)])
  })
})

describe('whom maintenance leaves', () => {
  it('never a trusted one, though too many stay', () => {
    const bench = new StateBench(band)
    for (const connection of connect(bench, 8)) {
      const record = bench.state.peer(connection.peerId)
      if (record !== undefined) bench.registry.setPeerTrusted(record, true)
    }
    expect(plan(bench).leave).toEqual([])
  })

  it('the longest established are spared', () => {
    const bench = new StateBench(band)
    const connections = range(8, 101).map((n) => {
      bench.pass(60_000)
      return bench.dialed(at(n), peer(n))
    })
    const { leave } = plan(bench)
    expect(leave).toHaveLength(2)
    for (const connection of leave) expect(connections.indexOf(connection as FakeConnection)).toBeGreaterThanOrEqual(2)
  })

  it('of a crowd from one place, so that no flood costs the others theirs', () => {
    const bench = new StateBench(band)
    for (const n of [1, 2, 3, 4]) bench.cameIn(peer(n), { host: hostOfIp(`198.51.${n}.1`) as Host })
    for (const n of [5, 6, 7, 8]) bench.cameIn(peer(n), { host: hostOfIp(`203.0.113.${n}`) as Host })
    const { leave } = plan(bench)
    expect(leave.map(({ peerId }) => peerId).toSorted()).toEqual([peer(7), peer(8)])
  })

  it('of equals the one that the application values least', () => {
    const bench = new StateBench(band)
    for (const connection of connect(bench, 8)) {
      const record = bench.state.peer(connection.peerId)
      if (record !== undefined) record.metadata = [peer(105), peer(106)].includes(record.peerId) ? -1 : 1
    }
    expect(
      plan(bench)
        .leave.map(({ peerId }) => peerId)
        .toSorted()
    ).toEqual([peer(105), peer(106)])
  })
})
