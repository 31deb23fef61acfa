/**
 * What is said never contradicts what maintenance does: every state of a point in every state of the band, held against the plans of now
 * and of the next hour.
 */
import { describe, expect, it } from 'vitest'
import { explainPeer, explainPoint } from '../../../src/core/decisions/explain.ts'
import { explainBand } from '../../../src/core/decisions/explain-band.ts'
import type { Circumstances } from '../../../src/core/decisions/foresight.ts'
import { choiceWith } from '../../../src/core/decisions/foresight.ts'
import { type MaintenancePlan, planMaintenance } from '../../../src/core/decisions/plan.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { PoolSettings } from '../../../src/core/values/settings.ts'
import { circumstancesOf } from '../../support/circumstances.ts'
import { StateBench } from '../../support/state-bench.ts'

const home = '/ip4/192.0.2.1/tcp/1' as Point
const alice = 'alice' as PeerId
const bob = 'bob' as PeerId
const host = hostOfIp('192.0.2.1') as Host
const at = (n: number): Point => `/ip4/198.51.${n}.1/tcp/1` as Point
const refused = { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: 'no' }, by: 'them' } as const

function hear(bench: StateBench, point: Point): void {
  bench.state.points.registerNew(point, { discoverySource: 'advertise', source: bob })
}

function fail(bench: StateBench, point: Point, times = 1): void {
  for (let n = 0; n < times; n++) bench.state.end(bench.begin(point), refused)
}

interface State {
  readonly name: string
  readonly options?: Partial<PoolSettings>
  readonly more?: Partial<Circumstances>
  readonly arrange: (bench: StateBench) => void
}

const pointStates: readonly State[] = [
  { name: 'unknown', arrange: () => undefined },
  { name: 'heard of', arrange: (bench) => hear(bench, home) },
  { name: 'registered', arrange: (bench) => void bench.state.points.register(home) },
  { name: 'trusted', arrange: (bench) => void bench.state.points.register(home, { trusted: true }) },
  {
    name: 'trusted and failed',
    arrange: (bench) => {
      bench.state.points.register(home, { trusted: true })
      fail(bench, home, 3)
    }
  },
  { name: 'connected', arrange: (bench) => void bench.dialed(home, alice) },
  { name: 'being dialed', arrange: (bench) => void bench.begin(home) },
  { name: 'in its handshake', arrange: (bench) => bench.admit(bench.begin(home), alice) },
  { name: 'failed once', arrange: (bench) => fail(bench, home) },
  { name: 'failed five times', arrange: (bench) => fail(bench, home, 5) },
  {
    name: 'failed, and its wait is over',
    arrange: (bench) => {
      fail(bench, home)
      bench.pass(5_000)
    }
  },
  {
    name: 'left a moment ago',
    arrange: (bench) => {
      bench.dialed(home, alice).leave({ by: 'them', reason: { kind: 'going-away' } })
      bench.pass(10)
    }
  },
  {
    name: 'left long ago',
    arrange: (bench) => {
      const connection = bench.dialed(home, alice)
      bench.pass(60_000)
      connection.leave({ by: 'them', reason: { kind: 'swapped' } })
      bench.pass(200_000)
    }
  },
  {
    name: 'its peer asked not to be dialed',
    arrange: (bench) => {
      const connection = bench.dialed(home, alice)
      bench.pass(60_000)
      connection.leave({ by: 'them', reason: { kind: 'too-many-connections' } }, 300_000)
    }
  },
  {
    name: 'its peer is connected elsewhere',
    arrange: (bench) => {
      bench.state.points.expect(home, alice)
      bench.dialed('/ip4/192.0.2.9/tcp/1' as Point, alice)
    }
  },
  {
    name: 'its peer is banned',
    arrange: (bench) => {
      bench.dialed(home, alice).leave({ by: 'us', reason: { kind: 'going-away' } })
      bench.state.access.banPeer(alice)
    }
  },
  {
    name: 'its host is banned',
    arrange: (bench) => {
      bench.state.points.register(home)
      void bench.state.access.banHost(host, { banPeers: false })
    }
  },
  { name: 'not dialable', arrange: (bench) => hear(bench, home), more: { canDial: (point) => point !== home } },
  {
    name: 'one of a host that was dialed often',
    arrange: (bench) => {
      for (const port of [2, 3, 4, 5]) {
        hear(bench, `/ip4/192.0.2.1/tcp/${port}` as Point)
        const info = bench.state.points.get(`/ip4/192.0.2.1/tcp/${port}` as Point)
        if (info !== undefined) bench.state.end(bench.state.beginOutgoing(info, undefined), refused)
      }
      hear(bench, home)
    }
  }
]

/** Bounds 3, 4, 4, 6, 7. */
const narrow = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }
/** Bounds 4, 6, 7, 10, 12. */
const wide = { minConnections: 2, expectedConnections: 8, maxConnections: 14 }

function connect(bench: StateBench, count: number): void {
  for (let n = 1; n <= count; n++) bench.dialed(at(n), `peer${n}` as PeerId)
  bench.pass(30_000)
}

