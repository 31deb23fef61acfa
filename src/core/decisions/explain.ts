/**
 * Why a point or peer is not connected, when it will be tried next, and what maintenance does and why; for people. Pure: it
 * asks the same functions that decide.
 */
import { lastMissAt, type PointInfo } from '../tables/point-info.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf, transportOf } from '../values/address.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { describeRejection, type Rejection } from '../values/reason.ts'
import type { PoolLife } from '../values/snapshot.ts'
import { checkDial, checkPeer } from './admission.ts'
import { type CandidateOptions, findCandidates, isMet, obstacleOf, ownerOf, strangersWait } from './candidates.ts'
import { maxIncomingConnections } from './eviction.ts'
import { goalOf, kindsWanted, nextProbeAt } from './plan.ts'
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

/** What maintenance does now. */
export interface BandExplanation {
  /**
   * `content`: enough are connected; `filling`: it dials; `searching`: it has too few points to dial and asks for more;
   * `probing`: nothing can be reached, so it tries one at a time; `trimming`: too many are connected. `suspended`, `stopped`: the
   * pool is; a suspended one may keep a smaller band.
   */
  readonly step: 'filling' | 'content' | 'trimming' | 'searching' | 'probing' | 'suspended' | 'stopped'
  /** One sentence. */
  readonly text: string
  readonly active: number
  readonly band: ConnectionBand
  readonly bounds: MaintenanceBounds
  /** Peers that came in, handshakes that passed our checks included, and how many places there are for them: the rest is for our own dials. */
  readonly incoming: number
  readonly incomingPlaces: number
  /** Dials and handshakes of ours in progress. */
  readonly dialing: number
  /** Points that could be dialed now. */
  readonly candidates: number
  /** Points that must wait: they failed, their connection ended lately, or what their source told of came to nothing. */
  readonly waiting: number
  /** It looks again by itself then, ms from now; none: only when something happens. */
  readonly nextLookInMs: number | undefined
}

/** How the pool lives, and what its network can. */
export interface Circumstances extends CandidateOptions {
  readonly life: PoolLife
  /** Are so many points of its address group known that a stranger's word adds no more? */
  readonly isGroupFull: (point: Point) => boolean
  /** Does maintenance run? */
  readonly keepsBand: boolean
  /** Monotonic instant; none: nothing is waited for. */
  readonly lookAt: number | undefined
}

const explained = (state: Explanation['state'], text: string, more: Partial<Explanation> = {}): Explanation => ({
  state,
  text,
  rejection: undefined,
  nextTryInMs: undefined,
  ...more
})

const refused = (rejection: Rejection): Explanation => explained('refused', describeRejection(rejection), { rejection })

export function explainPoint(view: PoolView, point: Point, circumstances: Circumstances): Explanation {
  const info = view.point(point)
  if (info === undefined) return explainStranger(view, point, circumstances)
  if (info.state.kind === 'running') return explained('connected', `connected with ${info.state.connection.peerId}`)
  const obstacle = obstacleOf(view, info, circumstances)
  switch (obstacle?.kind) {
    case undefined:
      return explainReady(view, info, circumstances)
    case 'busy':
      return explained('connecting', 'a connection is being made')
    case 'not-dialable':
      return notDialable
    case 'reached':
      return explained('waiting', `its peer ${obstacle.peerId} is connected by another way`)
    case 'refused':
      return refused(obstacle.rejection)
    case 'barred':
      return explainBarred(view, info, Math.ceil(obstacle.until - circumstances.now))
  }
}

const notDialable = explained('not-dialable', 'nothing that runs here can dial it now')

function explainStranger(view: PoolView, point: Point, { canDial, isGroupFull }: Circumstances): Explanation {
  const rejection = checkDial(view, point, undefined)
  if (rejection !== undefined) return refused(rejection)
  if (!canDial(point)) return notDialable
  const full = isGroupFull(point) ? ', since no more of its address group are taken from others' : ''
  return explained('unknown', `not a known point: connect or register it${full}`)
}

