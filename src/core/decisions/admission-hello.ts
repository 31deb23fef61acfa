/**
 * May this attempt go on now that their Hello came? Pure, as `admission.ts`, of which this is the second half: a page loads it after its
 * first dial has begun.
 */
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Host, ParsedPoint, PeerId } from '../values/ids.ts'
import type { HelloMessage } from '../values/message.ts'
import type { Rejection } from '../values/reason.ts'
import { checkPeer } from './admission.ts'
import { chooseToLeave, maxIncomingConnections } from './eviction.ts'
import { keptPlaces, type Surplus, surplusByKind } from './kinds.ts'
import { chooseRival, judgeShare, shareOf, strangersOf } from './shares.ts'

/** The version of the pool protocol that this code speaks. */
export const protocolVersions: readonly number[] = [1]

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
