/**
 * The options of a pool: their meaning, units, ranges and defaults, for those who read and those who set them. `config.ts` checks them
 * and has the defaults.
 */
import type { ConnectionKind, Direction } from './attempt.ts'
import type { ConnectionBand, KindCounts } from './bounds.ts'
import type { ParsedPoint, PeerId, Point, Transport } from './ids.ts'
import type { PeerStorage } from './ports.ts'

/** When a point is dialed again after a failure or an ended connection. */
export interface Reconnection {
  /** Back-off after the first failure, ms. @default 1000 */
  readonly initialDelayMs: number
  /**
   * Each further failure in a row multiplies the back-off by it. While the pool has as many connections as its lower target, points that are not
   * trusted wait longer, up to `maxDelayMs` more: after eight failures 512 s. @default 1.2
   */
  readonly factor: number
  /** Each back-off is lengthened or shortened at random by up to this share. @default 0.2 */
  readonly jitter: number
  /** Back-off after a running connection ended, ms. @default 60000 */
  readonly afterConnectionMs: number
  /** No back-off is longer, ms. A larger value forgets peers that were away for long. @default 3600000 */
  readonly maxDelayMs: number
}

/** Turns values into bytes and back. */
export interface Codec<T> {
  /** Must not throw: what it throws is logged, and the call rejects with `PoolError` `invalid-argument`. */
  encode(value: T): Uint8Array
  /** May throw: the peer then broke the protocol, and is greylisted and disconnected. The bytes must not be kept or changed. */
  decode(bytes: Uint8Array): T
}

/** What the application keeps about each peer, saved with the pool. */
export interface PeerMetadata<PeerMeta> {
  /** The value for a peer that becomes known. */
  initial(): PeerMeta
  /** Makes a JSON value of it: what `fromJson` gets after a restart. Called for each known peer at a save. */
  toJson(meta: PeerMeta): unknown
  /** Reads what `toJson` made. May throw: the peer then starts with `initial()`. */
  fromJson(value: unknown): PeerMeta
  /** The higher, the longer it is remembered and kept. @default the pool's own, of what it sees of the peer: `docs/scoring.md` */
  score?(meta: PeerMeta): number
}

/** What each side sends about itself when they connect. */
export interface ConnectionMetadata<ConnMeta> {
  /** Ours, asked for at each handshake. At most 4 KiB encoded. */
  own(): ConnMeta
  /** For ours and for theirs. If it cannot decode theirs, the handshake fails with a fault of the peer. */
  readonly codec: Codec<ConnMeta>
}

/** What `onAdmit` decides on: a peer that proved its id and passed all checks of the pool. */
export interface AdmissionCandidate<ConnMeta = Uint8Array, NetworkConnection = unknown> {
  /** Who it is. */
  readonly peerId: PeerId
  /** With the pool protocol, or plain. */
  readonly kind: ConnectionKind
  /** Who dialed. */
  readonly direction: Direction
  /** Where we dialed it, or the point that it named; none if it named none that was free. */
  readonly point: Point | undefined
  /** The address at the other end, for people. */
  readonly remoteAddress: string
  /** How the connection travels. */
  readonly transport: Transport
  /** The operator trusts it, by its id or its point. */
  readonly trusted: boolean
  /** What it sent of itself (`connectionMetadata`); `undefined` if it is plain. */
  readonly metadata: ConnMeta | undefined
  /** What carries the pool's link: libp2p's `Connection`, open for streams of other protocols. The pool closes it after a refusal. */
  readonly connection: NetworkConnection
}

/** Table sizes: when `max` is reached, entries are collected down to `target`. */
export interface TableSize {
  /** Entries before some are collected; 1 to 10000000. 10000 is the largest table that is measured. */
  readonly max: number
  /** Entries that are left then; 0 to `max`. */
  readonly target: number
}

