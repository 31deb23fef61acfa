/**
 * May this attempt go on? The checkpoints of an attempt's life as ordered lists of named refusals; the first that
 * holds is the answer. Pure: the caller acts on the answer in the same turn, so that nothing changes in between.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf, readPoint } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import type { HelloMessage } from '../values/message.ts'
import type { Rejection } from '../values/reason.ts'
import { chooseToLeave, maxIncomingConnections } from './eviction.ts'
import { keptPlaces, type Surplus, surplusByKind } from './kinds.ts'
import { chooseRival, judgeShare, shareOf, strangersOf } from './shares.ts'

/** The version of the pool protocol that this code speaks. */
export const protocolVersions: readonly number[] = [1]

/** Step 1, outgoing: before anything is recorded or sent. `trust`: what the caller is about to set on the point, if anything. */
export function checkDial(view: PoolView, point: Point, expectedPeerId: PeerId | undefined, trust?: boolean): Rejection | undefined {
  const info = view.points.get(point)
  const trusted = trust ?? view.access.isTrusted(expectedPeerId, point)
  if (view.points.isOwn(point) || expectedPeerId === view.peerId) return { kind: 'myself' }
  if (isBarredAt(view, point, { expectedPeerId, trusted })) return { kind: 'point-banned', point }
  if (expectedPeerId !== undefined && view.access.peerBlock(expectedPeerId) !== undefined)
    return { kind: 'peer-banned', peerId: expectedPeerId }
  if (view.config.privateMode && !trusted) return { kind: 'private-mode' }
  if (info?.state.kind === 'running' && expectedPeerId !== undefined && info.state.connection.peerId !== expectedPeerId) {
    return { kind: 'unexpected-peer-id', expected: expectedPeerId, received: info.state.connection.peerId }
  }
  if (info?.state.kind === 'running') return { kind: 'already-connected', peerId: info.state.connection.peerId }
  if (info !== undefined && info.state.kind !== 'disconnected') return { kind: 'pending', point }
  if (expectedPeerId !== undefined && view.connection(expectedPeerId) !== undefined)
    return { kind: 'already-connected', peerId: expectedPeerId }
  if (view.slotsTaken < view.band.max) return undefined
  // A trusted point, or one of a kind that is missing, takes the place of a stranger once it has proved to be there.
  const kind = kindOf((info ?? readPoint(point)).transport)
  const mayDisplace = trusted || surplusByKind(view)[kind] < 0
  return mayDisplace && chooseToLeave(view, 1, { arriving: kind }).length > 0 ? undefined : { kind: 'too-many-connections' }
}

/** Step 1 of a dial that nobody asked for by hand: was this untried point's host dialed often enough lately? */
export function checkHostLimit(view: PoolView, point: Point, now: number): Rejection | undefined {
  return view.points.hostFreeAt(point) >= now ? { kind: 'host-dial-limit', point } : undefined
}

/** The gater's question before a dial: is the point's host kept out, for the peer that is expected or was last met there? */
export function isBarredAt(
  view: PoolView,
  point: Point,
  {
    expectedPeerId,
    trusted = view.access.isTrusted(expectedPeerId, point)
  }: { expectedPeerId: PeerId | undefined; trusted?: boolean | undefined }
): boolean {
  const info = view.points.get(point)
  const peerId = expectedPeerId ?? info?.lastEstablished?.peerId
  return (
    view.access.hostBlock((info ?? readPoint(point)).host, trusted || (peerId !== undefined && view.access.passesGreylist(peerId))) !==
    undefined
  )
}

/** Step 2: the dial proved who is there. Before a word is said to somebody with whom nothing can come of it. */
export function checkDialed(view: PoolView, peerId: PeerId, { host, point }: Pick<Attempt, 'host' | 'point'>): Rejection | undefined {
  if (peerId === view.peerId) return { kind: 'myself' }
  const barred = checkPeer(view, peerId, host)
  if (barred !== undefined) return barred
  if (view.config.privateMode && !view.access.isTrusted(peerId, point)) return { kind: 'private-mode' }
  return view.connection(peerId) === undefined ? undefined : { kind: 'already-connected', peerId }
}

