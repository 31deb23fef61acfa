import { describe, expect, it } from 'vitest'
import { planAfterExploring, planExploring } from '../../../src/core/decisions/exploring.ts'
import { type MaintenancePlan, planMaintenance } from '../../../src/core/decisions/plan.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { shuffled } from '../../support/shuffle.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

/** Bounds 3, 4, 4, 6, 7. */
const band = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }
const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point
const peer = (n: number): PeerId => `peer${n}` as PeerId
const range = (count: number, first = 1): number[] => Array.from({ length: count }, (_, i) => first + i)

function plan(bench: StateBench, { filling = false, cannot = [] as Point[], trimAt = 0, seed = 1 } = {}): MaintenancePlan {
  const canDial = (point: Point): boolean => !cannot.includes(point)
  return planMaintenance(bench.state, { now: bench.now, filling, trimAt, canDial, random: seededRandom(seed) })
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
  readonly prunes?: number
  readonly ask: boolean
}

const cases: readonly Case[] = [
  { name: 'at its aim it has enough', running: 4, candidates: 5, dials: 0, ask: false },
  { name: 'at the upper target none is pruned', running: 6, candidates: 5, dials: 0, prunes: 0, ask: false },
  { name: 'between the upper target and threshold one is pruned', running: 7, candidates: 5, dials: 0, prunes: 1, ask: false },
  { name: 'above the lower threshold those that are missing to the target are dialed', running: 3, candidates: 5, dials: 2, ask: false },
  { name: 'below the lower threshold three are dialed for each that is missing', running: 2, candidates: 9, dials: 3, ask: false },
  { name: 'on the way up it goes on to the lower target', running: 3, candidates: 9, filling: true, dials: 2, ask: false },
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
    view: (bench) => void bench.state.access.banHost(hostOfIp('192.0.2.1') as Host, { banPeers: true }),
    dial: [at(2)],
    ask: true
  },
  {
    name: 'nor a point where a banned peer is expected',
    candidates: 2,
    view: (bench) => {
      bench.state.points.expect(at(1), peer(1))
      bench.state.access.banPeer(peer(1))
    },
    dial: [at(2)],
    ask: true
  },
  {
    name: 'nor a point where a greylisted peer was last met',
    candidates: 2,
    view: (bench) => {
      bench.dialed(at(1), peer(1)).leave({ by: 'us', reason: { kind: 'going-away' } })
      bench.state.access.greylist({ peerId: peer(1), cause: 'it lied' })
      bench.pass(120_000)
    },
    dial: [at(2)],
    ask: true
  },
  { name: 'nor what the network cannot dial', candidates: 2, cannot: [at(1)], dial: [at(2)], ask: true },
  { name: 'nor our own point', candidates: 2, view: (bench) => bench.state.points.addOwn(at(1)), dial: [at(2)], ask: true },
  { name: 'nor a point that is busy', candidates: 2, view: (bench) => void bench.begin(at(1)), dial: [at(2)], ask: true },
  { name: 'nor a point that has just failed', candidates: 2, running: 1, view: (bench) => fail(bench, at(1)), dial: [at(2)], ask: true },
  {
    name: 'nor a point whose peer is connected another way',
    candidates: 2,
    running: 1,
    view: (bench) => {
      bench.record(at(1)).asClaimed().claimedBy = peer(101)
    },
    dial: [at(2)],
    ask: true
  },
  { name: 'in private mode only trusted points are', candidates: 2, options: { privateMode: true }, dials: 0, ask: true },
  {
    name: 'trusted points are candidates in private mode',
    candidates: 2,
    options: { privateMode: true },
    view: (bench) => void bench.state.points.register(at(1), { trusted: true }),
    dial: [at(1)],
    ask: true
  },
  { name: 'above the upper threshold it goes down to the upper target', running: 8, dials: 0, prunes: 2, ask: false }
]