/** The settings that decisions and tables read: all but what depends on the application's own types. */
export interface PoolSettings {
  /** Name of the network; peers of another one are refused. 1 to 64 bytes of UTF-8. */
  readonly network: string
  /** Versions of the application's protocol that we speak, 1 to 16 of them; peers use the highest common one. @default [0] */
  readonly applicationVersions: readonly number[]
  /** Where peers, points and bans are kept between runs. @default memory, which forgets at the end */
  readonly storage: PeerStorage
  /**
   * Points to begin with, kept and dialed before others, never collected nor greylisted. With an id only that peer may answer there, and
   * it is trusted wherever it comes from. What is said here wins over what was saved. @default []
   */
  readonly trustedPoints: readonly ParsedPoint[]
  /**
   * Connect with trusted points and peers only, and ask them not to advertise us. The adapter's gate ends libp2p connections with all
   * others before identify, in both directions, so that they learn no more than our peer id; a relay must be trusted too. An id that
   * is trusted, or named by a trusted point, gets in from anywhere. A trusted point without an id admits any peer that answers our dial there;
   * from its host it admits the peer that was connected there last, or, until there was one, any peer that names the point: a neighbour
   * on that host may be first. Give trusted points an id where that matters. @default false
   */
  readonly privateMode: boolean
  /** Ask peers for points, give them points, and take theirs. @default true */
  readonly discovery: boolean
  /**
   * Introduce connected peers to each other, be introduced by them, and reach peers through them where no server is left; needs `discovery`.
   * What one introduction takes is bounded. Where `minByKind` counts, `page` is at least half of `expectedConnections` then: once all servers
   * have gone, only the pages that are connected already introduce others.
   * @default false
   */
  readonly introductions: boolean
  /**
   * Peers that do not speak the pool protocol, in a network that has others: `admit` counts and keeps those that speak all of
   * `requiredProtocols` like any other, but for points and messages. @default 'refuse'
   */
  readonly plainPeers: 'admit' | 'refuse'
  /** With `plainPeers: 'admit'`: at most 64 names of libp2p protocols. @default []: any libp2p peer will do */
  readonly requiredProtocols: readonly string[]
  /** Known points; `null`: no bound. A larger table takes memory (about 1 KiB each) and time at start. @default max 400, target 300 */
  readonly maxKnownPoints: TableSize | null
  /** Known peers; `null`: no bound. @default max 400, target 300 */
  readonly maxKnownPeers: TableSize | null
  /** Peers that may be greylisted at once, 0 to 1000000; the oldest goes first. @default 1023 */
  readonly peerGreylistSize: number
  /** Memory for greylisted hosts, KiB, 1 to 8192: eight hosts each; the oldest goes first. @default 2048 on Node, 256 in pages */
  readonly ipGreylistSizeKiB: number
  /** A peer or host stays greylisted for 15/16 of it, ms; 16 to 2147483647. @default 86400000 */
  readonly ipGreylistCleanupDelayMs: number
  /** Below it maintenance is urgent. @default 10 on Node, 3 in pages */
  readonly minConnections: number
  /** The middle of the band, from `minConnections` to `maxConnections`. @default 50 on Node, 5 in pages */
  readonly expectedConnections: number
  /** The upper end of the band, at most 10000. There are never more, dials and accepted handshakes included. @default 100 on Node, 10 in pages */
  readonly maxConnections: number
  /**
   * The band while suspended, where it is the narrower one; `null`: keep what there is and make no more.
   * @default null on Node, 1/2/3 in pages
   */
  readonly suspendedBand: ConnectionBand | null
  /**
   * Connections to keep of each kind of peer: `server`, reached by a direct transport, and `page`, reached by WebRTC. A kind below its minimum
   * is dialed although the count is in the band, and takes the place of a peer of the other kind when the band is full. In a band that expects
   * fewer than both together, servers come first. `null`: kinds do not matter. @default null on Node, 1 of each in pages
   */
  readonly minByKind: KindCounts | null
  /** Incoming handshakes of untrusted peers in progress; those of trusted peers come on top. @default 20 */
  readonly maxIncoming: number
  /** Of these, from one public IPv4 address or IPv6 /64, or of one peer where no public address is seen; 1 to `maxIncoming`. @default 4 */
  readonly maxIncomingPerHost: number
  /** Time for dial and handshake together, ms; 1 to 2147483647. @default 10000 */
  readonly connectionTimeoutMs: number
  /** Time for an incoming handshake, without `onAdmit`, ms; 1 to 2147483647. @default 5000 */
  readonly authenticationTimeoutMs: number
  /**
   * Time for `onAdmit`, ms; 1 to 2147483647. Stay a second below the `authenticationTimeoutMs` of the other peers: a peer that we dialed
   * waits for us that long. @default 4000
   */
  readonly admitTimeoutMs: number
  /** Maintenance looks at the band at least this often, ms; `null`: only when something happens. @default 120000 */
  readonly maintenanceIdleMs: number | null
  /**
   * A connection that brought nothing for so long gets a liveness check, ms; without an answer it ends as lost, at the latest after twice
   * this and 8 s. When a twentieth of it, one second at least, brought nothing from any peer (in a page four times as long), one peer is
   * asked whether our own network still works. `null`: checked only on `resume`. A smaller value costs more checks. @default 20000
   */
  readonly keepAliveIntervalMs: number | null
  /** Wait between two searches for points, ms, 1 to 2147483647; it grows until a dial succeeds. @default 5000 */
  readonly timeBetweenSearchesMs: number
  /** Dials of maintenance at once, 1 to 1000. @default 10 on Node, 3 in pages */
  readonly maxParallelDials: number
  /** Least time between two swaps of a connection for another, ms, 1 to 2147483647; `null`: never swap. @default 30000 */
  readonly swapCooldownMs: number | null
  /** When a point may be dialed again. Fields that are not given have their defaults. */
  readonly reconnection: Reconnection
  /** Messages that wait for their reader, per connection, 1 to 100000; then the sender has to wait. @default 10 */
  readonly maxUndeliveredMessages: number
  /** Size of one message, bytes, 0 to 104857600. @default 1048576 */
  readonly maxMessageBytes: number
  /** Take points on private, loopback and link-local hosts from any peer, not only from one on such a network. @default false */
  readonly allowPrivatePoints: boolean
}

