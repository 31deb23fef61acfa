/**
 * What maintenance should do now: whom to dial, whom to leave, whether to ask for points, when to look again. Pure; the
 * flow that carries it out makes no decision of its own.
 */

import { lastMissAt, type PointInfo } from '../tables/point-info.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { type CandidateOptions, findCandidates } from './candidates.ts'
import { chooseToLeave } from './eviction.ts'

export interface MaintenancePlan {
  readonly dial: readonly Point[]
  readonly leave: readonly RunningConnection[]
  /** Fewer candidates than wanted: ask our peers for points. */
  readonly ask: boolean
  /** Monotonic instant at which a barred candidate may be dialed again; none: nothing is waited for. */
  readonly againAt: number | undefined
}

export interface PlanOptions extends CandidateOptions {
  /** A pass that began below minThreshold goes on to minTarget. */
  readonly filling: boolean
}

export function planMaintenance(view: PoolView, { now, filling, canDial }: PlanOptions): MaintenancePlan {
  const { bounds, config } = view
  const plan = { dial: [] as Point[], leave: [] as RunningConnection[], ask: false, againAt: undefined as number | undefined }
  if (view.active > bounds.maxThreshold) {
    plan.leave = chooseToLeave(view, view.active - bounds.maxTarget)
    return plan
  }
  const missing = (filling ? bounds.minTarget : bounds.minThreshold) - view.active
  // Most dials of a real network fail: more are begun than are missing, though never so many that all could be too many.
  const wanted = Math.min(missing * overshoot, bounds.maxTarget - view.active) - view.outgoingInProgress
  if (missing <= 0 || wanted <= 0) return plan
  const { candidates, freeAt } = findCandidates(view, { now, canDial })
  candidates.sort(byPromise(view, now))
  const probeAt = nextProbeAt(view, candidates.length)
  const againAt = Math.min(freeAt, probeAt > now ? probeAt : freeAt)
  if (againAt < Number.POSITIVE_INFINITY) plan.againAt = againAt
  const parallel = probeAt === Number.NEGATIVE_INFINITY ? config.maxParallelDials : probeAt > now ? 0 : 1
  plan.dial = candidates.slice(0, Math.max(0, Math.min(wanted, parallel - view.outgoingInProgress))).map((info) => info.point)
  plan.ask = candidates.length < missing
  return plan
}

/** Dials begun for each connection missing; under a third of dials succeed where this was measured (Lodestar). */
const overshoot = 3

/** So many failures in a row, and all candidates tried, with no connection at all: it is our own network. */
const outageFailures = 8
const maxProbePauseMs = 30_000

/** In an outage one dial at a time, with pauses that grow; −∞ when there is none. Nobody is blamed for it meanwhile. */
export function nextProbeAt(view: PoolView, candidates: number): number {
  const beyond = view.failuresInARow - Math.max(outageFailures, candidates)
  if (view.active > 0 || beyond < 0) return Number.NEGATIVE_INFINITY
  return view.lastFailureAt + Math.min(1_000 * 1.3 ** beyond, maxProbePauseMs)
}

/** A good peer that has just left us, or we it, is not dialed before others, or the same few would come and go for ever; ms after its bar. */
const reunionMs = 600_000

/**
 * Trusted first, then the best of last time that have not failed since, then those with the best score of whoever was met there,
 * then those that never failed, then the longest ago missed.
 */
function byPromise(view: PoolView, now: number): (a: PointInfo, b: PointInfo) => number {
  const anchors = new Set(view.anchors)
  const isAnchor = (info: PointInfo): number => Number(info.failures === 0 && anchors.has(info.point))
  const scores = new Map<PeerId, number>()
  const score = ({ lastEstablished, failures, barredUntil }: PointInfo): number => {
    if (lastEstablished === undefined) return 0
    const known = scores.get(lastEstablished.peerId) ?? view.scoreOf(lastEstablished.peerId)
    scores.set(lastEstablished.peerId, known)
    return failures === 0 && now - barredUntil > reunionMs ? known : Math.min(0, known)
  }
  return (a, b) =>
    Number(b.trusted) - Number(a.trusted) ||
    isAnchor(b) - isAnchor(a) ||
    score(b) - score(a) ||
    (lastMissAt(a) ?? 0) - (lastMissAt(b) ?? 0) ||
    a.discoveredAt - b.discoveredAt
}