describe('what maintenance does', () => {
  for (const { name, options, running = 0, candidates = 0, view, filling, cannot, dial, dials, prunes = 0, ask } of cases) {
    it(name, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const bench = new StateBench({ ...band, ...options })
        connect(bench, running)
        for (const n of shuffled(range(candidates), seededRandom(seed))) bench.state.points.register(at(n))
        view?.(bench)
        const found = plan(bench, { filling, cannot, seed })
        if (dial !== undefined) expect(found.dial.toSorted(), `seed ${seed}`).toEqual([...dial].toSorted())
        if (dials !== undefined) expect(found.dial, `seed ${seed}`).toHaveLength(dials)
        expect([found.prune.length, found.ask], `seed ${seed}`).toEqual([prunes, ask])
      }
    })
  }

  it('trusted points are dialed first, then those of last time, then never missed ones, then the longest ago missed', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 20, expectedConnections: 10 })
      connect(bench, 1)
      for (const n of shuffled([3, 4], seededRandom(seed))) bench.state.points.register(at(n))
      bench.state.points.register(at(1), { trusted: true })
      bench.state.setAnchors([at(2)])
      fail(bench, at(6))
      bench.pass(1_000)
      fail(bench, at(7))
      bench.pass(600_000)
      bench.state.points.register(at(2))
      const { dial } = plan(bench, { filling: true })
      expect(dial.slice(0, 2), `seed ${seed}`).toEqual([at(1), at(2)])
      expect(dial.slice(2, 4).toSorted(), `seed ${seed}`).toEqual([at(3), at(4)])
      expect(dial.slice(4), `seed ${seed}`).toEqual([at(6), at(7)])
    }
  })

  it('of tried points the best score is dialed first, unless it failed or its connection has only just ended', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 30, expectedConnections: 20, maxKnownPoints: null })
      const meet = (n: number, score: number): void => {
        const connection = bench.dialed(at(n), peer(n))
        bench.state.peers.setMetadata(connection.peerId, score)
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
      bench.state.points.register(at(7))
      const { dial } = plan(bench, { filling: true })
      expect(dial, `seed ${seed}`).toEqual([at(2), at(7), at(3), at(1), ...(dial[4] === at(4) ? [at(4), at(6)] : [at(6), at(4)]), at(5)])
    }
  })

  it('a point with a backoff is waited for, and dialed once that is over', () => {
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

describe('which peers maintenance dials where there is a choice', () => {
  const ip = (a: number, b: number): Point => `/ip4/${a}.${b}.0.1/tcp/1` as Point

  it('tried points take turns with untried ones, so that a flood of points gets half of the dials', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 40, expectedConnections: 20, maxKnownPoints: null })
      for (const n of range(6)) bench.dialed(ip(50, n), peer(n)).leave({ by: 'us', reason: { kind: 'going-away' } })
      bench.pass(3_600_000)
      connect(bench, 1)
      for (const n of range(60)) bench.state.points.register(ip(60, n))
      const { dial } = plan(bench, { filling: true, seed })
      expect(dial.filter((point) => point.startsWith('/ip4/50.')).length, `seed ${seed}`).toBe(5)
    }
  })

  it('no two go to one address group, nor to one that we have chosen already, while there are others', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench({ ...band, maxParallelDials: 10, maxConnections: 40, expectedConnections: 20 })
      bench.dialed(ip(20, 1), peer(1))
      bench.begin('/ip4/20.2.0.9/tcp/1' as Point)
      for (const n of range(9)) bench.state.points.register(`/ip4/20.1.0.${n}/tcp/1` as Point)
      for (const n of range(9)) bench.state.points.register(`/ip4/20.2.0.${n}/tcp/1` as Point)
      for (const n of range(9)) bench.state.points.register(`/ip4/20.3.0.${n}/tcp/1` as Point)
      const alone = ['/ip4/20.4.0.1/tcp/1', '/ip4/20.5.0.1/tcp/1', '/ip4/20.6.0.1/tcp/1'] as Point[]
      for (const point of shuffled(alone, seededRandom(seed))) bench.state.points.register(point)
      const { dial } = plan(bench, { filling: true, seed })
      expect(
        dial
          .slice(0, 4)
          .map((point) => point.slice(0, 10))
          .toSorted(),
        `seed ${seed}`
      ).toEqual(['/ip4/20.3.', '/ip4/20.4.', '/ip4/20.5.', '/ip4/20.6.'])
      expect(dial.length, 'where there is no choice a group is not in the way').toBeGreaterThan(4)
    }
  })

  it('the fewer dials succeed the more are begun, up to four for each that is missing', () => {
    const bench = new StateBench({
      ...band,
      maxParallelDials: 100,
      minConnections: 20,
      expectedConnections: 20,
      maxConnections: 200,
      maxKnownPoints: null
    })
    for (const n of range(150)) bench.state.points.register(at(n))
    connect(bench, 19)
    expect(plan(bench).dial).toHaveLength(2)
    for (const n of range(8, 200)) fail(bench, at(n))
    expect(plan(bench).dial).toHaveLength(4)
    for (const n of range(8, 220)) fail(bench, at(n))
    expect(plan(bench).dial).toHaveLength(4)
  })

  it('after some twenty that failed one is begun every half second, where nothing but untried points is left', () => {
    const bench = new StateBench({ ...band, maxKnownPoints: null })
    connect(bench, 1)
    for (const n of range(30)) bench.state.points.register(at(n))
    for (const n of range(24, 200)) fail(bench, at(n))
    expect(plan(bench).dial).toEqual([])
    bench.pass(500)
    expect(plan(bench).dial).toHaveLength(1)
  })
})

