/**
 * What maintenance should do now: whom to dial, whom to leave, whether to ask for points, when to look again. Pure; the
 * flow that carries it out makes no decision of its own. Whom to dial first is said by `dial-order.ts`.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf, transportOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { type CandidateOptions, findCandidates, isMet, obstacleOf, strangersWait } from './candidates.ts'
import { chooseToDial } from './dial-order.ts'
import { chooseToLeave } from './eviction.ts'
import { surplusByKind } from './kinds.ts'
import { shareTaken } from './shares.ts'

export interface MaintenancePlan {
  readonly dial: readonly Point[]
  readonly leave: readonly RunningConnection[]
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
  /** Monotonic instant from which on one connection may be given up that is above maxTarget only. */
  readonly trimAt: number
  /** Asleep it waits for pages to come. @default true */
  readonly awake?: boolean | undefined
  readonly random: Random
}

/** Never more dials than this are begun for each connection missing, however few succeed. */
const maxOvershoot = 4

/** Without haste no dial is begun for so long after one that failed, ms. */
const calmAfterFailureMs = 2_000

/** Above maxTarget nobody is left while a crowd still comes in: the places would be taken at once, by others no better; ms. */
const calmAfterArrivalMs = 1_000

/** So many failures in a row, and all candidates tried, with no connection at all: it is our own network. */
const outageFailures = 8
const maxProbePauseMs = 30_000

export function planMaintenance(view: PoolView, options: PlanOptions): MaintenancePlan {
  const plan = planBand(view, options)
  const kinds = planKinds(view, options)
  const trusted = planTrusted(view, options)
  const free = Math.max(plan.dial.length, view.config.maxParallelDials - view.outgoingInProgress)
  const dial = [...new Set([...plan.dial, ...kinds.dial, ...trusted.dial])].slice(0, free)
  const againAt = Math.min(plan.againAt ?? Number.POSITIVE_INFINITY, kinds.againAt, trusted.againAt)
  const choices = [...plan.choices, ...kinds.choices, ...trusted.choices]
  return { ...plan, dial, choices, ask: plan.ask || kinds.ask, againAt: againAt < Number.POSITIVE_INFINITY ? againAt : undefined }
}

/**
 * Kinds that are dialed although the count is in the band, since they are below their minimum. Asleep it wants a server, by which it can
 * be reached, and waits for pages.
 */
export function kindsWanted(view: PoolView, awake: boolean): PeerKind[] {
  const { active, bounds } = view
  if (active < bounds.minTarget || active > bounds.maxTarget) return []
  const surplus = surplusByKind(view)
  for (const { direction, transport } of view.attempts()) if (direction === 'outgoing') surplus[kindOf(transport)]++
  return (['server', 'page'] as const).filter((kind) => surplus[kind] < 0 && (awake || kind === 'server'))
}

interface Dialing {
  readonly dial: readonly Point[]
  readonly choices: readonly DialChoice[]
  /** Infinite: nothing is waited for. */
  readonly againAt: number
}

/** Without haste: one dial after the other. */
function planKinds(view: PoolView, options: PlanOptions): Dialing & { ask: boolean } {
  const { now, canDial, awake = true } = options
  const plan = { dial: [] as Point[], ask: false, againAt: Number.POSITIVE_INFINITY, choices: [] as DialChoice[] }
  const calmUntil = view.dials.lastFailureAt + calmAfterFailureMs
  for (const kind of kindsWanted(view, awake)) {
    const ofKind = (point: Point): boolean => kindOf(transportOf(point)) === kind && canDial(point)
    const { candidates, busyGroups, freeAt } = findCandidates(view, { now, canDial: ofKind })
    plan.ask ||= awake && candidates.length === 0
    const readyAt = Math.max(candidates.length > 0 ? now : freeAt, calmUntil)
    if (readyAt > now) {
      plan.againAt = Math.min(plan.againAt, readyAt)
      continue
    }
    plan.dial.push(...chooseToDial(view, candidates, { ...options, busyGroups, count: 1 }))
    plan.choices.push({ among: candidates, count: 1 })
  }
  return plan
}

/**
 * Trusted points are dialed while they are not connected, whatever the count: strangers who fill the band must not keep the
 * operator's own peers away. In an outage they wait for the probes like all others.
 */