/**
 * Private mode: is not a word said to this peer, which proved its id? One that is trusted by id gets in from anywhere. Trusted points
 * without an id admit more: on a dial of ours, any peer that answers there; from the same host, the peer that was met there last, or until
 * then anybody, who must name the point in its Hello.
 */
export function isShutOut(view: PoolView, peerId: PeerId, { host, direction }: Pick<Attempt, 'host' | 'direction'>): boolean {
  if (!view.config.privateMode || view.access.isTrusted(peerId, undefined)) return false
  if (direction === 'incoming') return host === undefined || !view.points.isTrustedAt(host, peerId)
  return ![...view.points].some((info) => info.trusted && info.expectedPeerId === undefined && (info.host === host || isDialedByName(info)))
}

/** What a name stands for is found out on the way: the connection may have another address. */
function isDialedByName({ point, state }: PointInfo): boolean {
  return state.kind === 'requested' && point.startsWith('/dns')
}

/** The gater's question too, once the id is proved: is this peer, or the host where it is, kept out? */
export function checkPeer(view: PoolView, peerId: PeerId, host: Host | undefined): Rejection | undefined {
  if (view.access.peerBlock(peerId) !== undefined || view.access.hostBlock(host, view.access.passesGreylist(peerId)) !== undefined)
    return { kind: 'peer-banned', peerId }
  return undefined
}

/** What `checkHello` allows, and at whose cost. */
export interface Admission {
  readonly kind: 'admit'
  /** Another attempt of the same peer that must give way, with nobody to blame. */
  readonly displaces: Attempt | undefined
  /** A connection of the same peer that its other end has lost. */
  readonly replaces: RunningConnection | undefined
  /** A stranger's connection that makes room: for a trusted peer, or for a stranger of a smaller address group. */
  readonly evicts: RunningConnection | undefined
}

/** Step 4: their Hello came. All of step 1 again, since time went by, then what only the Hello can tell. */
export function checkHello(
  view: PoolView,
  attempt: Attempt,
  theirs: { peerId: PeerId; hello: HelloMessage; points: readonly ParsedPoint[]; instance: string; now: number }
): Rejection | Admission {
  const { peerId, hello } = theirs
  const { config } = view
  if (peerId === view.peerId) return { kind: 'myself' }
  if (attempt.expectedPeerId !== undefined && attempt.expectedPeerId !== peerId) {
    return { kind: 'unexpected-peer-id', expected: attempt.expectedPeerId, received: peerId }
  }
  const barred = checkPeer(view, peerId, attempt.host)
  if (barred !== undefined) return barred
  const trusted =
    view.access.isTrusted(peerId, attempt.point) ||
    theirs.points.some((named) => isTrustedPlace(view, named, { peerId, host: attempt.host }))
  // Before all that is answered with our own Hello.
  if (config.privateMode && !trusted) return { kind: 'private-mode' }
  if (hello.network !== config.network) return { kind: 'unknown-network', expected: config.network, received: hello.network }
  if (!hello.protocolVersions.some((version) => protocolVersions.includes(version))) {
    return { kind: 'no-common-version', of: 'protocol', received: hello.protocolVersions }
  }
  if (!hello.applicationVersions.some((version) => config.applicationVersions.includes(version))) {
    return { kind: 'no-common-version', of: 'application', received: hello.applicationVersions }
  }
  const twin = resolveTwin(view, attempt, theirs)
  if (twin.kind !== 'admit') return twin
  return attempt.hasSlot ? twin : findSlot(view, twin, { peerId, host: attempt.host, kind: kindOf(attempt.transport), trusted })
}

/**
 * Does the peer come from a trusted point, as the original has it: from its address, naming the port that it listens on? Only where
 * nobody far away can say so, who is seen at another host or is not the relay's target; and if nobody else is expected there, or was
 * there the last time.
 */
function isTrustedPlace(
  view: PoolView,
  { point, expectedPeerId }: ParsedPoint,
  { peerId, host }: { peerId: PeerId; host: Host | undefined }
): boolean {
  const info = view.points.get(point)
  const belongs = info?.expectedPeerId ?? info?.lastEstablished?.peerId ?? peerId
  if (info?.trusted !== true || belongs !== peerId || (expectedPeerId ?? peerId) !== peerId) return false
  const { state } = info
  const there = state.kind === 'accepted' ? state.peerId : state.kind === 'running' ? state.connection.peerId : peerId
  return there === peerId && (info.isRelayed ? expectedPeerId === peerId : host !== undefined && info.host === host)
}

