/**
 * What maintenance should do now: which points to dial, which connections to prune, whether to ask for points, when to look again. Pure; the
 * flow that carries it out makes no decision of its own. `dial-order.ts` says which are dialed first.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { type CandidateOptions, findCandidates, isMet, untriedWait } from './candidates.ts'
import { chooseToDial } from './dial-order.ts'
import { chooseToPrune, surplusByKind } from './eviction.ts'
import { shareTaken } from './group-shares.ts'

export interface MaintenancePlan {
  readonly dial: readonly Point[]
  readonly prune: readonly RunningConnection[]
  /** Fewer candidates than wanted: ask our peers for points. */
  readonly ask: boolean
  /** Monotonic instant at which there may be something to do again; none: nothing is waited for. */
  readonly againAt: number | undefined
  /** Where `dial` was chosen from, for people: in the order of urgency. */
  readonly choices: readonly DialChoice[]
}

/** Some points of which so many are dialed now. */
export interface DialChoice {
  readonly among: readonly PointInfo[]
  readonly count: number
}

export interface PlanOptions extends CandidateOptions {
  /** A pass that began below minThreshold goes on to minTarget in the same haste. */
  readonly filling: boolean
  /** Monotonic instant from which on one connection may be pruned that is above maxTarget only. */
  readonly trimAt: number
  /** Asleep it waits for pages to come. @default true */
  readonly awake?: boolean | undefined
  readonly random: Random
}

/** Never more dials than this are begun for each connection missing, however few succeed. */
const maxOvershoot = 4

/** Without haste no dial is begun for so long after one that failed, ms. */
const calmAfterFailureMs = 2_000

/** Above maxTarget nothing is pruned while a crowd still comes in: the slots would be taken at once, by others no better; ms. */
const calmAfterArrivalMs = 1_000

/** Below it, some twenty dials have failed one after the other: all that we hear of is full, or not there. */
const hopelessRate = 0.02
/** Then untried points are dialed one at a time, with this pause after each failure, ms. In full networks a longer one leaves more pools out. */
const hopelessPauseMs = 500

/** So many failures in a row, and all candidates tried, with no connection at all: it is our own network. */
const outageFailures = 8
const maxProbePauseMs = 30_000

const never = Number.POSITIVE_INFINITY

/** What one reason to dial comes to. */
interface Dialing extends Pick<MaintenancePlan, 'dial' | 'ask' | 'choices'> {
  /** Infinite: nothing is waited for. */
  readonly againAt: number
}

const nothing: Dialing = { dial: [], ask: false, choices: [], againAt: never }

export function planMaintenance(view: PoolView, options: PlanOptions): MaintenancePlan {
  const band = planBand(view, options)
  const parts = [band, ...kindsWanted(view, options.awake).map((kind) => planKind(view, kind, options)), planTrusted(view, options)]
  const free = Math.max(band.dial.length, view.config.maxParallelDials - view.outgoingInProgress)
  const againAt = Math.min(...parts.map((part) => part.againAt))
  return {
    dial: [...new Set(parts.flatMap(({ dial }) => dial))].slice(0, free),
    prune: band.prune,
    ask: parts.some(({ ask }) => ask),
    againAt: againAt < never ? againAt : undefined,
    choices: parts.flatMap(({ choices }) => choices)
  }
}

function planBand(view: PoolView, options: PlanOptions): Dialing & Pick<MaintenancePlan, 'prune'> {
  const { active, bounds, config } = view
  const { now, trimAt } = options
  const surplus = active - bounds.maxTarget
  if (surplus > 0) {
    const isHasty = active > bounds.maxThreshold
    const calmAt = isHasty ? now : Math.max(trimAt, lastArrivalAt(view) + calmAfterArrivalMs)
    const prune = chooseToPrune(view, isHasty ? surplus : 1)
    if (calmAt <= now) return { ...nothing, prune }
    // Where none may go, since all are trusted or needed, nothing is waited for.
    return { ...nothing, prune: [], againAt: prune.length === 0 ? never : calmAt }
  }
  const { missing, wanted, calmUntil } = needOf(view, options)
  if (missing <= 0 || wanted <= 0) return { ...nothing, prune: [] }
  const found = findCandidates(view, options)
  const isTaken = active < bounds.minTarget ? () => false : shareTaken(view)
  const candidates = found.candidates.filter((info) => !isTaken(info))
  const among = untriedWait(view, found, now) ? candidates.filter(isMet) : candidates
  // A peer that refuses us names others: a full network gives an endless list of them.
  const isHopeless = view.dials.successRate < hopelessRate && !among.some(isMet)
  const calmAt = isHopeless ? view.dials.lastFailureAt + hopelessPauseMs : calmUntil
  const outageAt = nextProbeAt(view, candidates.length)
  const probeAt = Math.max(outageAt, calmAt)
  const parallel = probeAt > now ? 0 : isHopeless || outageAt > -never ? 1 : config.maxParallelDials
  const count = Math.max(0, Math.min(wanted, parallel - view.outgoingInProgress))
  return {
    dial: chooseToDial(view, among, { ...options, count }),
    prune: [],
    ask: candidates.length < missing,
    againAt: probeAt > now ? Math.min(found.freeAt, probeAt) : found.freeAt,
    choices: [{ among, count }]
  }
}

