/** What maintenance does, why, and when it does something next; for people. Pure: it says what `plan.ts` decides. */
import type { PoolView } from '../tables/pool-view.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import { roomForUntrusted } from './admission-hello.ts'
import { obstacleOf } from './candidates.ts'
import { type Circumstances, count, type Foresight, foresee, soon } from './foresight.ts'
import { goalOf, kindsWanted, nextProbeAt } from './plan.ts'

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
  /** Running connections. */
  readonly active: number
  /** The band that is kept now. */
  readonly band: ConnectionBand
  /** What follows from it. */
  readonly bounds: MaintenanceBounds
  /** Peers that came in, handshakes that passed our checks included. */
  readonly incoming: number
  /** The same, with those that would find a slot now if they came. It falls while other connections and dials of ours take slots. */
  readonly incomingPlaces: number
  /** Dials and handshakes of ours in progress. */
  readonly dialing: number
  /** Points that could be dialed now. */
  readonly candidates: number
  /** Points that must wait: they failed, their connection ended recently, or other points of their source failed. */
  readonly waiting: number
  /** It dials or closes something next, ms from now, if nothing else happens; 0: at the look that is due; none: only when something happens. */
  readonly nextActInMs: number | undefined
  /** It looks again by itself then, ms from now; none: only when something happens. */
  readonly nextLookInMs: number | undefined
}

/** What the sentence is made of. */
interface Facts extends Circumstances, Foresight {
  readonly view: PoolView
  readonly candidates: number
  readonly waiting: number
}

export function explainBand(view: PoolView, circumstances: Circumstances): BandExplanation {
  const { active, band, bounds, outgoingInProgress: dialing, incomingSlots: incoming } = view
  const { keepsBand, lookAt, now } = circumstances
  const obstacles = Array.from(view.points, (info) => obstacleOf(view, info, circumstances)?.kind)
  const candidates = obstacles.filter((kind) => kind === undefined).length
  const waiting = obstacles.filter((kind) => kind === 'backoff').length
  const { plan, next } = foresee(view, circumstances)
  const facts: Facts = { ...circumstances, view, candidates, waiting, plan, next: keepsBand ? next : undefined }
  const [step, text] = sayBand(facts)
  return {
    step,
    text,
    active,
    band,
    bounds,
    incoming,
    incomingPlaces: incoming + Math.max(0, roomForUntrusted(view)),
    dialing,
    candidates,
    waiting,
    nextActInMs: facts.next?.inMs,
    nextLookInMs: keepsBand && lookAt !== undefined ? Math.max(0, Math.ceil(lookAt - now)) : undefined
  }
}

type Said = [BandExplanation['step'], string]

function sayBand(facts: Facts): Said {
  const { status, keepsBand, view } = facts
  const { active, bounds } = view
  if (status !== 'running' && status !== 'suspended') return ['stopped', `the pool is ${status}: it keeps no connections`]
  if (!keepsBand) return ['suspended', `the pool is suspended: ${count(active, 'connection')}, and it makes no more`]
  if (active > bounds.maxTarget) return sayTooMany(facts)
  return active >= bounds.aim ? sayEnough(facts) : sayTooFew(facts)
}

/** Trusted peers are never closed, nor the last ones of a kind's minimum. */
function sayTooMany({ view, next }: Facts): Said {
  const { active, bounds } = view
  const { maxTarget, maxThreshold } = bounds
  const isHasty = active > maxThreshold
  const have = `${count(active, 'connection')}, more than ${isHasty ? maxThreshold : maxTarget}`
  const pruned = next?.plan.prune.length ?? 0
  const dials = sayDials(view, next)
  if (next === undefined || pruned === 0)
    return ['content', `${have}: it closes none, since ${whoStays(view, active)}${dials === '' ? '' : `, and ${dials}`}`]
  if (!isHasty) return ['trimming', `${have}: it closes one after the other, the next ${soon(next.inMs)}`]
  const rest = active - maxTarget - pruned
  return ['trimming', `${have}: it closes ${pruned}${rest > 0 ? ` and keeps ${rest} more, since ${whoStays(view, rest)}` : ''}`]
}

function whoStays(view: PoolView, number: number): string {
  const areTrusted = [...view.connections()].every((one) => view.access.isTrusted(one.peerId, one.point))
  const who = number === 1 ? 'it is' : 'they are'
  return areTrusted ? `${who} trusted` : `${who} trusted, or the last servers or pages`
}

function sayEnough(facts: Facts): Said {
  const { view, status, awake, next } = facts
  const { aim, maxTarget } = view.bounds
  const range = aim === maxTarget ? `${aim} ${aim === 1 ? 'is' : 'are'} right` : `${aim} to ${maxTarget} are right`
  const have = `${count(view.active, 'connection')}: ${range}${whileSuspended(status)}`
  const step = status === 'suspended' ? 'suspended' : 'content'
  const dials = sayDials(view, next)
  const missing = kindsWanted(view, awake)
  if (missing.length === 0) return [step, `${have}, ${dials === '' ? 'nothing to do' : dials}`]
  const needs = `${have}, but it needs a ${missing.join(' and a ')}`
  return [step, `${needs}: ${dials === '' && next === undefined ? `no point of one can be dialed; ${sayAsk(facts)}` : dials}`]
}

function sayTooFew(facts: Facts): Said {
  const { view, status, peersToAsk, candidates, waiting, plan, next } = facts
  const wants = `${count(view.active, 'connection')}, ${goalOf(view)} wanted${whileSuspended(status)}`
  const dials = sayDials(view, next)
  if (nextProbeAt(view, candidates) !== Number.NEGATIVE_INFINITY) {
    const does = dials === '' ? 'no point is left to try' : `one point is tried at a time, ${dials}`
    return ['probing', `${wants}: nothing can be reached, so it may be our own network: ${does}`]
  }
  const point = view.config.privateMode ? 'trusted point' : 'point'
  const left = candidates - (next?.inMs === 0 ? next.plan.dial.length : 0)
  const parts = [
    dials === '' && waiting === 0 ? `no ${point} can be dialed` : dials,
    left > 0 ? `${count(left, `more ${point}`)} to try` : '',
    waiting > 0 ? `${count(waiting, point)} must wait` : ''
  ]
  const text = `${wants}: ${parts.filter((part) => part !== '').join(', ')}${plan.ask ? `; ${sayAsk(facts)}` : ''}`
  if (plan.ask && peersToAsk > 0) return ['searching', text]
  return [view.outgoingInProgress > 0 || next?.inMs === 0 ? 'filling' : 'waiting', text]
}

function sayAsk({ searchAt, now, peersToAsk }: Facts): string {
  if (peersToAsk === 0) return 'nobody can be asked for more'
  return `it asks ${count(peersToAsk, 'peer')} for more ${soon(searchAt - now)}`
}

/** The dials in progress and the next ones; empty: there are none. */
function sayDials({ outgoingInProgress: dialing }: PoolView, next: Foresight['next']): string {
  const progress = dialing === 0 ? '' : `${count(dialing, 'dial')} in progress`
  const planned = next?.plan.dial.length ?? 0
  if (next === undefined || planned === 0) return progress
  const more = next.inMs === 0 ? `it dials ${planned} now` : `the next dial is ${soon(next.inMs)}`
  return progress === '' ? more : `${progress}, ${more}`
}

function whileSuspended(status: Circumstances['status']): string {
  return status === 'suspended' ? ', few while the pool is suspended' : ''
}
