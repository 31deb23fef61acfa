/**
 * One attempt to make a connection, and what others may know of the connection that follows. `tables/pool-state.ts` makes attempts and is
 * the only writer of their fields; `flows/connect.ts` and `flows/handshake.ts` carry them out.
 */
import type { Host, PeerId, Point, Transport } from './ids.ts'
import type { DisconnectReason } from './reason.ts'

/** Who made the connection: we dialed, or the peer came in. */
export type Direction = 'outgoing' | 'incoming'

/** With another pool, or with a peer that does not speak the pool protocol. */
export type ConnectionKind = 'pool' | 'plain'

/** What an incoming peer is counted with, where address groups have shares. */
export interface AddressShare {
  /** One IPv4 address, one IPv6 /64, or one peer where no public address is seen. */
  readonly group: string
  /** An IPv4 /16 or an IPv6 /48; all peers where no public address is seen. */
  readonly wider: string
}

/** The place of an incoming handshake. */
export interface HandshakePlace extends AddressShare {
  /** The address, public or not; the peer, if it was connected before. Counts where places are short and the groups do not differ. */
  readonly source: string
  /** For a peer that was trusted by its id: it takes no place of untrusted peers. */
  readonly isReserved: boolean
}

/** An attempt in progress. Compare objects: late events of an attempt that is no longer the stored one are ignored. */
export interface Attempt {
  /** Counts up from 1 within one pool; for logs. */
  readonly id: number
  /** Who dialed. */
  readonly direction: Direction
  /** Monotonic, ms. */
  readonly startedAt: number
  /** Where the other end is; none for relayed links and, for outgoing attempts, relayed points. */
  readonly host: Host | undefined
  /** How the link travels. */
  readonly transport: Transport
  /** The only peer that may answer; `undefined`: any. */
  readonly expectedPeerId: PeerId | undefined
  /** Fires when the attempt must end: a ban, a stop, the other of two dials won, the caller gave up. */
  readonly signal: AbortSignal
  /** Outgoing: what we dial. Incoming: none, until the Hello named one and it was free. */
  readonly point: Point | undefined
  /** The peer that is there, once the link proved it. */
  readonly peerId: PeerId | undefined
  /** The run of the peer's pool, from its Hello, hexadecimal; empty until then. */
  readonly instance: string
  /** @internal Incoming only. */
  readonly place: HandshakePlace | undefined
  /** Since when we wait for the other side: from the start, or from its Hello. Monotonic, ms. */
  readonly waitsSince: number
  /** Holds one of the `maxConnections` slots: outgoing from the start, incoming from `admit` on. */
  readonly hasSlot: boolean
}

/** Round trips of one connection, ms: how long the peer took to answer the handshake and the liveness checks. */
export interface RoundTrips {
  /** The last one that was measured. */
  readonly last: number
  /** The shortest one. */
  readonly least: number
}

/**
 * What else the host uses a connection for: `used` by another protocol, on a stream that we opened and that is open or was a minute ago; `kept`,
 * since the application or a service asked to keep the peer.
 */
export type OtherUse = 'used' | 'kept'

/** What a state, a decision or a list may know of a running connection. */
export interface RunningConnection {
  readonly peerId: PeerId
  /** The point it was dialed at, or the one the incoming peer named; none if it named none. */
  readonly point: Point | undefined
  readonly host: Host | undefined
  readonly transport: Transport
  readonly direction: Direction
  /** Wall clock, ms since 1970. */
  readonly establishedAt: number
  /** Monotonic, ms: when it began to run. */
  readonly startedAt: number
  /** Messages of the application that came over it. */
  readonly messagesReceived: number
  /** Round trips, ms; `null`: none was measured yet. A new object for each measurement. */
  readonly rttMs: RoundTrips | null
  /** What else uses it; `undefined`: nothing. Read anew at each access. */
  readonly use?: OtherUse | undefined
  /** The peer asked not to be advertised, or is plain. */
  readonly isPrivate: boolean
  /** The run of the peer's pool that this connection belongs to; hexadecimal. */
  readonly instance: string
  /** Sends a Disconnect with the reason, and when to come back, and closes; resolves when the connection has ended. Idempotent, never rejects. */
  disconnect(reason: DisconnectReason, comeBackAfterMs?: number): Promise<void>
}
