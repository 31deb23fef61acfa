/**
 * Gives a record what was saved of it and it does not know better; not the trust, which its table counts. Used by `saved-state.ts`,
 * which hands these to the tables: a page loads them with it.
 */
import { targetOf } from '../values/address.ts'
import type { PeerLife, PeerRecord } from './peer-state.ts'
import type { Findings, PointRecord } from './point-record.ts'
import { joinFields, peerFields, pointFields, type SavedPeer, type SavedPoint } from './saved-fields.ts'

export function joinPoint(known: PointRecord, saved: SavedPoint): void {
  const joined = joinFields(pointFields, { known, saved })
  const { point, source, medium, discoveredAt, trusted, registered, expectedPeerId, isPublic, events, ...rest } = joined
  if (expectedPeerId !== undefined && expectedPeerId !== targetOf(point)) known.fromOperator().expectedPeerId = expectedPeerId
  if (registered) known.fromOperator().registered = true
  if (isPublic) known.fromClaims().isPublic = true
  const life: Pick<Findings, keyof typeof rest> = rest
  Object.assign(known.fromProof(), life, { history: events.length > 0 ? events : undefined })
}

export function joinPeer(known: PeerRecord, saved: SavedPeer): void {
  const { peerId, createdAt, trusted, metadata, events, ...rest } = joinFields(peerFields, { known, saved })
  const life: Pick<PeerLife, keyof typeof rest> = rest
  Object.assign(known.own(), life, { history: events.length > 0 ? events : undefined })
}
