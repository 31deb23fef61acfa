/**
 * What is saved of a point and of a peer. A live record is one of these too, so that it is written as it is; what was read
 * is given to `restore` of the tables.
 */
import type { PeerInfo } from './peer-state.ts'
import type { PointInfo } from './point-info.ts'

/** What is saved of a point. */
export type StoredPoint = Pick<
  PointInfo,
  | 'point'
  | 'source'
  | 'medium'
  | 'discoveredAt'
  | 'trusted'
  | 'isPublic'
  | 'expectedPeerId'
  | 'lastFailedAt'
  | 'lastRejected'
  | 'lastEstablished'
  | 'lastDisconnection'
  | 'events'
>

/** What is saved of a peer; as read from the storage, `metadata` is the application's JSON value. */
export type StoredPeer<PeerMeta = unknown> = Pick<
  PeerInfo<PeerMeta>,
  | 'peerId'
  | 'createdAt'
  | 'trusted'
  | 'metadata'
  | 'lastFailed'
  | 'lastRejected'
  | 'lastEstablished'
  | 'lastDisconnection'
  | 'served'
  | 'connectedMs'
  | 'lastReport'
  | 'events'
>
