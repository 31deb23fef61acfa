/** What maintenance does, why, and when it does something next; for people. Pure: it says what `plan.ts` decides. */
import type { PoolView } from '../tables/pool-view.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import { roomForStrangers } from './admission-hello.ts'
import { findCandidates, obstacleOf } from './candidates.ts'
import { type Circumstances, count, soon } from './circumstances.ts'
import { type Outlook, outlookOf } from './outlook.ts'
import { goalOf, kindsWanted, nextProbeAt, planMaintenance } from './plan.ts'

/** What maintenance does now. */
export interface BandExplanation {
  /**
   * `content`: enough are connected, or more that may not be closed; `filling`: it dials; `searching`: it has too few points to dial and
   * asks its peers for more; `waiting`: too few are connected, and it can neither dial nor ask now; `probing`: nothing can be
   * reached, so it tries one at a time; `trimming`: it closes connections. `suspended`, `stopped`: the pool is; a suspended one may
   * keep a smaller band.
   */
  readonly step: 'filling' | 'content' | 'trimming' | 'searching' | 'waiting' | 'probing' | 'suspended' | 'stopped'
  /** One sentence. */
  readonly text: string
  readonly active: number
  readonly band: ConnectionBand
  readonly bounds: MaintenanceBounds
  /** Peers that came in, handshakes that passed our checks included. */
  readonly incoming: number
  /** The same, with those that would find a place now if they came. It falls while other connections and dials of ours take places. */
  readonly incomingPlaces: number
  /** Dials and handshakes of ours in progress. */
  readonly dialing: number
  /** Points that could be dialed now. */
  readonly candidates: number
  /** Points that must wait: they failed, their connection ended lately, or what their source told of came to nothing. */
  readonly waiting: number
  /** It dials or closes something next, ms from now, if nothing else happens; 0: at the look that is due; none: only when something happens. */
  readonly nextActInMs: number | undefined
  /** It looks again by itself then, ms from now; none: only when something happens. */
  readonly nextLookInMs: number | undefined
}

export function explainBand(view: PoolView, circumstances: Circumstances): BandExplanation {
  const { active, band, bounds, outgoingInProgress: dialing, incomingSlots: incoming } = view
  const { now, lookAt, keepsBand } = circumstances
  const found = findCandidates(view, circumstances)
  const candidates = found.candidates.length
  const next = keepsBand ? outlookOf(view, circumstances) : undefined
  const facts = { candidates, waiting: countWaiting(view, circumstances), next }
  const [step, text] = stepOf(view, circumstances, facts)
  return {
    step,
    text,
    active,
    band,
    bounds,
    incoming,
    incomingPlaces: incoming + Math.max(0, roomForStrangers(view)),
    dialing,
    candidates,
    waiting: facts.waiting,
    nextActInMs: next?.inMs,
    nextLookInMs: keepsBand && lookAt !== undefined ? Math.max(0, Math.ceil(lookAt - now)) : undefined
  }
}

function countWaiting(view: PoolView, circumstances: Circumstances): number {
  let waiting = 0
  for (const info of view.points) if (obstacleOf(view, info, circumstances)?.kind === 'barred') waiting++
  return waiting
}

interface Facts {
  readonly candidates: number
  readonly waiting: number
  readonly next: Outlook | undefined
}

type Said = [BandExplanation['step'], string]

function stepOf(view: PoolView, circumstances: Circumstances, facts: Facts): Said {
  const { active, bounds } = view
  const { status, keepsBand } = circumstances
  const have = count(active, 'connection')
  if (status !== 'running' && status !== 'suspended') return ['stopped', `the pool is ${status}: it keeps no connections`]
  if (!keepsBand) return ['suspended', `the pool is suspended: ${have}, and it makes no more`]
  if (active > bounds.maxTarget) return sayTooMany(view, facts)
  if (active >= bounds.aim) return sayEnough(view, circumstances, facts)
  return sayTooFew(view, circumstances, facts)
}