describe('a pool that is content', () => {
  const wide = { minConnections: 2, expectedConnections: 8, maxConnections: 14 }
  const options = (bench: StateBench): Parameters<typeof planExploring>[1] => ({
    now: bench.now,
    canDial: () => true,
    random: seededRandom(1)
  })

  it('adds one connection after the other up to its aim, and none for a while after a failure', () => {
    // Bounds 4, 6, 7, 10, 12.
    const bench = new StateBench(wide)
    connect(bench, 6)
    for (const n of range(5)) bench.state.points.register(at(n))
    const found = plan(bench)
    expect([found.dial.length, found.ask]).toEqual([1, false])
    const attempt = bench.begin(at(1))
    expect(plan(bench).dial).toEqual([])
    bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
    expect(plan(bench)).toMatchObject({ dial: [], againAt: 2_000 })
    bench.pass(2_000)
    expect(plan(bench).dial).toHaveLength(1)
  })

  it('closes one connection after the other above its target, with pauses, and none while a crowd comes in', () => {
    const bench = new StateBench(wide)
    connect(bench, 11)
    bench.pass(60_000)
    expect(plan(bench, { trimAt: bench.now + 5_000 })).toMatchObject({ prune: [], againAt: bench.now + 5_000 })
    expect(plan(bench).prune).toHaveLength(1)
    bench.cameIn(peer(50), { host: hostOfIp('198.51.100.1') as Host })
    expect(plan(bench)).toMatchObject({ prune: [], againAt: bench.now + 1_000 })
  })

  it('meets the one where it has not been for longest, or never, and then gives up another if it has more than it expects', () => {
    const bench = new StateBench(wide)
    connect(bench, 8)
    fail(bench, at(1))
    bench.pass(1_000)
    fail(bench, at(2))
    bench.state.points.register(at(4), { trusted: true })
    bench.pass(600_000)
    expect(planExploring(bench.state, options(bench))).toBe(at(1))
    bench.state.points.register(at(3))
    expect(planExploring(bench.state, options(bench))).toBe(at(3))
    const met = bench.dialed(at(3), peer(3))
    const leaving = planAfterExploring(bench.state, met, [])
    expect([leaving.length, leaving.includes(met)]).toEqual([1, false])
  })

  it('meets nobody when it has too few, or too many, or expects none', () => {
    for (const [running, more] of [
      [5, {}],
      [11, {}],
      [2, { minConnections: 0, expectedConnections: 0 }]
    ] as const) {
      const bench = new StateBench({ ...wide, ...more })
      connect(bench, running)
      bench.state.points.register(at(1))
      expect(planExploring(bench.state, options(bench)), `${running}`).toBeUndefined()
    }
    const few = new StateBench(wide)
    const met = few.dialed(at(3), peer(3))
    expect(planAfterExploring(few.state, met, [])).toEqual([])
  })

  it('drops peers that it reached by exploring once these are a tenth, unless they are trusted', () => {
    const bench = new StateBench(wide)
    const mixed = connect(bench, 3)
    const met = bench.dialed(at(3), peer(3))
    expect(planAfterExploring(bench.state, met, mixed)).toEqual(mixed.slice(2))
    for (const { peerId } of mixed) {
      const record = bench.state.peers.get(peerId)
      if (record !== undefined) bench.state.peers.trust(record.peerId)
    }
    expect(planAfterExploring(bench.state, met, mixed)).toEqual([])
  })
})

