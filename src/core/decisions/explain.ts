/**
 * Why a point or peer is not connected, and when it will be tried next; for people. Pure: it asks the same functions that decide, so it
 * never says anything else than maintenance does. What is said of the band is in `explain-band.ts`.
 */
import { lastFailureAt, type PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { hostOf, kindOf, readPoint } from '../values/address.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { describeRejection, type Rejection } from '../values/reason.ts'
import { checkDial, checkPeer } from './admission.ts'
import { roomForStrangers } from './admission-hello.ts'
import { findCandidates, isMet, obstacleOf, ownerOf, strangersWait } from './candidates.ts'
import { type Circumstances, count, seconds, soon } from './circumstances.ts'
import { choiceWith, outlookOf } from './outlook.ts'
import { kindsWanted, nextProbeAt, planMaintenance } from './plan.ts'
import { penaltyOf } from './reports.ts'
import { shareTaken } from './shares.ts'

export interface Explanation {
  readonly state: 'connected' | 'connecting' | 'unknown' | 'refused' | 'waiting' | 'ready' | 'not-dialable'
  /** One sentence. */
  readonly text: string
  /** What a `connect` would be refused with now. */
  readonly rejection: Rejection | undefined
  /** Maintenance does not dial it before, ms from now; none: nothing is waited for. */
  readonly nextTryInMs: number | undefined
}

const explained = (state: Explanation['state'], text: string, more: Partial<Explanation> = {}): Explanation => ({
  state,
  text,
  rejection: undefined,
  nextTryInMs: undefined,
  ...more
})

export function explainPoint(view: PoolView, point: Point, circumstances: Circumstances): Explanation {
  const info = view.points.get(point)
  if (info === undefined) return explainStranger(view, point, circumstances)
  if (info.state.kind === 'running') return explained('connected', `connected with ${info.state.connection.peerId}`)
  const obstacle = obstacleOf(view, info, circumstances)
  switch (obstacle?.kind) {
    case undefined:
      return explainReady(view, info, circumstances)
    case 'busy':
      return explained('connecting', 'a connection is being made')
    case 'not-dialable':
      return notDialable(point, circumstances)
    case 'reached':
      return explained('waiting', `its peer ${obstacle.peerId} is connected by another way`)
    case 'refused':
      return refused(obstacle.rejection, circumstances)
    case 'barred':
      return explainBarred(view, info, { until: obstacle.until, circumstances })
  }
}

function notDialable(point: Point, { transports }: Circumstances): Explanation {
  const { transport } = readPoint(point)
  return explained(
    'not-dialable',
    transports.includes(transport)
      ? 'it may not be dialed from here now: its address is private or not encrypted, or no more connections can be made'
      : `nothing that runs here dials ${transport} addresses`
  )
}

/** A ban or greylisting says which of the two it is, and for how long. */
function refused(rejection: Rejection, { barOf }: Circumstances): Explanation {
  const whom =
    rejection.kind === 'peer-banned' ? rejection : rejection.kind === 'point-banned' ? { host: hostOf(rejection.point) } : undefined
  const bar = whom === undefined ? undefined : barOf(whom)
  if (bar === undefined) return explained('refused', describeRejection(rejection), { rejection })
  const who = rejection.kind === 'peer-banned' ? `peer ${rejection.peerId}` : `the host of ${'point' in rejection ? rejection.point : ''}`
  const { kind, endsInMs } = bar
  if (endsInMs === undefined) return explained('refused', `${who} is ${kind}, until that is lifted`, { rejection })
  const nextTryInMs = Math.max(0, Math.ceil(endsInMs))
  const rest = nextTryInMs > 120_000 ? `${Math.ceil(nextTryInMs / 60_000)} min` : seconds(nextTryInMs)
  return explained('refused', `${who} is ${kind} for ${rest} more${kind === 'banned' ? '' : ' at most'}`, { rejection, nextTryInMs })
}

function explainStranger(view: PoolView, point: Point, circumstances: Circumstances): Explanation {
  const { canDial, isGroupFull } = circumstances
  const rejection = checkDial(view, point, undefined)
  if (rejection !== undefined) return refused(rejection, circumstances)
  if (!canDial(point)) return notDialable(point, circumstances)
  const full = isGroupFull(point) ? ', since no more of its address group are taken from others' : ''
  return explained('unknown', `not a known point: connect or register it${full}`)
}

/** It waits, and what happens then. */
function explainBarred(
  view: PoolView,
  info: PointInfo,
  { until, circumstances }: { until: number; circumstances: Circumstances }
): Explanation {
  const reason = reasonToWait(view, info)
  const { keepsBand, status, now } = circumstances
  if (!keepsBand) return explained('waiting', `${reason}; the pool is ${status}: it dials nobody by itself`)
  const nextTryInMs = Math.ceil(until - now)
  const then = `${reason}; it may be tried again in ${seconds(nextTryInMs)}`
  const prospect = prospectOf(view, info, { ...circumstances, now: until + 1 })
  if (prospect.isChosen) return explained('waiting', then, { nextTryInMs })
  // The prospect counts from the end of the wait.
  const laterInMs = prospect.nextTryInMs === undefined ? undefined : nextTryInMs + prospect.nextTryInMs
  const exploring = laterInMs === undefined ? '' : `; exploring may choose it, ${soon(laterInMs)} at the earliest`
  return explained('waiting', `${then}, but ${prospect.why}${exploring}`, { nextTryInMs: laterInMs })
}

function reasonToWait(view: PoolView, info: PointInfo): string {
  if (info.heldUntil > info.backoffUntil) return `the last addresses that ${info.source} advertised failed`
  const owner = ownerOf(info)
  const backoff = owner === undefined ? undefined : view.peers.get(owner)?.backoff
  if (backoff !== undefined && backoff.until > info.backoffUntil) return `its peer ${owner} ended the last connection or refused it`
  if (view.points.hostFreeAt(info.point) > info.backoffUntil) return describeRejection({ kind: 'host-dial-limit', point: info.point })
  const missedAt = lastFailureAt(info)
  if (info.shortConnections > 0 && missedAt === info.lastDisconnection?.at)
    return info.shortConnections > 1
      ? `the last ${info.shortConnections} connections ended within 10 s, and not by us`
      : 'the last connection ended within 10 s, and not by us'
  if (missedAt === undefined || missedAt === info.lastDisconnection?.at) return 'its last connection ended a moment ago'
  const failed = info.failures > 1 ? `the last ${info.failures} dials failed` : 'the last dial failed'
  return info.lastFailure === undefined ? failed : `${failed}: ${describeRejection(info.lastFailure)}`
}

/** Nothing speaks against it. */
function explainReady(view: PoolView, info: PointInfo, circumstances: Circumstances): Explanation {
  const { status, keepsBand } = circumstances
  if (!keepsBand) return explained('ready', `the pool is ${status}: it dials nobody by itself`)
  const { text, nextTryInMs } = prospectOf(view, info, circumstances)
  return explained('ready', text, { nextTryInMs })
}

/** What becomes of a point that nothing speaks against. */
interface Prospect {
  readonly text: string
  /** The text without an instant: why maintenance would leave it out. */
  readonly why: string
  readonly nextTryInMs: number | undefined
  /** Maintenance would choose it, or choose among it and others. */
  readonly isChosen: boolean
}

function prospectOf(view: PoolView, info: PointInfo, circumstances: Circumstances): Prospect {
  const plan = planMaintenance(view, circumstances)
  const choice = choiceWith(plan, info)
  if (choice !== undefined) {
    const { among, count: dialed } = choice
    const isSure = dialed >= among.length && plan.dial.includes(info.point)
    const text = isSure ? 'it is dialed now' : `it is one of ${count(among.length, 'point')} of which ${dialed} may be dialed now`
    return { text, why: text, nextTryInMs: 0, isChosen: true }
  }
  const next = outlookOf(view, circumstances)
  const why = whyLeftOut(view, info, circumstances)
  if (next !== undefined && choiceWith(next.plan, info) !== undefined) {
    const { inMs: nextTryInMs } = next
    const isOutage = nextProbeAt(view, 0) !== Number.NEGATIVE_INFINITY
    const waits = isOutage ? 'nothing can be reached: points are tried one at a time' : 'a dial failed a moment ago'
    return { text: why ?? `${waits}, the next ${soon(nextTryInMs)}`, why: why ?? waits, nextTryInMs, isChosen: true }
  }
  if (why === undefined) {
    const text = `it may be dialed when ${dialsEnd(view.outgoingInProgress)}`
    return { text, why: text, nextTryInMs: 0, isChosen: true }
  }
  const mayMeet = circumstances.mixAt < Number.POSITIVE_INFINITY && view.active >= view.bounds.minTarget && !info.trusted
  if (!mayMeet) return { text: why, why, nextTryInMs: undefined, isChosen: false }
  const nextTryInMs = Math.max(0, Math.ceil(circumstances.mixAt - circumstances.now))
  return { text: `${why}; exploring may choose it, ${soon(nextTryInMs)} at the earliest`, why, nextTryInMs, isChosen: false }
}

function dialsEnd(dialing: number): string {
  return dialing === 1 ? 'the dial in progress ends' : `one of the ${dialing} dials in progress ends`
}

/** Why maintenance would not choose it even if no dial were in progress; none: it would. */
function whyLeftOut(view: PoolView, info: PointInfo, circumstances: Circumstances): string | undefined {
  const { active, bounds } = view
  const { now, awake = true } = circumstances
  const isWanted = info.trusted || kindsWanted(view, awake).includes(kindOf(info.transport))
  if (isWanted) return undefined
  if (active >= bounds.aim) return `it would be dialed if connections fell below ${bounds.aim}; there are ${active}`
  if (active >= bounds.minTarget && shareTaken(view)(info))
    return `as many peers at its host are connected as one host may have: it would be dialed if connections fell below ${bounds.minTarget}`
  const found = isMet(info) ? undefined : findCandidates(view, circumstances)
  if (found === undefined || !strangersWait(view, found, now)) return undefined
  return `untried points wait: a peer that was connected before may be dialed ${soon(found.reunionAt - now)}`
}

export function explainPeer(view: PoolView, peerId: PeerId, circumstances: Circumstances): Explanation {
  const info = view.peers.get(peerId)
  if (info?.state.kind === 'running') return explained('connected', `connected, ${info.state.connection.direction}`)
  const isComing = [...view.attempts()].some((attempt) => attempt.peerId === peerId)
  if (isComing) return explained('connecting', 'a connection is being made')
  const rejection = peerId === view.peerId ? { kind: 'myself' as const } : checkPeer(view, peerId, undefined)
  if (rejection !== undefined) return refused(rejection, circumstances)
  const points = [...view.points].filter((point) => isOf(point, peerId))
  const best = points.map((point) => ({ ...explainPoint(view, point.point, circumstances), point: point.point })).sort(byHope)[0]
  const refusal = circumstances.refusalOf(peerId)
  const last = refusal === undefined ? '' : `; it dialed this pool ${seconds(refusal.agoMs)} ago and was refused: ${refusal.why}`
  const marked = info === undefined || penaltyOf(info, circumstances.now) < 1 ? '' : `; reported as ${info.lastReport?.kind} of late`
  if (best !== undefined) return { ...best, text: `${best.point}: ${best.text}${last}${marked}` }
  if (view.config.privateMode && !view.access.isTrusted(peerId, undefined)) return refused({ kind: 'private-mode' }, circumstances)
  const house = fullHouse(view, peerId)
  if (info === undefined) return explained('unknown', `not a known peer${last}${refusal === undefined ? '' : house}`)
  const { status } = circumstances
  if (status !== 'running' && status !== 'suspended')
    return explained('waiting', `the pool is ${status}: it takes nobody in${last}${marked}`)
  return explained('waiting', `no point of it is known: it must come by itself${house}${last}${marked}`)
}

/** What keeps a peer from coming in, until somebody leaves. */
function fullHouse(view: PoolView, peerId: PeerId): string {
  if (roomForStrangers(view) > 0 || view.access.isTrusted(peerId, undefined)) return ''
  return `; no place is free for peers that come in: ${view.incomingSlots} came in, ${view.slotsTaken - view.incomingSlots} were dialed`
}

/** Where it was met, is expected, or says that it is. */
function isOf(info: PointInfo, peerId: PeerId): boolean {
  return (info.expectedPeerId ?? info.claimedBy ?? info.lastEstablished?.peerId ?? info.discoveredPeerId) === peerId
}

const hopes: readonly Explanation['state'][] = ['connected', 'connecting', 'ready', 'waiting', 'refused', 'not-dialable', 'unknown']

function byHope(a: Explanation, b: Explanation): number {
  const wait = (one: Explanation): number => one.nextTryInMs ?? Number.MAX_VALUE
  return hopes.indexOf(a.state) - hopes.indexOf(b.state) || wait(a) - wait(b)
}