/**
 * Strangers who come in leave some places to our own dials, and above maxTarget are told of others rather than taken: maintenance
 * would only leave somebody for them. No address group has more than its share. A trusted peer takes any place, at the cost of a
 * stranger if need be; so does one of a kind that is below its minimum, and places are kept for such.
 */
function findSlot(
  view: PoolView,
  twin: Admission,
  { peerId, host, kind, trusted }: { peerId: PeerId; host: Host | undefined; kind: PeerKind; trusted: boolean }
): Rejection | Admission {
  const { band } = view
  const freed = twin.replaces !== undefined || twin.displaces?.hasSlot === true ? 1 : 0
  const isFull = freed === 0 && view.slotsTaken >= band.max
  const noSlot: Rejection = { kind: 'too-many-connections' }
  const surplus = surplusByKind(view, twin.replaces)
  if (trusted || surplus[kind] < 0) {
    const [evicts] = isFull ? chooseToLeave(view, 1, { arriving: kind }) : []
    return isFull && evicts === undefined ? noSlot : { ...twin, evicts }
  }
  const isCrowded = roomForStrangers(view, surplus) + freed <= 0
  // It takes the place that it had.
  if (freed > 0) return isCrowded ? noSlot : twin
  const strangers = strangersOf(view, kind)
  const newcomer = shareOf({ host, peerId })
  const cameIn = strangers.filter(({ direction }) => direction === 'incoming').length
  const verdict = judgeShare(strangers, newcomer, { cameIn, places: band.max })
  if (verdict.kind === 'refuse') return noSlot
  const rival = verdict.evicts ?? (isFull || isCrowded ? chooseRival(strangers, newcomer) : undefined)
  if (rival === undefined) return isFull || isCrowded ? noSlot : twin
  return { ...twin, evicts: rival.connection }
}

/** How many more strangers who come in find a free place; above maxTarget none does, and places are kept for kinds below their minimum. */
export function roomForStrangers(view: PoolView, surplus: Surplus = surplusByKind(view)): number {
  const { band, bounds, slotsTaken, incomingSlots } = view
  const places = Math.min(bounds.maxTarget, band.max - keptPlaces(surplus))
  return Math.min(places - slotsTaken, maxIncomingConnections(band) - incomingSlots)
}

/**
 * The same peer twice: two ends that dialed each other, or a peer that came back before we noticed that it had gone.
 *
 * If both ends dialed, both keep the dial of the smaller peer id. A dialer asks with the listener's Ack in hand, so its own
 * earlier dial to that peer, if it still seems to run, is lost at the other end. A listener takes any Hello but one of a
 * run of the peer that it is already connected or connecting to. Another run of the peer, and any Hello once the
 * connection is older than a handshake can be, come from a peer that has lost the old connection.
 */
function resolveTwin(
  view: PoolView,
  attempt: Attempt,
  { peerId, instance, now }: { peerId: PeerId; instance: string; now: number }
): Rejection | Admission {
  const state = view.peers.get(peerId)?.state ?? { kind: 'disconnected' }
  const refusal: Rejection = { kind: 'already-connected', peerId }
  const ourDialWins = attempt.direction === 'outgoing' && view.peerId < peerId
  switch (state.kind) {
    case 'disconnected':
      return { kind: 'admit', displaces: undefined, replaces: undefined, evicts: undefined }
    case 'accepted': {
      const wins = attempt.direction === 'outgoing' ? ourDialWins : state.attempt.instance !== instance
      return wins ? { kind: 'admit', displaces: state.attempt, replaces: undefined, evicts: undefined } : refusal
    }
    case 'running': {
      const old = state.connection
      const lost = old.instance !== instance || now - old.startedAt > view.config.connectionTimeoutMs
      const redialed = attempt.direction === 'outgoing' && old.direction === 'outgoing'
      return lost || redialed || ourDialWins ? { kind: 'admit', displaces: undefined, replaces: old, evicts: undefined } : refusal
    }
  }
}
