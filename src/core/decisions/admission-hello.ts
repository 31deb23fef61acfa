/**
 * May this attempt go on now that their Hello came? Pure, as `admission.ts`, of which this is the second half: a page loads it after its
 * first dial has begun.
 */
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Host, ParsedPoint, PeerId } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import type { HelloMessage } from '../wire/schema.ts'
import { checkPeer, isShutOut } from './admission.ts'
import { chooseToPrune, ownChoiceShare, type Surplus, surplusByKind } from './eviction.ts'
import { shareOf, type UntrustedHolder, untrustedHolders } from './group-shares.ts'
import { chooseRival, type Fairness, judgeShare, sharedFrom } from './rivals.ts'

/** The version of the pool protocol that this code speaks. */
export const protocolVersions: readonly number[] = [1]

/** What `checkHello` allows, and at whose cost. */
export interface Admission {
  readonly kind: 'admit'
  /** Another attempt of the same peer that must give way; no fault of the peer. */
  readonly displaces: Attempt | undefined
  /** A connection of the same peer that the peer has lost. */
  readonly replaces: RunningConnection | undefined
  /** An untrusted peer's connection that makes room: for a trusted peer, or for an untrusted one of a smaller address group. */
  readonly evicts: RunningConnection | undefined
}

/** Step 4: their Hello came. All of step 1 again, since time went by, then what only the Hello says. */
export function checkHello(
  view: PoolView,
  attempt: Attempt,
  theirs: {
    peerId: PeerId
    hello: HelloMessage
    points: readonly ParsedPoint[]
    instance: string
    isInvited?: boolean | undefined
    now: number
  }
): Rejection | Admission {
  const { peerId, hello } = theirs
  const { config } = view
  if (peerId === view.peerId) return { kind: 'myself' }
  if (attempt.expectedPeerId !== undefined && attempt.expectedPeerId !== peerId) {
    return { kind: 'unexpected-peer-id', expected: attempt.expectedPeerId, received: peerId }
  }
  const refusal = checkPeer(view, peerId, attempt.host)
  if (refusal !== undefined) return refusal
  const trusted =
    view.access.isTrusted(peerId, attempt.point) ||
    theirs.points.some((named) => isTrustedPlace(view, named, { peerId, host: attempt.host }))
  // Before all refusals that are sent with our own Hello.
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
  // As a peer that we dial: any free slot is for it.
  return attempt.hasSlot || (theirs.isInvited === true && view.slotsTaken < view.band.max)
    ? twin
    : findSlot(view, { peerId, host: attempt.host, kind: kindOf(attempt.transport), trusted }, twin)
}

/** After a wait between `checkHello` and the connection: a ban may have come, the end of trust, or a narrower band. */
export function checkAgain(view: PoolView, attempt: Attempt, peerId: PeerId): Rejection | undefined {
  const trusted = view.access.isTrusted(peerId, attempt.point)
  const refusal = checkPeer(view, peerId, attempt.host)
  if (refusal !== undefined || trusted) return refusal
  if (isShutOut(view, peerId, attempt)) return { kind: 'private-mode' }
  return view.slotsTaken > view.band.max ? { kind: 'too-many-connections' } : undefined
}

/**
 * Does the peer come from a trusted point, as in Octez: from its address, naming the port that it listens on? Not if we see it at
 * another host or it is not the relay's target, since then anybody could say so; nor if another peer is expected there, or was
 * connected there last.
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

/** A peer that wants to come in. */
export interface Newcomer {
  readonly peerId: PeerId
  readonly host: Host | undefined
  readonly kind: PeerKind
  readonly trusted: boolean
}

const noTwin: Admission = { kind: 'admit', displaces: undefined, replaces: undefined, evicts: undefined }

/**
 * Untrusted incoming peers may not use the slots that are reserved for our own dials. Above `maxTarget` they get a Nack with
 * alternatives, because maintenance would prune a connection anyway. No address group has more than its share. A trusted peer takes any
 * slot, in place of an untrusted one if need be; so does a peer of a kind that is below its minimum, and slots are kept for such.
 *
 * Introductions ask it before a WebRTC connection is made.
 */
export function findSlot(view: PoolView, { peerId, host, kind, trusted }: Newcomer, twin: Admission = noTwin): Rejection | Admission {
  const { band } = view
  const freed = twin.replaces !== undefined || twin.displaces?.hasSlot === true ? 1 : 0
  const isFull = freed === 0 && view.slotsTaken >= band.max
  const noSlot: Rejection = { kind: 'too-many-connections' }
  const surplus = surplusByKind(view, twin.replaces)
  if (trusted || surplus[kind] < 0) {
    const [evicts] = isFull ? chooseToPrune(view, 1, { arriving: kind }) : []
    return isFull && evicts === undefined ? noSlot : { ...twin, evicts }
  }
  const isCrowded = roomForUntrusted(view, surplus) + freed <= 0
  // It takes the slot that it had.
  if (freed > 0) return isCrowded ? noSlot : twin
  const isFew = view.incomingSlots < sharedFrom(band.max)
  const isOpen = !isFull && !isCrowded
  // A walk over a thousand peers costs a server more than the rest of a handshake.
  if (isFew && isOpen) return twin
  const holders = untrustedHolders(view, kind)
  const newcomer = shareOf({ host, peerId })
  const verdict: Fairness<UntrustedHolder> = isFew ? { kind: 'take', evicts: undefined } : judgeShare(holders, newcomer)
  if (verdict.kind === 'refuse') return noSlot
  const rival = verdict.evicts ?? (isOpen ? undefined : chooseRival(holders, newcomer))
  if (rival === undefined) return isOpen ? twin : noSlot
  return { ...twin, evicts: rival.connection }
}

/** How many more untrusted incoming peers find a free slot: none above maxTarget, and slots are kept for kinds below their minimum. */
export function roomForUntrusted(view: PoolView, surplus: Surplus = surplusByKind(view)): number {
  const { band, bounds, slotsTaken, incomingSlots } = view
  const slots = Math.min(bounds.maxTarget, band.max - keptSlots(surplus))
  return Math.min(slots - slotsTaken, maxIncomingConnections(band) - incomingSlots)
}

/** Incoming connections of untrusted peers stop here; what is left is for our own dials and for trusted peers. */
function maxIncomingConnections({ max }: PoolView['band']): number {
  return max - Math.floor(max / ownChoiceShare)
}

/** Slots that are kept for kinds below their minimum. */
export function keptSlots({ server, page }: Surplus): number {
  return Math.max(0, -server) + Math.max(0, -page)
}

/**
 * The same peer twice: both ends dialed each other, or a peer came back before we noticed that it had gone.
 *
 * If both ends dialed, both keep the dial of the smaller peer id. A dialer asks here with the listener's Ack in hand, so its own
 * earlier dial to that peer, if it still seems to run, is lost at the other end. A listener takes any Hello but one of the run of the
 * peer that it is already connected or connecting to. A Hello of another run, and any Hello once the connection is older than a
 * handshake can be, come from a peer that has lost the old connection.
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
      return noTwin
    case 'accepted': {
      const wins = attempt.direction === 'outgoing' ? ourDialWins : state.attempt.instance !== instance
      return wins ? { ...noTwin, displaces: state.attempt } : refusal
    }
    case 'running': {
      const old = state.connection
      const lost = old.instance !== instance || now - old.startedAt > view.config.connectionTimeoutMs
      const redialed = attempt.direction === 'outgoing' && old.direction === 'outgoing'
      return lost || redialed || ourDialWins ? { ...noTwin, replaces: old } : refusal
    }
  }
}
