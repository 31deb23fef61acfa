/**
 * One immutable view of a whole pool, plain JSON, for pages and people. `pool.snapshot()` gives the same object until
 * something changed. Counters of bytes move without a change; ask again.
 */
import type { ConnectionKind, Direction } from './attempt.ts'
import type { ConnectionBand, MaintenanceBounds } from './bounds.ts'
import type { Host, PeerId, Point } from './ids.ts'
import type { LinkBudget, StorageFailure, Transport } from './ports.ts'
import type { ReportKind } from './reason.ts'

export type PoolStatus = 'created' | 'starting' | 'running' | 'suspended' | 'stopped' | 'destroyed'

/** A running connection as plain JSON: `connection.info`. */
export interface ConnectionInfo {
  readonly peerId: PeerId
  readonly kind: ConnectionKind
  readonly point: Point | null
  readonly host: Host | null
  /** The address seen at the other end. */
  readonly remoteAddress: string
  readonly direction: Direction
  readonly transport: Transport
  /** Wall clock, ms since 1970, as all instants here. */
  readonly establishedAt: number
  /** The peer must not be named to others. */
  readonly isPrivate: boolean
  /** The peer takes part in the exchange of points. */
  readonly discovery: boolean
  /** Of the handshake; `null` for a plain peer. */
  readonly roundTripMs: number | null
}

export interface ConnectionSnapshot extends ConnectionInfo {
  readonly trusted: boolean
  readonly bytesReceived: number
  readonly bytesSent: number
}

export interface PointSnapshot {
  readonly point: Point
  readonly state: 'disconnected' | 'requested' | 'accepted' | 'running'
  /** The peer that is there, or was there last. */
  readonly peerId: PeerId | null
  readonly trusted: boolean
  readonly isPublic: boolean
  /** Its owner named it in a signed record. */
  readonly isSigned: boolean
  readonly banned: boolean
  readonly greylisted: boolean
  readonly expectedPeerId: PeerId | null
  readonly source: PeerId | null
  readonly discoverySource: string
  readonly discoveredAt: number
  readonly lastSeenAt: number | null
  readonly lastFailureAt: number | null
  readonly failures: number
  /** Not dialed by maintenance for so many ms more; 0: it may be. */
  readonly backoffForMs: number
}

export interface PeerSnapshot {
  readonly peerId: PeerId
  readonly state: 'disconnected' | 'accepted' | 'running'
  readonly trusted: boolean
  readonly banned: boolean
  readonly greylisted: boolean
  readonly score: number
  /** What was last said against it by the application, or by the pool for a breach of the protocol. */
  readonly lastReport: { readonly kind: ReportKind; readonly reason: string; readonly at: number } | null
  readonly createdAt: number
  readonly lastSeenAt: number | null
  readonly lastSeenPoint: Point | null
}

/** Who is kept out, and until when. */
export interface BlockSnapshot {
  readonly kind: 'banned' | 'greylisted'
  /** A peer, or a host or address range: one of the two. */
  readonly peerId: PeerId | null
  readonly host: Host | string | null
  readonly since: number
  /** Of a greylisting: at the latest then. None: until it is lifted. */
  readonly endsAt: number | null
}

export interface StorageSnapshot {
  readonly name: string
  /** `memory`: nothing is kept (no storage given, or it failed: see `failure`). */
  readonly mode: 'loading' | 'persistent' | 'memory'
  readonly failure: StorageFailure | null
  readonly lastSavedAt: number | null
  readonly unsavedChanges: boolean
}

export interface PoolSnapshot {
  /** Grows by one with each change. */
  readonly version: number
  /** When all but the counters of connections was as it is here: waits such as `backoffForMs` began to run then. */
  readonly takenAt: number
  readonly status: PoolStatus
  readonly peerId: PeerId
  readonly network: string
  readonly privateMode: boolean
  /** Where others can reach us now. */
  readonly ownPoints: readonly Point[]
  /** What is kept now. */
  readonly band: ConnectionBand
  readonly bounds: MaintenanceBounds
  /** Links that this page may still make; null where nothing limits them. */
  readonly linkBudget: LinkBudget | null
  /** Running connections. */
  readonly active: number
  /** Attempts in progress. */
  readonly outgoingAttempts: number
  readonly incomingHandshakes: number
  readonly connections: readonly ConnectionSnapshot[]
  readonly points: readonly PointSnapshot[]
  readonly peers: readonly PeerSnapshot[]
  readonly bannedPeers: readonly PeerId[]
  readonly bannedHosts: readonly Host[]
  readonly greylistedPeers: readonly PeerId[]
  readonly greylistedHosts: readonly Host[]
  /** The same with their times, and the banned ranges. */
  readonly blocks: readonly BlockSnapshot[]
  readonly storage: StorageSnapshot
}