function planTrusted(view: PoolView, options: PlanOptions): Dialing {
  const never = Number.POSITIVE_INFINITY
  if (view.band.max === 0) return { dial: [], choices: [], againAt: never }
  const among: PointInfo[] = []
  let againAt = never
  for (const info of view.points) {
    if (!info.trusted) continue
    const obstacle = obstacleOf(view, info, options)
    if (obstacle === undefined) among.push(info)
    if (obstacle?.kind === 'barred') againAt = Math.min(againAt, obstacle.until)
  }
  const probeAt = nextProbeAt(view, among.length)
  if (among.length === 0 || probeAt > options.now)
    return { dial: [], choices: [], againAt: among.length === 0 ? againAt : Math.min(againAt, probeAt) }
  const parallel = probeAt === Number.NEGATIVE_INFINITY ? view.config.maxParallelDials : 1
  const count = Math.max(0, parallel - view.outgoingInProgress)
  return { dial: among.slice(0, count).map(({ point }) => point), choices: [{ among, count }], againAt }
}

function planBand(view: PoolView, options: PlanOptions): MaintenancePlan {
  const { bounds, config } = view
  const { now, trimAt } = options
  const surplus = view.active - bounds.maxTarget
  const nothing = { dial: [], leave: [], ask: false, againAt: undefined, choices: [] }
  if (surplus > 0) {
    const calmAt = view.active > bounds.maxThreshold ? now : Math.max(trimAt, lastArrivalAt(view) + calmAfterArrivalMs)
    // Where none may go, since all are trusted or needed, nothing is waited for.
    const leave = chooseToLeave(view, view.active > bounds.maxThreshold ? surplus : 1)
    if (calmAt <= now) return { ...nothing, leave }
    return { ...nothing, againAt: leave.length === 0 ? undefined : calmAt }
  }
  const { missing, wanted, calmUntil } = needOf(view, options)
  if (missing <= 0 || wanted <= 0) return nothing
  const found = findCandidates(view, options)
  const { busyGroups, freeAt } = found
  const isTaken = view.active < bounds.minTarget ? () => false : shareTaken(view)
  const candidates = found.candidates.filter((info) => !isTaken(info))
  const ready = strangersWait(view, found, now) ? candidates.filter(isMet) : candidates
  const probeAt = Math.max(nextProbeAt(view, candidates.length), calmUntil)
  const parallel = probeAt > now ? 0 : view.active > 0 || probeAt === Number.NEGATIVE_INFINITY ? config.maxParallelDials : 1
  const count = Math.max(0, Math.min(wanted, parallel - view.outgoingInProgress))
  const againAt = Math.min(freeAt, probeAt > now ? probeAt : freeAt)
  return {
    dial: chooseToDial(view, ready, { ...options, busyGroups, count }),
    leave: [],
    ask: candidates.length < missing,
    againAt: againAt < Number.POSITIVE_INFINITY ? againAt : undefined,
    choices: [{ among: ready, count }]
  }
}

/** Up to how many connections it dials now: in haste to minTarget, then without haste to its aim. */
export function goalOf({ active, bounds }: PoolView): number {
  return active < bounds.minTarget ? bounds.minTarget : bounds.aim
}

/**
 * How many connections are missing, how many dials may be begun for them, and from when on. In haste more are begun than are missing,
 * as many as the success rate of late asks for, though never so many that all could be too many.
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

/** When the last of those who came in did so, monotonic. */
function lastArrivalAt(view: PoolView): number {
  let last = Number.NEGATIVE_INFINITY
  for (const { direction, startedAt } of view.connections()) if (direction === 'incoming') last = Math.max(last, startedAt)
  return last
}

/** In an outage one dial at a time, with pauses that grow; −∞ when there is none. Nobody is blamed for it meanwhile. */
export function nextProbeAt(view: PoolView, candidates: number): number {
  const beyond = view.dials.failuresInARow - Math.max(outageFailures, candidates)
  if (view.active > 0 || beyond < 0) return Number.NEGATIVE_INFINITY
  return view.dials.lastFailureAt + Math.min(1_000 * 1.3 ** beyond, maxProbePauseMs)
}