const bandStates: readonly State[] = [
  ...[0, 1, 2, 3, 4, 6, 7, 8].map((n) => ({
    name: `${n} connections`,
    options: narrow,
    arrange: (bench: StateBench) => connect(bench, n)
  })),
  ...[5, 6, 7, 11, 13].map((n) => ({ name: `${n} of a wide band`, options: wide, arrange: (bench: StateBench) => connect(bench, n) })),
  {
    name: 'others to dial',
    options: narrow,
    arrange: (bench) => {
      connect(bench, 3)
      for (let n = 40; n < 50; n++) bench.state.points.register(at(n))
    }
  },
  {
    name: 'as many dials as may be',
    options: { ...narrow, maxParallelDials: 2 },
    arrange: (bench) => {
      connect(bench, 2)
      bench.begin(at(50))
      void bench.begin(at(51))
    }
  },
  {
    name: 'a dial that failed now',
    options: wide,
    arrange: (bench) => {
      connect(bench, 6)
      fail(bench, at(60))
    }
  },
  {
    name: 'a friend that is waited for',
    options: wide,
    arrange: (bench) => {
      connect(bench, 7)
      const [first] = bench.state.connections()
      first?.leave({ by: 'them', reason: { kind: 'swapped' } })
    }
  },
  {
    name: 'an outage',
    options: narrow,
    arrange: (bench) => {
      for (let n = 70; n < 80; n++) fail(bench, at(n))
    }
  },
  {
    name: 'an outage, tried again and again',
    options: narrow,
    arrange: (bench) => {
      for (let round = 0; round < 4; round++) for (let n = 70; n < 74; n++) fail(bench, at(n))
      bench.pass(3_000)
    }
  },
  { name: 'suspended with a band', options: narrow, more: { status: 'suspended', awake: false }, arrange: (bench) => connect(bench, 1) },
  { name: 'suspended', options: narrow, more: { status: 'suspended', keepsBand: false }, arrange: (bench) => connect(bench, 1) },
  { name: 'stopped', options: narrow, more: { status: 'stopped', keepsBand: false }, arrange: () => undefined },
  { name: 'no connections wanted', options: { minConnections: 0, expectedConnections: 0, maxConnections: 0 }, arrange: () => undefined },
  { name: 'private mode', options: { ...narrow, privateMode: true }, arrange: () => undefined },
  { name: 'a page without pages', options: { ...narrow, minByKind: { server: 1, page: 1 } }, arrange: (bench) => connect(bench, 5) },
  { name: 'a page without servers', options: { ...narrow, minByKind: { server: 6, page: 1 } }, arrange: (bench) => connect(bench, 4) },
  {
    name: 'trusted peers alone, too many',
    options: { ...narrow, expectedConnections: 2, maxConnections: 3 },
    arrange: (bench) => {
      connect(bench, 3)
      for (const { peerId } of bench.state.connections()) {
        const record = bench.state.peers.get(peerId)
        if (record !== undefined) bench.state.peers.trust(record.peerId)
      }
    }
  },
  {
    name: 'somebody came in a moment ago, too many',
    options: narrow,
    arrange: (bench) => {
      connect(bench, 6)
      void bench.cameIn('late' as PeerId, { host: hostOfIp('203.0.113.5') as Host })
    }
  },
  { name: 'one was closed a moment ago, too many', options: narrow, arrange: (bench) => connect(bench, 7), more: { trimAt: 33_000 } }
]

/** Instants of the next hour, ms from now. */
const hour = [0, 1, 10, 500, 999, 1_001, 2_001, 3_500, 5_001, 9_000, 20_000, 45_000, 59_000, 61_000, 90_000, 200_000, 700_000, 3_600_000]

interface Scene {
  readonly name: string
  readonly bench: StateBench
  readonly circumstances: Circumstances
  /** Of then, if nothing else happens. */
  readonly planAt: (inMs: number) => MaintenancePlan
}

function* scenes(): Generator<Scene> {
  for (const band of bandStates) {
    for (const point of pointStates) {
      const bench = new StateBench({ ...band.options, ...point.options })
      // What a point does takes time, after which the band is as it says.
      point.arrange(bench)
      band.arrange(bench)
      const circumstances = circumstancesOf(bench, { ...band.more, ...point.more })
      const planAt = (inMs: number): MaintenancePlan => planMaintenance(bench.state, { ...circumstances, now: bench.now + inMs })
      yield { name: `${point.name}; ${band.name}`, bench, circumstances, planAt }
    }
  }
}

