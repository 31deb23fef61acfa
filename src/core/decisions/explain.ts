/**
 * Why a point or peer is not connected, and when it will be tried next; for people. Pure: it asks the same functions that decide, so it
 * never says anything else than maintenance does. What is said of the band is in `explain-band.ts`.
 */
import type { PeerInfo } from '../tables/peer.ts'
import { lastFailureAt, type PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { hostOf, kindOf, readPoint } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { describeRejection, type Rejection } from '../values/reason.ts'
import { checkDial, checkPeer } from './admission.ts'
import { roomForUntrusted } from './admission-hello.ts'
import { findCandidates, isMet, obstacleOf, ownerOf, untriedWait } from './candidates.ts'
import { chooseToPrune } from './eviction.ts'
import { type Circumstances, choiceWith, count, foresee, seconds, soon } from './foresight.ts'
import { shareTaken } from './group-shares.ts'
import { kindsWanted, nextProbeAt } from './plan.ts'
import { penaltyOf } from './score.ts'

/** Why a point or peer is not connected, and when it is tried next. */
export interface Explanation {
  /**
   * `refused`: by a ban, a limit or private mode; `waiting`: until `nextTryInMs`, or for a free slot; `ready`: dialed as soon as there is
   * need; `unknown`: not in the tables; `not-dialable`: nothing that runs here can dial it.
   */
  readonly state: 'connected' | 'connecting' | 'unknown' | 'refused' | 'waiting' | 'ready' | 'not-dialable'
  /** One sentence. */
  readonly text: string
  /** What a `connect` would be refused with now; `undefined`: nothing. */
  readonly rejection: Rejection | undefined
  /** Maintenance does not dial it before, ms from now; `undefined`: it waits for no time. */
  readonly nextTryInMs: number | undefined
}

function explained(state: Explanation['state'], text: string, more: Partial<Explanation> = {}): Explanation {
  return { state, text, rejection: undefined, nextTryInMs: undefined, ...more }
}

export function explainPoint(view: PoolView, point: Point, circumstances: Circumstances): Explanation {
  const info = view.points.get(point)
  if (info === undefined) return explainUnknown(view, point, circumstances)
  if (info.state.kind === 'running') return connected(view, ` with ${info.state.connection.peerId}`, info.state.connection)
  const obstacle = obstacleOf(view, info, circumstances)
  switch (obstacle?.kind) {
    case undefined:
      return explainReady(view, info, circumstances)
    case 'busy':
      return explained('connecting', 'a connection is being made')
    case 'not-dialable':
      return notDialable(point, circumstances)
    case 'reached':
      return explained('waiting', `its peer ${obstacle.peerId} is connected at another point`)
    case 'refused':
      return refused(obstacle.rejection, circumstances)
    case 'backoff':
      return explainBackoff(view, info, { until: obstacle.until, circumstances })
  }
}

function connected(view: PoolView, how: string, connection: RunningConnection): Explanation {
  const { peerId, point, rttMs } = connection
  const { maxTarget } = view.bounds
  const roundTrip = rttMs === null ? '' : `, round trip ${Math.ceil(rttMs.last)} ms`
  const why = view.access.isTrusted(peerId, point) ? 'it is trusted' : `up to ${maxTarget} are wanted`
  const isSurplus = chooseToPrune(view, view.active - maxTarget).includes(connection)
  return explained('connected', `connected${how}${roundTrip}; ${isSurplus ? 'among the next to be closed' : `kept, since ${why}`}`)
}

function notDialable(point: Point, { transports }: Circumstances): Explanation {
  const { transport } = readPoint(point)
  return explained(
    'not-dialable',
    transports.includes(transport)
      ? 'not dialed from here now: it is private, not encrypted, or there is no room'
      : `nothing that runs here dials ${transport} addresses`
  )
}

/** A ban or greylisting says which of the two it is, and for how long. */
function refused(rejection: Rejection, { blockOf }: Circumstances): Explanation {
  const { kind } = rejection
  const block =
    kind === 'peer-banned' ? blockOf(rejection) : kind === 'point-banned' ? blockOf({ host: hostOf(rejection.point) }) : undefined
  if (block === undefined) return explained('refused', describeRejection(rejection), { rejection })
  const who = kind === 'peer-banned' ? `peer ${rejection.peerId}` : `the host of ${'point' in rejection ? rejection.point : ''}`
  if (block.endsInMs === undefined) return explained('refused', `${who} is ${block.kind}, until that is lifted`, { rejection })
  const nextTryInMs = Math.max(0, Math.ceil(block.endsInMs))
  const rest = nextTryInMs > 120_000 ? `${Math.ceil(nextTryInMs / 60_000)} min` : seconds(nextTryInMs)
  return explained('refused', `${who} is ${block.kind} for ${rest} more${block.kind === 'banned' ? '' : ' at most'}`, {
    rejection,
    nextTryInMs
  })
}

function explainUnknown(view: PoolView, point: Point, circumstances: Circumstances): Explanation {
  const rejection = checkDial(view, point, undefined)
  if (rejection !== undefined) return refused(rejection, circumstances)
  if (!circumstances.canDial(point)) return notDialable(point, circumstances)
  const full = view.points.isGroupFull(point) ? ', since its address group is at its limit' : ''
  return explained('unknown', `not a known point: connect or register it${full}`)
}

function explainBackoff(
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
  return explained('waiting', `${then}, but ${prospect.why}${sayExploring(laterInMs)}`, { nextTryInMs: laterInMs })
}

function sayExploring(inMs: number | undefined): string {
  return inMs === undefined ? '' : `; exploring may choose it, ${soon(inMs)} at the earliest`
}

function reasonToWait(view: PoolView, info: PointInfo): string {
  const { backoffUntil, heldUntil, source, point, shortConnections, lastDisconnection, failures, lastFailure } = info
  if (info.isRelayed && view.points.get(info.hop.point)?.isSilent) return 'its relay failed'
  if (heldUntil > backoffUntil) return `the last addresses that ${source} advertised failed`
  const owner = ownerOf(info)
  const peer = view.peers.get(owner)
  const banned = hasBannedUs(peer) ? 'the peer banned us' : undefined
  if (peer !== undefined && peer.backoff.until > backoffUntil) return banned ?? `its peer ${owner} ended the last connection or refused it`
  if (view.points.hostFreeAt(point) > backoffUntil) return describeRejection({ kind: 'host-dial-limit', point })
  const failedAt = lastFailureAt(info)
  const hasEnded = failedAt === undefined || failedAt === lastDisconnection?.at
  if (hasEnded && banned !== undefined) return banned
  if (hasEnded && failedAt !== undefined && shortConnections > 0)
    return `the last ${shortConnections > 1 ? `${shortConnections} connections` : 'connection'} ended within 10 s, and not by us`
  if (hasEnded) return 'its last connection ended a moment ago'
  const failed = `${banned === undefined ? '' : `${banned}; `}${failures > 1 ? `the last ${failures} dials failed` : 'the last dial failed'}`
  return lastFailure === undefined ? failed : `${failed}: ${describeRejection(lastFailure)}`
}

/** It said so when it ended the last connection; later it just refuses dials. */
function hasBannedUs(peer: PeerInfo<unknown> | undefined): boolean {
  const { by, reason } = peer?.lastEnding ?? {}
  return by === 'them' && (reason?.kind === 'peer-banned' || reason?.kind === 'point-banned')
}

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
  const { plan, next } = foresee(view, circumstances)
  const chosen = (text: string, nextTryInMs = 0, why = text): Prospect => ({ text, why, nextTryInMs, isChosen: true })
  const choice = choiceWith(plan, info)
  if (choice !== undefined) {
    const { among, count: dialed } = choice
    const isSure = dialed >= among.length && plan.dial.includes(info.point)
    return chosen(isSure ? 'it is dialed now' : `it is one of ${count(among.length, 'point')} of which ${dialed} may be dialed now`)
  }
  const why = whyLeftOut(view, info, circumstances)
  if (next !== undefined && choiceWith(next.plan, info) !== undefined) {
    const isOutage = nextProbeAt(view, 0) !== Number.NEGATIVE_INFINITY
    const waits = isOutage ? 'nothing can be reached: points are tried one at a time' : 'a dial failed a moment ago'
    return chosen(why ?? `${waits}, the next ${soon(next.inMs)}`, next.inMs, why ?? waits)
  }
  if (why === undefined) return chosen(`it may be dialed when ${dialsEnd(view.outgoingInProgress)}`)
  const { mixAt, now } = circumstances
  const mayExplore = mixAt < Number.POSITIVE_INFINITY && view.active >= view.bounds.minTarget && !info.trusted
  const nextTryInMs = mayExplore ? Math.max(0, Math.ceil(mixAt - now)) : undefined
  return { text: `${why}${sayExploring(nextTryInMs)}`, why, nextTryInMs, isChosen: false }
}

