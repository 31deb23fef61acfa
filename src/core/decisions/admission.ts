/**
 * May this attempt go on? The checkpoints of an attempt's life as ordered lists of named refusals; the first that
 * holds is the answer. Pure: the caller acts on the answer in the same turn, so that nothing changes in between.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf, readPoint } from '../values/address.ts'
import type { Attempt } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Gate } from '../values/ports.ts'
import type { Rejection } from '../values/reason.ts'
import { chooseToPrune, surplusByKind } from './eviction.ts'

/** Step 1, outgoing: before anything is recorded or sent. `trust`: what the caller is about to set on the point, if anything. */
export function checkDial(view: PoolView, point: Point, expectedPeerId: PeerId | undefined, trust?: boolean): Rejection | undefined {
  const info = view.points.get(point)
  const trusted = trust ?? view.access.isTrusted(expectedPeerId, point)
  if (view.points.isOwn(point) || expectedPeerId === view.peerId) return { kind: 'myself' }
  if (isBlockedAt(view, point, { expectedPeerId, trusted })) return { kind: 'point-banned', point }
  if (expectedPeerId !== undefined && view.access.peerBlock(expectedPeerId) !== undefined)
    return { kind: 'peer-banned', peerId: expectedPeerId }
  if (view.config.privateMode && !trusted) return { kind: 'private-mode' }
  if (info?.state.kind === 'running' && expectedPeerId !== undefined && info.state.connection.peerId !== expectedPeerId) {
    return { kind: 'unexpected-peer-id', expected: expectedPeerId, received: info.state.connection.peerId }
  }
  if (info?.state.kind === 'running') return { kind: 'already-connected', peerId: info.state.connection.peerId }
  if (info !== undefined && info.state.kind !== 'disconnected') return { kind: 'pending', point }
  const connected = view.connection(expectedPeerId)
  if (connected !== undefined) return { kind: 'already-connected', peerId: connected.peerId }
  if (view.slotsTaken < view.band.max) return undefined
  // A trusted point, or one of a kind that is missing, takes the slot of an untrusted peer once its own peer proved to be there.
  const kind = kindOf((info ?? readPoint(point)).transport)
  const mayDisplace = trusted || surplusByKind(view)[kind] < 0
  return mayDisplace && chooseToPrune(view, 1, { arriving: kind }).length > 0 ? undefined : { kind: 'too-many-connections' }
}

/** Step 1 of a dial that the pool makes by itself: was this untried point's host dialed often enough recently? */
export function checkHostLimit(view: PoolView, point: Point, now: number): Rejection | undefined {
  return view.points.hostFreeAt(point) >= now ? { kind: 'host-dial-limit', point } : undefined
}

/** The gater's question before a dial: is the point's host kept out, for the peer that is expected there or was connected there last? */
export function isBlockedAt(
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

/** Step 2: the dial proved who is there. Nothing was sent yet to a peer that would be refused anyway. */
export function checkDialed(view: PoolView, peerId: PeerId, { host, point }: Pick<Attempt, 'host' | 'point'>): Rejection | undefined {
  if (peerId === view.peerId) return { kind: 'myself' }
  const refusal = checkPeer(view, peerId, host)
  if (refusal !== undefined) return refusal
  if (view.config.privateMode && !view.access.isTrusted(peerId, point)) return { kind: 'private-mode' }
  return view.connection(peerId) === undefined ? undefined : { kind: 'already-connected', peerId }
}

/**
 * Private mode: is this peer, which proved its id, refused before anything is sent? One that is trusted by id gets in from anywhere.
 * Trusted points without an id admit more: on a dial of ours, any peer that answers there; from the same host, the peer that was connected
 * there last, or until there was one, any peer that names the point in its Hello.
 */
export function isShutOut(view: PoolView, peerId: PeerId, { host, direction }: Pick<Attempt, 'host' | 'direction'>): boolean {
  if (!view.config.privateMode || view.access.isTrusted(peerId, undefined)) return false
  if (direction === 'incoming') return host === undefined || !view.points.isTrustedAt(host, peerId)
  return ![...view.points.trusted].some((info) => info.expectedPeerId === undefined && (info.host === host || isDialedByName(info)))
}

/** A name is looked up on the way, so the connection may have an address that we did not see before. */
function isDialedByName({ point, state }: PointInfo): boolean {
  return state.kind === 'requested' && point.startsWith('/dns')
}

/** The gater's question too, once the id is proved: is this peer, or the host where it is, kept out? */
export function checkPeer(view: PoolView, peerId: PeerId, host: Host | undefined): Rejection | undefined {
  if (view.access.peerBlock(peerId) !== undefined || view.access.hostBlock(host, view.access.passesGreylist(peerId)) !== undefined)
    return { kind: 'peer-banned', peerId }
  return undefined
}

/** `pool.gate`: what an adapter asks before the pool knows of a connection. Each answer is of the moment in which it is asked for. */
export function gateOf(view: PoolView): Gate {
  return {
    deniesIncoming: (host) => view.access.hostBlock(host, true) !== undefined,
    deniesDial: (point, expectedPeerId) => isBlockedAt(view, point, { expectedPeerId }),
    deniesPeer: (peerId, host, direction) =>
      checkPeer(view, peerId, host) !== undefined || (direction !== undefined && isShutOut(view, peerId, { host, direction })),
    isUnknown: (peerId) => !view.access.passesGreylist(peerId),
    isTrusted: (peerId) => view.access.isTrusted(peerId, undefined)
  }
}