function explainBarred(view: PoolView, info: PointInfo, nextTryInMs: number): Explanation {
  return explained('waiting', `${reasonToWait(view, info)}; it may be tried again in ${seconds(nextTryInMs)}`, { nextTryInMs })
}

function reasonToWait(view: PoolView, info: PointInfo): string {
  if (info.heldUntil > info.barredUntil) return `the last addresses that ${info.source} advertised failed`
  const owner = ownerOf(info)
  const backoff = owner === undefined ? undefined : view.peer(owner)?.backoff
  if (backoff !== undefined && backoff.until > info.barredUntil) return `its peer ${owner} ended the last connection or refused it`
  if (view.hostFreeAt(info.point) > info.barredUntil) return describeRejection({ kind: 'host-dial-limit', point: info.point })
  const missedAt = lastMissAt(info)
  if (info.shortConnections > 0 && missedAt === info.lastDisconnection?.at)
    return info.shortConnections > 1
      ? `the peer ended the last ${info.shortConnections} connections within 10 s`
      : 'the peer ended the last connection within 10 s'
  if (missedAt === undefined || missedAt === info.lastDisconnection?.at) return 'its last connection ended a moment ago'
  const failed = info.failures > 1 ? `the last ${info.failures} dials failed` : 'the last dial failed'
  return info.lastFailure === undefined ? failed : `${failed}: ${describeRejection(info.lastFailure)}`
}

/** Nothing speaks against it. */
function explainReady(view: PoolView, info: PointInfo, circumstances: Circumstances): Explanation {
  const { active, bounds } = view
  const { life, keepsBand, now } = circumstances
  if (!keepsBand) return explained('ready', `the pool is ${life}: it dials nobody by itself`)
  const isWanted = info.trusted || kindsWanted(view, life !== 'suspended').includes(kindOf(transportOf(info.point)))
  if (active >= bounds.aim && !isWanted)
    return explained('ready', `it would be dialed if connections fell below ${bounds.aim}; there are ${active}`)
  if (active >= bounds.minTarget && !isWanted && shareTaken(view)(info))
    return explained('ready', 'as many peers at its host are connected as one host may have: others are dialed first')
  const found = isMet(info) || isWanted ? undefined : findCandidates(view, circumstances)
  if (found !== undefined && strangersWait(view, found, now))
    return explained(
      'ready',
      `untried points wait: a peer that was connected before may be dialed in ${seconds(Math.max(0, found.reunionAt - now))}`
    )
  // More candidates make an outage less likely: they are counted only where it may be one.
  const mayBeOutage = nextProbeAt(view, 0) !== Number.NEGATIVE_INFINITY
  const probeAt = nextProbeAt(view, mayBeOutage ? findCandidates(view, circumstances).candidates.length : 0)
  if (probeAt === Number.NEGATIVE_INFINITY) return explained('ready', 'it will be dialed as soon as a dial is free', { nextTryInMs: 0 })
  const nextTryInMs = Math.max(0, Math.ceil(probeAt - now))
  return explained('ready', `nothing can be reached: points are tried one at a time, the next in ${seconds(nextTryInMs)}`, { nextTryInMs })
}