describe('which connections maintenance prunes', () => {
  it('never a trusted one, though too many stay', () => {
    const bench = new StateBench(band)
    for (const connection of connect(bench, 8)) {
      const record = bench.state.peers.get(connection.peerId)
      if (record !== undefined) bench.state.peers.trust(record.peerId)
    }
    expect(plan(bench).prune).toEqual([])
  })

  it('the longest established are spared', () => {
    const bench = new StateBench(band)
    const connections = range(8, 101).map((n) => {
      bench.pass(60_000)
      return bench.dialed(at(n), peer(n))
    })
    const { prune } = plan(bench)
    expect(prune).toHaveLength(2)
    for (const connection of prune) expect(connections.indexOf(connection as FakeConnection)).toBeGreaterThanOrEqual(2)
  })

  it('of a crowd from one place, so that no flood costs the others theirs', () => {
    const bench = new StateBench(band)
    for (const n of [1, 2, 3, 4]) bench.cameIn(peer(n), { host: hostOfIp(`198.51.${n}.1`) as Host })
    for (const n of [5, 6, 7, 8]) bench.cameIn(peer(n), { host: hostOfIp(`203.0.113.${n}`) as Host })
    const { prune } = plan(bench)
    expect(prune.map(({ peerId }) => peerId).toSorted()).toEqual([peer(7), peer(8)])
  })

  it('of peers in places of their own the ones with the lowest score, whatever their age', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new StateBench(band)
      for (const n of shuffled(range(8, 1), seededRandom(seed))) {
        bench.pass(1_000)
        bench.cameIn(peer(n), { host: hostOfIp(`198.${n}.1.1`) as Host })
      }
      const spared = [...bench.state.connections()].slice(0, 2).map(({ peerId }) => peerId)
      for (const { peerId } of bench.state.peers)
        bench.state.peers.setMetadata(peerId, spared.includes(peerId) ? -9 : Number(peerId.slice(4)))
      const worst = range(8, 1)
        .map(peer)
        .filter((peerId) => !spared.includes(peerId))
        .slice(0, 2)
      expect(
        plan(bench).prune.map(({ peerId }) => peerId),
        `seed ${seed}`
      ).toEqual(worst)
    }
  })

  it('of equals the one that the application values least', () => {
    const bench = new StateBench(band)
    for (const { peerId } of connect(bench, 8)) bench.state.peers.setMetadata(peerId, [peer(105), peer(106)].includes(peerId) ? -1 : 1)
    expect(
      plan(bench)
        .prune.map(({ peerId }) => peerId)
        .toSorted()
    ).toEqual([peer(105), peer(106)])
  })
})