function dialsEnd(dialing: number): string {
  return dialing === 1 ? 'the dial in progress ends' : `one of the ${dialing} dials in progress ends`
}

/** Why maintenance would not choose it even if no dial were in progress; none: it would. */
function whyLeftOut(view: PoolView, info: PointInfo, circumstances: Circumstances): string | undefined {
  const { active, bounds } = view
  const { now, awake } = circumstances
  if (info.trusted || kindsWanted(view, awake).includes(kindOf(info.transport))) return undefined
  if (bounds.aim === 0) return 'no connections are wanted: only trusted points are dialed'
  if (active >= bounds.aim) return `it would be dialed if connections fell below ${bounds.aim}; there are ${active}`
  if (active >= bounds.minTarget && shareTaken(view)(info))
    return `its host has its share of the connections: it is dialed below ${bounds.minTarget}`
  const found = isMet(info) ? undefined : findCandidates(view, circumstances)
  if (found === undefined || !untriedWait(view, found, now)) return undefined
  return `untried points wait: a peer connected before may be dialed ${soon(found.reunionAt - now)}`
}

export function explainPeer(view: PoolView, peerId: PeerId, circumstances: Circumstances): Explanation {
  const info = view.peers.get(peerId)
  if (info?.state.kind === 'running') return connected(view, `, ${info.state.connection.direction}`, info.state.connection)
  if ([...view.attempts()].some((attempt) => attempt.peerId === peerId)) return explained('connecting', 'a connection is being made')
  const rejection = peerId === view.peerId ? { kind: 'myself' as const } : checkPeer(view, peerId, undefined)
  if (rejection !== undefined) return refused(rejection, circumstances)
  const points = [...view.points].filter((point) => isOf(point, peerId))
  const best = points.map(({ point }) => ({ ...explainPoint(view, point, circumstances), point })).sort(byHope)[0]
  const refusal = circumstances.refusalOf(peerId)
  const last = refusal === undefined ? '' : `; it dialed this pool ${seconds(refusal.agoMs)} ago and was refused: ${refusal.why}`
  const reported = info === undefined || penaltyOf(info, circumstances.now) < 1 ? '' : `; recently reported as ${info.lastReport?.kind}`
  if (best !== undefined) return { ...best, text: `${best.point}: ${best.text}${last}${reported}` }
  if (view.config.privateMode && !view.access.isTrusted(peerId, undefined)) return refused({ kind: 'private-mode' }, circumstances)
  const full = sayFull(view, peerId)
  if (info === undefined) return explained('unknown', `not a known peer${last}${refusal === undefined ? '' : full}`)
  const { status } = circumstances
  if (status !== 'running' && status !== 'suspended')
    return explained('waiting', `the pool is ${status}: it takes no connections${last}${reported}`)
  const banned = hasBannedUs(info) ? '; it banned us' : ''
  return explained('waiting', `no point of it is known; waiting for it to connect to us${banned}${full}${last}${reported}`)
}

/** What keeps a peer from coming in, until another disconnects. */
function sayFull(view: PoolView, peerId: PeerId): string {
  if (roomForUntrusted(view) > 0 || view.access.isTrusted(peerId, undefined)) return ''
  return `; no slot is free: ${view.incomingSlots} came in, ${view.slotsTaken - view.incomingSlots} were dialed`
}

/** Where it was connected, is expected, or says that it is. */
function isOf(info: PointInfo, peerId: PeerId): boolean {
  return (info.expectedPeerId ?? info.claimedBy ?? info.lastEstablished?.peerId ?? info.discoveredPeerId) === peerId
}

const hopes: readonly Explanation['state'][] = ['connected', 'connecting', 'ready', 'waiting', 'refused', 'not-dialable', 'unknown']

function byHope(a: Explanation, b: Explanation): number {
  const wait = (one: Explanation): number => one.nextTryInMs ?? Number.MAX_VALUE
  return hopes.indexOf(a.state) - hopes.indexOf(b.state) || wait(a) - wait(b)
}
