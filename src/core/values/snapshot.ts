/**
 * One immutable view of a whole pool, plain JSON, for pages and people. `pool.snapshot()` gives the same object until
 * something changed. Counters of bytes and round trips move without a change; ask again.
 */
import type { ConnectionKind, Direction, RoundTrips } from './attempt.ts'
import type { ConnectionBand, MaintenanceBounds } from './bounds.ts'
import type { Host, PeerId, Point } from './ids.ts'
import type { LinkBudget, StorageFailure, Transport } from './ports.ts'
import type { ReportKind } from './reason.ts'

/**
 * Where a pool stands. `created`: not started yet; `stopped`: may be started again; `destroyed`: never again. The name of the type is
 * that of `pool.status`.
 */
export type PoolStatus = 'created' | 'starting' | 'running' | 'suspended' | 'stopped' | 'destroyed'

/** A running connection as plain JSON: `connection.info`. */
export interface ConnectionInfo {
  readonly peerId: PeerId
  readonly kind: ConnectionKind
  /** Where it was dialed, or what the incoming peer named; `null`: it named nothing. */
  readonly point: Point | null
  /** The peer that introduced the two to each other, which may have left since; `null`: none did. See the option `introductions`. */
  readonly introducer: PeerId | null
  /** `null`: relayed, or incoming by WebRTC. */
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
  /** Round trips, ms; `null`: none was measured yet. Measured by the handshake and by liveness checks; of a plain peer by the latter alone. */
  readonly rttMs: RoundTrips | null
}

/** A running connection in a snapshot, with its counters. */
export interface ConnectionSnapshot extends ConnectionInfo {
  /** The operator trusts the peer or its point. */
  readonly trusted: boolean
  /** Bytes so far. */
  readonly bytesReceived: number
  /** Bytes so far. */
  readonly bytesSent: number
}

/** A known point in a snapshot. Instants are ms since 1970. */
export interface PointSnapshot {
  readonly point: Point
  /** `requested`: being dialed; `accepted`: in the handshake; `running`: connected. */
  readonly state: 'disconnected' | 'requested' | 'accepted' | 'running'
  /** The peer that is there, or was there last. */
  readonly peerId: PeerId | null
  /** The operator trusts it. */
  readonly trusted: boolean
  /** Its peer said that it may be advertised. */
  readonly isPublic: boolean
  /** Its owner named it in a signed record. */
  readonly isSigned: boolean
  /** Its host is banned. */
  readonly banned: boolean
  /** Its host is greylisted. */
  readonly greylisted: boolean
  /** The only peer that may answer there; `null`: any. */
  readonly expectedPeerId: PeerId | null
  /** The peer that advertised it first; `null`: the operator, the storage or a local discovery. */
  readonly source: PeerId | null
  /** How it became known: a `DiscoverySource`. */
  readonly discoverySource: string
  /** When it became known. */
  readonly discoveredAt: number
  /** When a peer was connected there last; `null`: never. */
  readonly lastSeenAt: number | null
  /** When a dial failed there last; `null`: never. */
  readonly lastFailureAt: number | null
  /** Failures in a row. */
  readonly failures: number
  /** Not dialed by maintenance for so many ms more; 0: it may be. */
  readonly backoffForMs: number
}

/** A known peer in a snapshot. Instants are ms since 1970. */
export interface PeerSnapshot {
  readonly peerId: PeerId
  /** `accepted`: in the handshake; `running`: connected. */
  readonly state: 'disconnected' | 'accepted' | 'running'
  /** The operator trusts it. */
  readonly trusted: boolean
  /** The operator banned it. */
  readonly banned: boolean
  /** The pool keeps it out after a fault. */
  readonly greylisted: boolean
  /** The higher, the longer it is remembered and kept. */
  readonly score: number
  /** What was last said against it by the application, or by the pool for a breach of the protocol. */
  readonly lastReport: { readonly kind: ReportKind; readonly reason: string; readonly at: number } | null
  /** When it became known. */
  readonly createdAt: number
  /** When it was connected last; `null`: never. */
  readonly lastSeenAt: number | null
  /** Where that was; `null`: it came in and named no point. */
  readonly lastSeenPoint: Point | null
}

/** Who is kept out, and until when. */
export interface BlockSnapshot {
  /** By the operator, or by the pool after a fault. */
  readonly kind: 'banned' | 'greylisted'
  /** A peer, or a host or address range: one of the two. */
  readonly peerId: PeerId | null
  /** A host, or the text of a range. */
  readonly host: Host | string | null
  /** Since when, ms since 1970. */
  readonly since: number
  /** Of a greylisting: at the latest then. None: until it is lifted. */
  readonly endsAt: number | null
}

/** How the storage does. */
export interface StorageSnapshot {
  /** The path of the file, or the name of the database. */
  readonly name: string
  /** `memory`: nothing is kept (no storage given, or it failed: see `failure`). */
  readonly mode: 'loading' | 'persistent' | 'memory'
  /** Why it does not work; `null`: it does. */
  readonly failure: StorageFailure | null
  /** When it was last saved; `null`: not yet in this run. */
  readonly lastSavedAt: number | null
  /** Something changed since. */
  readonly unsavedChanges: boolean
}

/** A whole pool as plain JSON. Instants are ms since 1970. */
export interface PoolSnapshot {
  /** Grows by one with each change. */
  readonly version: number
  /** When all but the counters of connections was as it is here: waits such as `backoffForMs` began to run then. */
  readonly takenAt: number
  /** Where the pool stands. */
  readonly status: PoolStatus
  /** Who we are. */
  readonly peerId: PeerId
  /** The name of the network. */
  readonly network: string
  /** It deals with trusted peers alone. */
  readonly privateMode: boolean
  /** Where others can reach us now. */
  readonly ownPoints: readonly Point[]
  /** What is kept now. */
  readonly band: ConnectionBand
  /** The bounds that follow from `band`. */
  readonly bounds: MaintenanceBounds
  /** Links that this page may still make; null where nothing limits them. */
  readonly linkBudget: LinkBudget | null
  /** Running connections. */
  readonly active: number
  /** Attempts in progress. */
  readonly outgoingAttempts: number
  /** Incoming handshakes in progress. */
  readonly incomingHandshakes: number
  /** Running connections, the oldest first. */
  readonly connections: readonly ConnectionSnapshot[]
  /** Known points. */
  readonly points: readonly PointSnapshot[]
  /** Known peers. */
  readonly peers: readonly PeerSnapshot[]
  /** Peers that the operator banned. */
  readonly bannedPeers: readonly PeerId[]
  /** Hosts that the operator banned. */
  readonly bannedHosts: readonly Host[]
  /** Peers that the pool keeps out. */
  readonly greylistedPeers: readonly PeerId[]
  /** Hosts that the pool keeps out, as far as it remembers them. */
  readonly greylistedHosts: readonly Host[]
  /** The same with their times, and the banned ranges. */
  readonly blocks: readonly BlockSnapshot[]
  readonly storage: StorageSnapshot
}
