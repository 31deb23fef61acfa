/**
 * May this attempt go on? The checkpoints of an attempt's life as ordered lists of named refusals; the first that
 * holds is the answer. Pure: the caller acts on the answer in the same turn, so that nothing changes in between.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf, readPoint } from '../values/address.ts'
import type { Attempt } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { chooseToLeave } from './eviction.ts'
import { surplusByKind } from './kinds.ts'

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