/** Trusted peers are never closed, nor the last ones of a kind's minimum. */
function sayTooMany(view: PoolView, { next }: Facts): Said {
  const { active, bounds } = view
  const { maxTarget, maxThreshold } = bounds
  const isHasty = active > maxThreshold
  const have = `${count(active, 'connection')}, more than ${isHasty ? maxThreshold : maxTarget}`
  const leaving = next?.plan.leave.length ?? 0
  const dials = sayDials(view, next, ', and ')
  if (next === undefined || leaving === 0) return ['content', `${have}: it closes none, since ${whoStays(view, active)}${dials}`]
  if (!isHasty) return ['trimming', `${have}: it closes one after the other, the next ${soon(next.inMs)}`]
  const rest = active - maxTarget - leaving
  return ['trimming', `${have}: it closes ${leaving}${rest > 0 ? ` and keeps ${rest} more, since ${whoStays(view, rest)}` : ''}`]
}

function whoStays(view: PoolView, number: number): string {
  const areTrusted = [...view.connections()].every((one) => view.access.isTrusted(one.peerId, one.point))
  const who = number === 1 ? 'it is' : 'they are'
  return areTrusted ? `${who} trusted` : `${who} trusted, or needed as the last servers or pages`
}

function sayEnough(view: PoolView, { status, awake = true, searchAt, now, peersToAsk }: Circumstances, { next }: Facts): Said {
  const { active, bounds, outgoingInProgress: dialing } = view
  const { aim, maxTarget } = bounds
  const range = aim === maxTarget ? `${aim} ${aim === 1 ? 'is' : 'are'} right` : `${aim} to ${maxTarget} are right`
  const have = `${count(active, 'connection')}: ${range}${sleepy(status)}`
  const step = status === 'suspended' ? 'suspended' : 'content'
  const missing = kindsWanted(view, awake)
  if (missing.length === 0) {
    const dials = sayDials(view, next, '')
    return [step, `${have}, ${dials === '' ? 'nothing to do' : dials}`]
  }
  const needs = `${have}, but it needs a ${missing.join(' and a ')}`
  if (dialing > 0 || next !== undefined) return [step, `${needs}: ${sayDials(view, next, '')}`]
  return [step, `${needs}: no point of one can be dialed; ${sayAsk({ searchAt, now, peersToAsk })}`]
}

function sayTooFew(view: PoolView, circumstances: Circumstances, { candidates, waiting, next }: Facts): Said {
  const { active, outgoingInProgress: dialing, config } = view
  const { status, peersToAsk } = circumstances
  const wants = `${count(active, 'connection')}, ${goalOf(view)} wanted${sleepy(status)}`
  const dials = sayDials(view, next, '')
  if (nextProbeAt(view, candidates) !== Number.NEGATIVE_INFINITY) {
    const does = dials === '' ? 'no point is left to try' : `one point is tried at a time, ${dials}`
    return ['probing', `${wants}: nothing can be reached, so it may be our own network: ${does}`]
  }
  const asks = planMaintenance(view, circumstances).ask
  const point = config.privateMode ? 'trusted point' : 'point'
  const left = candidates - (next?.inMs === 0 ? next.plan.dial.length : 0)
  const parts = [
    dials === '' && waiting === 0 ? `no ${point} can be dialed` : dials,
    left > 0 ? `${count(left, `more ${point}`)} to try` : '',
    waiting > 0 ? `${count(waiting, point)} must wait` : ''
  ]
  const text = `${wants}: ${parts.filter((part) => part !== '').join(', ')}${asks ? `; ${sayAsk(circumstances)}` : ''}`
  if (asks && peersToAsk > 0) return ['searching', text]
  return [dialing > 0 || next?.inMs === 0 ? 'filling' : 'waiting', text]
}

function sayAsk({ searchAt, now, peersToAsk }: Pick<Circumstances, 'searchAt' | 'now' | 'peersToAsk'>): string {
  if (peersToAsk === 0) return 'nobody can be asked for more'
  return `it asks ${count(peersToAsk, 'peer')} for more ${soon(searchAt - now)}`
}

/** The dials in progress and the next ones; empty: there are none. */
function sayDials({ outgoingInProgress: dialing }: PoolView, next: Outlook | undefined, before: string): string {
  const progress = dialing === 0 ? '' : `${count(dialing, 'dial')} in progress`
  const planned = next?.plan.dial.length ?? 0
  const more =
    next === undefined || planned === 0 ? '' : next.inMs === 0 ? `it dials ${planned} now` : `the next dial is ${soon(next.inMs)}`
  const said = [progress, more].filter((part) => part !== '').join(', ')
  return said === '' ? '' : `${before}${said}`
}

function sleepy(status: Circumstances['status']): string {
  return status === 'suspended' ? ', few while the pool is suspended' : ''
}