/** The pool's settings, complete and checked. Frozen: `pool.config`. */
export interface PoolConfig<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> extends PoolSettings {
  /** How messages become bytes. @default bytes are messages */
  readonly messageCodec: Codec<Msg>
  /** What the application keeps about each peer. @default nothing */
  readonly peerMetadata: PeerMetadata<PeerMeta>
  /** What each side sends the other when they connect. @default nothing */
  readonly connectionMetadata: ConnectionMetadata<ConnMeta>
  /**
   * The application's own check of each peer, incoming or dialed, trusted or not: once its id and the handshake are proved, before it counts as
   * connected. `true` admits it. `false`, a text that says why, an error, or no answer within `admitTimeoutMs` refuses it: an attempt that
   * failed as `not-admitted`. The pool then leaves the peer and its point alone for `reconnection.afterConnectionMs` at least, longer each time,
   * and refuses a peer that comes back within 30 s without asking again. The signal fires when the answer is of no use any more. @default none
   */
  onAdmit?(peer: AdmissionCandidate<ConnMeta>, signal: AbortSignal): boolean | string | Promise<boolean | string>
}

/** What a user passes: everything but the network's name has a default. */
export type PoolOptions<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> = Pick<
  PoolConfig<Msg, PeerMeta, ConnMeta>,
  'network'
> &
  Partial<Omit<PoolConfig<Msg, PeerMeta, ConnMeta>, 'network' | 'reconnection'>> & {
    /** When a point may be dialed again. */
    readonly reconnection?: Partial<Reconnection>
  }

/** The options whose defaults differ between a server and a page; the option `preset` takes a whole one. */
export type Preset = Pick<
  PoolSettings,
  'minConnections' | 'expectedConnections' | 'maxConnections' | 'suspendedBand' | 'minByKind' | 'maxParallelDials' | 'ipGreylistSizeKiB'
>
