import { describe, expect, it } from 'vitest'
import { type MaintenancePlan, planMaintenance } from '../../../src/core/decisions/plan.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { StateBench } from '../../support/state-bench.ts'

const band = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }
const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point
const relay = at(1)
const relayId = 'relay' as PeerId
const over = (n: number): Point => `${relay}/p2p/relay/p2p-circuit/webrtc/p2p/peer${n}` as Point

function plan(bench: StateBench, canDial: (point: Point) => boolean = () => true): MaintenancePlan {
  return planMaintenance(bench.state, { now: bench.now, filling: false, trimAt: 0, canDial, random: seededRandom(1) })
}

/** A pool with one connection that wants more, and knows nine points over a relay to which a dial has failed. */
function hungry(trusted: boolean): StateBench {
  const bench = new StateBench(band)
  bench.dialed(at(101), 'peer101' as PeerId)
  bench.state.points.register(relay, { trusted })
  for (let n = 2; n <= 10; n++) bench.state.points.register(over(n))
  bench.state.end(bench.begin(relay), { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
  return bench
}

describe('points over a relay that does not answer', () => {
  it.each([true, false])('wait for a dial to the relay itself, and are free when that succeeds (the relay is trusted: %s)', (trusted) => {
    const bench = hungry(trusted)
    expect(plan(bench)).toMatchObject({ dial: [], ask: true, againAt: 1_000 })
    bench.pass(1_001)
    expect(plan(bench).dial).toEqual([relay])
    const attempt = bench.begin(relay)
    bench.pass(15_000)
    expect(plan(bench).dial).toEqual([])
    bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'timeout', step: 'dial', afterMs: 15_000 }, by: 'them' })
    expect(plan(bench).dial).toEqual([])
    bench.pass(2_000)
    bench.dialed(relay, relayId)
    expect(plan(bench).dial.length).toBeGreaterThan(0)
  })

  it('are dialed after a while where nobody dials the relay', () => {
    const bench = hungry(false)
    bench.pass(21_001)
    expect(plan(bench, (point) => point !== relay).dial.length).toBeGreaterThan(1)
  })

  it('wait when the link with the relay has broken', () => {
    const bench = hungry(true)
    bench.pass(2_000)
    bench.dialed(relay, relayId).leave({ by: 'network', reason: { kind: 'lost' } })
    expect(plan(bench)).toMatchObject({ dial: [], ask: true })
  })

  it('do not wait where the relay is full, or connected at another address', () => {
    const full = hungry(true)
    const nack = { kind: 'rejected-by-peer', motive: 1, points: [] } as const
    full.pass(2_000)
    full.state.end(full.begin(relay), { kind: 'failed', rejection: nack, by: 'them' })
    const elsewhere = hungry(true)
    elsewhere.dialed(at(99), relayId)
    for (const bench of [full, elsewhere]) expect(plan(bench).dial.filter((point) => point !== relay).length).toBeGreaterThan(0)
  })
})
