/**
 * What is saved of a point and of a peer. A live record is one of these too, so that it is written as it is; of what was read
 * a record is made here, which a table takes over by its `restore`.
 */
import { groupOf } from '../values/address.ts'
import { joinEvents } from './event-ring.ts'
import { type PeerInfo, PeerRecord } from './peer-state.ts'
import type { PointInfo } from './point-info.ts'
import { keyOfGroup, PointRecord } from './point-record.ts'

/** An entry that keeps the line which was last saved of it, and forgets it at each change. */
export interface Lined {
  /** With the comma and the line break before it. */
  line?: string | undefined
}

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

/** A record of its own with what is saved of a point, for a table to take over. */
export function pointRecordOf(stored: StoredPoint): PointRecord {
  const { point, expectedPeerId, trusted, isPublic, lastFailedAt, lastRejected, lastEstablished, lastDisconnection, events } = stored
  const record = new PointRecord(point, keyOfGroup(groupOf(point)), stored)
  record.expectedPeerId = expectedPeerId
  if (trusted || isPublic || (lastFailedAt ?? lastRejected ?? lastEstablished ?? lastDisconnection) !== undefined || events.length > 0) {
    const life = record.own()
    life.trusted = trusted
    life.isPublic = isPublic
    life.lastFailedAt = lastFailedAt
    life.lastRejected = lastRejected
    life.lastEstablished = lastEstablished
    life.lastDisconnection = lastDisconnection
    life.history = joinEvents(events, [])
  }
  return record
}

/** A record of its own with what is saved of a peer, for a table to take over; its metadata is JSON as yet. */
export function peerRecordOf(stored: StoredPeer): PeerRecord {
  const { peerId, createdAt, metadata, trusted, served, connectedMs, events } = stored
  const { lastFailed, lastRejected, lastEstablished, lastDisconnection, lastReport } = stored
  const record = new PeerRecord(peerId, createdAt, metadata)
  const wasMet = (lastFailed ?? lastRejected ?? lastEstablished ?? lastDisconnection ?? lastReport) !== undefined
  if (trusted || wasMet || served > 0 || connectedMs > 0 || events.length > 0) {
    const life = record.own()
    life.trusted = trusted
    life.lastFailed = lastFailed
    life.lastRejected = lastRejected
    life.lastEstablished = lastEstablished
    life.lastDisconnection = lastDisconnection
    life.served = served
    life.connectedMs = connectedMs
    life.lastReport = lastReport
    life.history = joinEvents(events, [])
  }
  return record
}