describe('in every state of a point and of the band', () => {
  it('the point is dialed when explain says so, and not before', () => {
    let checked = 0
    for (const { name, bench, circumstances, planAt } of scenes()) {
      const { state, text, nextTryInMs } = explainPoint(bench.state, home, circumstances)
      const about = `${name}: ${state}, ${text}, ${nextTryInMs}`
      const isDialed = (inMs: number): boolean => circumstances.keepsBand && planAt(inMs).dial.includes(home)
      if (isDialed(0)) expect([state, nextTryInMs], about).toEqual(['ready', 0])
      for (const inMs of hour) if (inMs < (nextTryInMs ?? 3_600_001)) expect(isDialed(inMs), `${about}, in ${inMs} ms`).toBe(false)
      if (state === 'ready' && nextTryInMs !== undefined && nextTryInMs > 0) {
        const info = bench.state.points.get(home)
        expect(info !== undefined && choiceWith(planAt(nextTryInMs + 2), info) !== undefined, about).toBe(true)
      }
      // What is said to be dialed or chosen now is.
      if (/it is dialed now/.test(text)) expect(isDialed(0), about).toBe(true)
      if (/^it may be dialed when /.test(text)) expect(bench.state.outgoingInProgress, about).toBeGreaterThan(0)
      checked++
    }
    expect(checked).toBe(bandStates.length * pointStates.length)
  })

  it('a peer is said to be no sooner connected than its point', () => {
    for (const { name, bench, circumstances } of scenes()) {
      const info = bench.state.points.get(home)
      const isOfAlice = info !== undefined && [info.expectedPeerId, info.lastEstablished?.peerId].includes(alice)
      if (!isOfAlice || bench.state.peers.get(alice)?.state.kind !== 'disconnected' || bench.state.access.peerBlock(alice) !== undefined)
        continue
      const [ofPoint, ofPeer] = [explainPoint(bench.state, home, circumstances), explainPeer(bench.state, alice, circumstances)]
      expect([ofPeer.state, ofPeer.nextTryInMs], name).toEqual([ofPoint.state, ofPoint.nextTryInMs])
      expect(ofPeer.text, name).toContain(ofPoint.text)
    }
  })

  it('the band is said to be dialed for or closed down when it is, and not before', () => {
    const steps = new Set<string>()
    for (const { name, bench, circumstances, planAt } of scenes()) {
      const { step, text, nextActInMs, dialing } = explainBand(bench.state, circumstances)
      steps.add(step)
      const about = `${name}: ${step}, ${text}, ${nextActInMs}`
      const acts = (inMs: number): boolean => {
        const { dial, prune } = planAt(inMs)
        return circumstances.keepsBand && dial.length + prune.length > 0
      }
      for (const inMs of hour) if (inMs < (nextActInMs ?? 3_600_001)) expect(acts(inMs), `${about}, in ${inMs} ms`).toBe(false)
      if (nextActInMs !== undefined) expect(acts(nextActInMs === 0 ? 0 : nextActInMs + 1), about).toBe(true)
      const { dial, prune, ask } = planAt(0)
      const closes = /it closes (\d+)/.exec(text)?.[1]
      if (closes !== undefined) expect(prune.length, about).toBe(Number(closes))
      const dials = /it dials (\d+) now/.exec(text)?.[1]
      expect(dials === undefined ? 0 : Number(dials), about).toBe(circumstances.keepsBand && step !== 'trimming' ? dial.length : 0)
      if (dialing > 0 && circumstances.keepsBand && step !== 'trimming') expect(text, about).toContain(`${dialing} dial`)
      if (/nothing to do/.test(text)) expect([nextActInMs, dialing], about).toEqual([undefined, 0])
      if (step === 'trimming') expect(nextActInMs, about).toBeDefined()
      if (step === 'filling') expect(dialing + dial.length, about).toBeGreaterThan(0)
      if (step === 'waiting') expect([dialing, dial.length], about).toEqual([0, 0])
      if (step === 'searching') expect([ask, circumstances.peersToAsk > 0], about).toEqual([true, true])
      if (step === 'content') expect(bench.state.active, about).toBeGreaterThanOrEqual(bench.state.bounds.aim)
    }
    expect([...steps].toSorted()).toEqual(['content', 'filling', 'probing', 'searching', 'stopped', 'suspended', 'trimming', 'waiting'])
  })

  it('maintenance never sleeps through something to do, nor looks again at once for nothing', () => {
    for (const { name, bench, planAt } of scenes()) {
      const { dial, prune, againAt } = planAt(0)
      if (dial.length + prune.length > 0) continue
      const inMs = againAt === undefined ? Number.POSITIVE_INFINITY : againAt - bench.now
      expect(inMs, `${name}: looks again in ${inMs} ms`).toBeGreaterThanOrEqual(0)
      for (const then of hour) {
        if (then >= inMs) continue
        const plan = planAt(then)
        expect([plan.dial, plan.prune], `${name}: in ${then} of ${inMs} ms`).toEqual([[], []])
      }
      // A look at which there is still nothing to do ends in a longer wait.
      if (inMs < Number.POSITIVE_INFINITY) {
        const later = planAt(inMs + 1)
        if (later.dial.length + later.prune.length === 0)
          expect(later.againAt ?? Number.POSITIVE_INFINITY, name).toBeGreaterThan((againAt ?? 0) + 1)
      }
    }
  })
})
