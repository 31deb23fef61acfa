import { expect, it } from 'vitest'
import { explainPoint } from '../../../src/core/decisions/explain.ts'
import { planMaintenance } from '../../../src/core/decisions/plan.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { circumstancesOf } from '../../support/circumstances.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

const at = (n: number): Point => `/ip4/192.0.${n}.2/tcp/1` as Point
const stranger = at(1)

/** Bounds 4, 6, 7, 10, 12: with six connections one is wanted, without haste. */
function benchWith(connections: number): { bench: StateBench; friends: FakeConnection[]; dials: () => readonly Point[] } {
  const bench = new StateBench({ minConnections: 2, expectedConnections: 8, maxConnections: 14 })
  const friends = Array.from({ length: connections }, (_, i) => bench.dialed(at(101 + i), `peer${i}` as PeerId))
  bench.state.points.registerNew(stranger, { discoverySource: 'advertise', source: 'teller' as PeerId })
  const dials = (): readonly Point[] =>
    planMaintenance(bench.state, { now: bench.now, filling: false, trimAt: 0, canDial: () => true, random: seededRandom(1) }).dial
  return { bench, friends, dials }
}

function fail(bench: StateBench, point: Point): void {
  bench.state.end(bench.begin(point), { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
}

it('without haste a peer that was connected before is waited for, and explain says so of an untried point', () => {
  const { bench, friends, dials } = benchWith(7)
  bench.pass(20_000)
  friends[0]?.leave({ by: 'them', reason: { kind: 'swapped' } })
  expect(dials()).toEqual([])
  expect(explainPoint(bench.state, stranger, circumstancesOf(bench))).toMatchObject({
    state: 'ready',
    text: 'untried points wait: a peer connected before may be dialed in 60 s'
  })
  bench.pass(60_001)
  expect(dials()).toEqual([at(101)])
})

it('once a tried peer has failed, unknown peers take turns with it', () => {
  const { bench, friends, dials } = benchWith(7)
  friends[0]?.leave({ by: 'them', reason: { kind: 'swapped' } })
  bench.pass(60_001)
  for (let i = 0; i < 9; i++) {
    fail(bench, at(101))
    bench.pass(2_500)
  }
  expect(dials()).toEqual([stranger])
})

it('a peer that is away for long is not waited for', () => {
  const { friends, dials } = benchWith(7)
  friends[0]?.leave({ by: 'them', reason: { kind: 'too-many-connections' } }, 300_000)
  expect(dials()).toEqual([stranger])
})

it('when dials are urgent no peer is waited for', () => {
  const { friends, dials } = benchWith(6)
  friends[0]?.leave({ by: 'them', reason: { kind: 'swapped' } })
  expect(dials()).toEqual([stranger])
})