/**
 * Kinds that are dialed although the count is in the band, since they are below their minimum. Asleep it wants a server, by which it can
 * be reached, and waits for pages.
 */
export function kindsWanted(view: PoolView, awake = true): PeerKind[] {
  const { active, bounds } = view
  if (active < bounds.minTarget || active > bounds.maxTarget) return []
  const surplus = surplusByKind(view)
  for (const { direction, transport } of view.attempts()) if (direction === 'outgoing') surplus[kindOf(transport)]++
  return (['server', 'page'] as const).filter((kind) => surplus[kind] < 0 && (awake || kind === 'server'))
}

/** Without haste: one dial after the other. */
function planKind(view: PoolView, kind: PeerKind, options: PlanOptions): Dialing {
  const { now, awake = true } = options
  const { candidates, freeAt } = findCandidates(view, options, ({ transport }) => kindOf(transport) === kind)
  const ask = awake && candidates.length === 0
  const readyAt = Math.max(candidates.length > 0 ? now : freeAt, view.dials.lastFailureAt + calmAfterFailureMs)
  if (readyAt > now) return { ...nothing, ask, againAt: readyAt }
  const dial = chooseToDial(view, candidates, { ...options, count: 1 })
  return { dial, ask, choices: [{ among: candidates, count: 1 }], againAt: never }
}

/**
 * Trusted points are dialed while they are not connected, whatever the count: unknown peers that fill the band must not keep the
 * operator's own peers away. In an outage they wait for the probes like all others.
 */
function planTrusted(view: PoolView, options: PlanOptions): Dialing {
  if (view.band.max === 0) return nothing
  const { candidates: among, freeAt: againAt } = findCandidates(view, { ...options, among: view.points.trusted })
  if (among.length === 0) return { ...nothing, againAt }
  const probeAt = nextProbeAt(view, among.length)
  if (probeAt > options.now) return { ...nothing, againAt: Math.min(againAt, probeAt) }
  const parallel = probeAt === Number.NEGATIVE_INFINITY ? view.config.maxParallelDials : 1
  const count = Math.max(0, parallel - view.outgoingInProgress)
  return { ...nothing, dial: among.slice(0, count).map(({ point }) => point), choices: [{ among, count }], againAt }
}

/** Up to how many connections it dials now: in haste to minTarget, then without haste to its aim. */
export function goalOf({ active, bounds }: PoolView): number {
  return active < bounds.minTarget ? bounds.minTarget : bounds.aim
}

/**
 * How many connections are missing, how many dials may be begun for them, and from when on. In haste more are begun than are missing,
 * as many as the recent success rate asks for, though never so many that all could be too many.
 */
export function needOf(view: PoolView, { filling }: PlanOptions): { missing: number; wanted: number; calmUntil: number } {
  const { active, bounds, outgoingInProgress } = view
  if (active >= bounds.minTarget) {
    const missing = active < bounds.aim ? 1 : 0
    return { missing, wanted: missing - outgoingInProgress, calmUntil: view.dials.lastFailureAt + calmAfterFailureMs }
  }
  const missing = (filling || active >= bounds.minThreshold ? bounds.minTarget : bounds.minThreshold) - active
  const dials = Math.ceil(missing * Math.min(1 / view.dials.successRate, maxOvershoot))
  return { missing, wanted: Math.min(dials, bounds.maxTarget - active) - outgoingInProgress, calmUntil: Number.NEGATIVE_INFINITY }
}

/** When the last incoming connection was made, monotonic; −∞: none is there. */
function lastArrivalAt(view: PoolView): number {
  const arrivals = [...view.connections()].filter(({ direction }) => direction === 'incoming')
  return Math.max(...arrivals.map(({ startedAt }) => startedAt))
}

/** In an outage one dial at a time, with pauses that grow; −∞ when there is none. Nobody is blamed for it meanwhile. */
export function nextProbeAt(view: PoolView, candidates: number): number {
  const beyond = view.dials.failuresInARow - Math.max(outageFailures, candidates)
  if (view.active > 0 || beyond < 0) return Number.NEGATIVE_INFINITY
  return view.dials.lastFailureAt + Math.min(1_000 * 1.3 ** beyond, maxProbePauseMs)
}