export function explainPeer(view: PoolView, peerId: PeerId, circumstances: Circumstances): Explanation {
  const info = view.peer(peerId)
  if (info?.state.kind === 'running') return explained('connected', `connected, ${info.state.connection.direction}`)
  if (info?.state.kind === 'accepted') return explained('connecting', 'a connection is being made')
  const rejection = peerId === view.peerId ? { kind: 'myself' as const } : checkPeer(view, peerId, undefined)
  if (rejection !== undefined) return refused(rejection)
  const points = [...view.points()].filter((point) => isOf(point, peerId))
  const best = points.map((point) => ({ ...explainPoint(view, point.point, circumstances), point: point.point })).sort(byHope)[0]
  if (best === undefined && info === undefined) return explained('unknown', 'not a known peer')
  const marked = info === undefined || penaltyOf(info, circumstances.now) < 1 ? '' : `; reported as ${info.lastReport?.kind} of late`
  if (best !== undefined) return { ...best, text: `${best.point}: ${best.text}${marked}` }
  if (view.config.privateMode && !view.isTrusted(peerId, undefined)) return refused({ kind: 'private-mode' })
  const places = maxIncomingConnections(view.band)
  const full = view.incomingSlots >= places && !view.isTrusted(peerId, undefined)
  const house = full ? `, and the ${places} places for peers that come in are taken` : ''
  return explained('waiting', `no point of it is known: it must come by itself${house}${marked}`)
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

export function explainBand(view: PoolView, circumstances: Circumstances): BandExplanation {
  const { active, band, bounds, outgoingInProgress: dialing } = view
  const { now, lookAt, keepsBand } = circumstances
  const candidates = findCandidates(view, circumstances).candidates.length
  const nextLookInMs = keepsBand && lookAt !== undefined ? Math.max(0, Math.ceil(lookAt - now)) : undefined
  const [step, text] = stepOf(view, circumstances, { candidates, nextLookInMs })
  const places = { incoming: view.incomingSlots, incomingPlaces: maxIncomingConnections(band) }
  return { step, text, active, band, bounds, ...places, dialing, candidates, waiting: countWaiting(view, circumstances), nextLookInMs }
}

function countWaiting(view: PoolView, circumstances: Circumstances): number {
  let waiting = 0
  for (const info of view.points()) if (obstacleOf(view, info, circumstances)?.kind === 'barred') waiting++
  return waiting
}

function stepOf(
  view: PoolView,
  { life, keepsBand }: Circumstances,
  { candidates, nextLookInMs }: { candidates: number; nextLookInMs: number | undefined }
): [BandExplanation['step'], string] {
  const { active, bounds, outgoingInProgress: dialing, config } = view
  const have = count(active, 'connection')
  if (life !== 'running' && life !== 'suspended') return ['stopped', `the pool is ${life}: it keeps no connections`]
  if (!keepsBand) return ['suspended', `the pool is suspended: ${have}, and it makes no more`]
  const { aim, maxTarget, maxThreshold } = bounds
  const sleepy = life === 'suspended' ? ', few while the pool is suspended' : ''
  const next = nextLookInMs === undefined ? '' : `; the next look is in ${seconds(nextLookInMs)}`
  if (active > maxThreshold) return ['trimming', `${have}, more than ${maxThreshold}: it closes ${active - maxTarget}`]
  if (active > maxTarget) return ['trimming', `${have}, more than ${maxTarget}: it closes one after the other`]
  if (active >= aim) {
    const range = `${aim} to ${maxTarget} are right${sleepy}`
    const missing = kindsWanted(view, life !== 'suspended')
    const does = missing.length === 0 ? 'nothing to do' : `but it needs a ${missing.join(' and a ')}, which it looks for`
    return [life === 'suspended' ? 'suspended' : 'content', `${have}: ${range}, ${does}`]
  }
  const goal = goalOf(view)
  const wants = `${have}, ${goal} wanted${sleepy}`
  if (nextProbeAt(view, candidates) !== Number.NEGATIVE_INFINITY)
    return ['probing', `nothing can be reached, so it may be our own network: one point is tried at a time${next}`]
  const points = `${count(candidates, config.privateMode ? 'trusted point' : 'point')} to try`
  const does = `${wants}: ${count(dialing, 'dial')} in progress, ${points}`
  if (dialing + candidates >= goal - active) return ['filling', does]
  return [
    'searching',
    `${does}, ${!config.discovery || active === 0 ? 'and nobody to ask for more' : 'so it asks its peers for more'}${next}`
  ]
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s`
}
