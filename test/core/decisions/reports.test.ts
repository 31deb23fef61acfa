import { describe, expect, it } from 'vitest'
import { judgeReport, maxPenalty, penaltyOf } from '../../../src/core/decisions/score.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { ReportKind } from '../../../src/core/values/reason.ts'
import { StateBench } from '../../support/state-bench.ts'

const alice = 'alice' as PeerId
const home = '/ip4/192.0.2.1/tcp/1' as Point
const minute = 60_000

/** Reports it as `pool.peers.report` does, and says whether the last one ended in a greylisting. */
function report(bench: StateBench, kind: ReportKind, times = 1): boolean {
  let greylists = false
  for (let i = 0; i < times; i++) {
    const verdict = judgeReport(bench.state, alice, { kind, now: bench.now })
    bench.state.peers.noteReport(alice, { kind, reason: 'r', at: bench.date }, verdict)
    greylists = verdict.greylists
  }
  return greylists
}

function others(bench: StateBench, count: number): void {
  for (let n = 1; n <= count; n++) bench.dialed(`/ip4/198.51.100.${n}/tcp/1` as Point, `peer${n}` as PeerId)
}

interface Case {
  readonly name: string
  readonly arrange?: (bench: StateBench) => void
  readonly reports: readonly (readonly [ReportKind, number] | number)[]
  readonly greylists: boolean
}

/** Alice runs beside three others; `minConnections` is 2. Numbers among the reports are ms that pass. */
const cases: readonly Case[] = [
  { name: 'one fault is enough', reports: [['fault', 1]], greylists: true },
  { name: 'nine slow answers are not', reports: [['slow', 9]], greylists: false },
  { name: 'ten are', reports: [['slow', 10]], greylists: true },
  { name: 'four useless ones are not', reports: [['useless', 4]], greylists: false },
  { name: 'five are', reports: [['useless', 5]], greylists: true },
  {
    name: 'both count together',
    reports: [
      ['slow', 4],
      ['useless', 3]
    ],
    greylists: true
  },
  { name: 'after ten minutes half is forgotten', reports: [['slow', 9], 10 * minute, ['slow', 5]], greylists: false },
  { name: 'and only half', reports: [['slow', 9], 10 * minute, ['slow', 6]], greylists: true },
  {
    name: 'one a minute never is enough for slow ones',
    reports: Array.from({ length: 9 }, () => [minute, ['slow', 1]] as const).flat(),
    greylists: false
  },
  {
    name: 'with no more than minConnections running nobody is lost for being slow',
    arrange: (bench) => {
      for (const n of [2, 3]) void bench.state.connection(`peer${n}` as PeerId)?.disconnect({ kind: 'lost' })
    },
    reports: [['slow', 100]],
    greylists: false
  },
  {
    name: 'but a proven fault is, whatever is left',
    arrange: (bench) => {
      for (const n of [1, 2, 3]) void bench.state.connection(`peer${n}` as PeerId)?.disconnect({ kind: 'lost' })
    },
    reports: [['fault', 1]],
    greylists: true
  },
  {
    name: 'a trusted peer never is',
    arrange: (bench) => {
      const record = bench.state.peers.find(alice)
      if (record !== undefined) bench.state.peers.trust(record.peerId)
    },
    reports: [
      ['slow', 100],
      ['fault', 1]
    ],
    greylists: false
  },
  {
    name: 'nor one at a trusted point',
    arrange: (bench) => void bench.state.points.register(home, { trusted: true }),
    reports: [['fault', 1]],
    greylists: false
  },
  {
    name: 'a peer that is gone can be reported too',
    arrange: (bench) => void bench.state.connection(alice)?.disconnect({ kind: 'lost' }),
    reports: [['useless', 5]],
    greylists: true
  }
]

describe('reports of a peer', () => {
  for (const { name, arrange, reports, greylists } of cases) {
    it(name, () => {
      const bench = new StateBench({ minConnections: 2, expectedConnections: 4 })
      bench.dialed(home, alice)
      others(bench, 3)
      arrange?.(bench)
      let last = false
      for (const step of reports) {
        if (typeof step === 'number') bench.pass(step)
        else last = report(bench, ...step)
      }
      expect(last).toBe(greylists)
    })
  }

  it('fade by half in ten minutes, by the monotonic clock alone', () => {
    const bench = new StateBench()
    bench.dialed(home, alice)
    report(bench, 'useless', 2)
    bench.date += 365 * 24 * 60 * minute
    const record = bench.state.peers.get(alice)
    if (record === undefined) throw new Error('alice is not known')
    expect(penaltyOf(record, bench.now)).toBe(4)
    bench.now += 10 * minute
    expect(penaltyOf(record, bench.now)).toBe(2)
    bench.now += 20 * minute
    expect(penaltyOf(record, bench.now)).toBe(0.5)
  })

  it('a trusted peer that was proved wrong is left, and may come back', () => {
    const bench = new StateBench()
    bench.state.points.register(home, { trusted: true })
    bench.dialed(home, alice)
    expect(judgeReport(bench.state, alice, { kind: 'fault', now: 0 })).toMatchObject({ ends: true, greylists: false })
    expect(judgeReport(bench.state, alice, { kind: 'slow', now: 0 })).toMatchObject({ ends: false, greylists: false })
  })

  it('a fault costs its public host too, but neither a private one nor that of a trusted point', () => {
    const hostListed = (ip: string, arrange?: (bench: StateBench) => void): Host | undefined => {
      const bench = new StateBench()
      arrange?.(bench)
      bench.cameIn(alice, { host: hostOfIp(ip) as Host })
      const { host } = judgeReport(bench.state, alice, { kind: 'fault', now: 0 })
      bench.state.access.greylist({ peerId: alice, host, cause: 'fault' })
      return bench.state.access.greylistedHosts()[0]?.host
    }
    expect(hostListed('192.0.2.1')).toBe(hostOfIp('192.0.2.1'))
    expect([hostListed('127.0.0.1'), hostListed('192.168.1.7'), hostListed('fe80::1')]).toEqual([undefined, undefined, undefined])
    expect(hostListed('192.0.2.1', (bench) => void bench.state.points.register(home, { trusted: true }))).toBeUndefined()
  })

  it('of an unknown peer only a fault has consequences', () => {
    const bench = new StateBench()
    others(bench, 3)
    expect(report(bench, 'useless', 50)).toBe(false)
    expect(report(bench, 'fault')).toBe(true)
    expect(maxPenalty).toBeGreaterThan(9)
  })
})
