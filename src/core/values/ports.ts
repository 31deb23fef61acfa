/**
 * What the core needs from the world, written for those who implement it. The core runs on these four alone: a network,
 * a storage, a clock and a random source. `src/libp2p` implements the first, `node` and `web` the second, `system.ts`
 * of `src/libp2p` the last two; the tests have their own of each.
 */
import type { Direction, OtherUse } from './attempt.ts'
import type { Host, ParsedPoint, PeerId, Point, Transport } from './ids.ts'
import type { DialFailure } from './reason.ts'

export type { Transport }

/** Durations on a clock that never jumps, dates on the one people set. */
export interface Clock {
  /** Milliseconds since some fixed instant; never goes back. All delays are computed from it. */
  now(): number
  /** Milliseconds since 1970, for what is stored or shown; may jump. */
  date(): number
  /** Calls `fn` once, at the earliest `delayMs` from now; returns the cancellation, which may be called at any time. */
  schedule(delayMs: number, fn: () => void): () => void
}

/** Chance. Unpredictable in production (keys are made of `bytes`), seeded in tests. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** So many random bytes. */
  bytes(length: number): Uint8Array
}

/** A peer that does not speak the pool protocol: what the network learned of it, in place of a Hello. */
export interface PlainPeer {
  /** Where it says it can be reached, unparsed. At most 32. */
  readonly points: readonly string[]
}

/**
 * One authenticated, encrypted, ordered byte stream to a peer who proved its id. The core frames it; the adapter only
 * moves bytes. Exactly one `close` or `abort` follows every link that the core was given.
 */
export interface Link {
  /** The peer, which proved its id. */
  readonly peerId: PeerId
  /**
   * Set for a peer that does not speak the pool protocol. The link then stands for being connected with it: nothing ever comes,
   * `send` throws, and it ends when the peer is gone.
   */
  readonly plain?: PlainPeer | undefined
  /** Who dialed. */
  readonly direction: 'outgoing' | 'incoming'
  /** The host at the other end; none for relayed and inbound WebRTC links, where address rules do not apply. */
  readonly host: Host | undefined
  /** How the link travels. */
  readonly transport: Transport
  /** What carries the link, for the application's `onAdmit`: with libp2p its `Connection`. The core does not look into it. */
  readonly connection?: unknown
  /** What else the host uses the connection below for. Read whenever one must go; never throws. A peer must not bring it about by what it opens. */
  readonly use?: OtherUse | undefined
  /**
   * Set by the core before `close`: the application refused the peer. What carries the link ends too, whatever runs on it, unless something
   * else of the host dialed it or keeps the peer alive: the application's questions may have left streams on it.
   */
  isRefused?: boolean
  /** The address seen at the other end, for people to read; not a point that can be dialed. */
  readonly remoteAddress: string
  /** Bytes in the order sent, in pieces of any size. Ends when the other side closed cleanly, throws when the link broke. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Resolves when nothing more will come, the other side having closed or the link being broken, even if `chunks` is not read. Never rejects. */
  readonly over: Promise<void>
  /**
   * Hands bytes over, in one piece or several; never waits. False: the buffer is full, call `drained` before sending more. Throws once the
   * link is closed. A link never changes the bytes. Its caller does not change a single piece afterwards, and the pieces of several not
   * before `send` gave true or `drained` resolved.
   */
  send(...pieces: readonly Uint8Array[]): boolean
  /** Bytes handed over that the link still holds: when they become fewer, the other side is reading. 0 where the link cannot know. */
  readonly unsentBytes: number
  /** Resolves when more may be sent; rejects when the link closed or the signal fired. */
  drained(signal: AbortSignal): Promise<void>
  /** Flushes what was sent, then closes; never rejects, never takes longer than the adapter's own deadline (a second). */
  close(): Promise<void>
  /** Closes at once, dropping what was not sent. `dead`: the connection below failed a liveness check and goes too, whatever else uses it. */
  abort(detail: string, options?: { readonly dead: boolean }): void
  /**
   * Liveness check: asks the other side, past whatever waits in the stream. Resolves with any answer, also with one that may be a fault of
   * the question; rejects when the signal fired before.
   */
  probe(signal: AbortSignal): Promise<void>
  /**
   * Makes another connection to the address that this link was dialed at, and closes it. Rejects if that fails, and soon when the signal fires.
   * Absent on links that the other side dialed, and where a dial costs much (WebRTC).
   */
  readonly reach?: ((signal: AbortSignal) => Promise<void>) | undefined
}

/** A dial that failed, with the way it did. The only error that `Network.dial` may reject with. */
export class DialError extends Error {
  /** The name of the class, for logs. */
  override readonly name = 'DialError'
  /** How the dial failed. */
  readonly failure: DialFailure
  /** With `denied`: who proved to be there. With `wrong-peer-id`: who says to be there. If known. */
  readonly peerId: PeerId | undefined

  constructor(failure: DialFailure, message: string, { cause, peerId }: { cause?: unknown; peerId?: PeerId | undefined } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.failure = failure
    this.peerId = peerId
  }
}

/** What the core gives the network, once, at start. None of them throws or waits. */
export interface NetworkHandlers {
  /**
   * Dials and incoming links may also be with peers that do not speak the pool protocol (`Link.plain`) but all of these; once
   * the network knows what they speak. Absent: with none.
   */
  readonly plainProtocols?: readonly string[] | undefined
  /** A peer opened the pool protocol to us, or is connected and plain; the pool owns the link from now on. */
  incoming(link: Link): void
  /** `ownPoints()` gives another list than before. */
  ownPointsChanged(): void
  /** `budget` is another than before. */
  budgetChanged?(): void
  /** Another discovery found an address (libp2p's `peer:discovery`). */
  discovered(found: ParsedPoint): void
}

/** What a dial is given. */
export interface DialOptions {
  /** The only peer that may answer; `undefined`: any. */
  readonly expectedPeerId: PeerId | undefined
  /** Ends the dial. */
  readonly signal: AbortSignal
}

/** Records in which a peer signed where it can be reached: libp2p's, or whatever the network has. */
export interface SignedRecords {
  /** Ours, of the points of now; empty while there is none. At most 8 KiB. */
  readonly own: Uint8Array
  /** The points that a peer's record names, at most 8. Rejects if it is broken, or not signed by that very peer. */
  open(bytes: Uint8Array, peerId: PeerId): Promise<readonly Point[]>
}

/** Links of which the host makes only so many: WebRTC's in a page. */
export interface LinkBudget {
  /** Made lately, failed ones included; each counts for a while. */
  readonly used: number
  /** As many may be counted at once. */
  readonly max: number
  /** `low`: one at a time, with pauses. `spent`: none for now; there are more after a while. */
  readonly state: 'plenty' | 'low' | 'spent'
}

/** What a pool answers its network while peers introduce each other. None throws or waits. */
export interface IntroductionHandlers {
  /**
   * `from` wants to reach `to` through us. Returns what to call when the introduction is over; `undefined`: refuse it. `cut` ends it, since another
   * peer gets its place: called once at most, while a later `introduces` runs, and it must not call back.
   */
  introduces(from: PeerId, to: PeerId, cut: () => void): (() => void) | undefined
  /** `by` introduces `from` to us. False: refuse, before anything is made for it. */
  introduced(from: PeerId, by: PeerId): boolean
  /** `from` has proved its id over this introducer: until now its coming was the word of `by` alone. Called after an `introduced` that said yes. */
  proved(from: PeerId, by: PeerId): void
  /** This guest has a reservation with us from now on. */
  reserved(guest: PeerId): void
}

/**
 * How peers reach each other through a peer that both are connected with, without a server: it passes on what they need for a connection of their
 * own, and no payload. The point for that, `/p2p/INTRODUCER/p2p-circuit/webrtc/p2p/PEER`, means something only to peers of the introducer, and
 * only while they are connected with it.
 */
export interface Introductions {
  /**
   * From now on, and after later starts of the network: peers may ask us to introduce them, others may be introduced to us, and `dial` takes such
   * points. Called once at most; without it all of that is refused.
   */
  allow(handlers: IntroductionHandlers): void
  /**
   * This connected peer may introduce others to us: reserves over the connection with it, renews the reservation, and ends it with the
   * connection. Does nothing where the peer cannot introduce. Idempotent; does not wait.
   */
  reserve(introducer: PeerId): void
  /** Where our peers reach this one through us; `undefined`: it has no reservation with us, or no connection. */
  pointOf(guest: PeerId): Point | undefined
}

/** One side of a connection whose signalling people copy: it has made its offer. */
export interface SignallingOffer {
  /** For the other side; printable ASCII without `;`, at most 1500 characters. */
  readonly text: string
  /**
   * Takes the answer of this peer. Resolves once connected: the link follows by `NetworkHandlers.incoming`. Rejects with the `PoolError`
   * of code `invalid-invitation` for a text that is no answer, which may be repeated with another; else with `DialError`. When the signal fires it rejects
   * soon, and nothing stays.
   */
  accept(answer: string, options: { readonly peerId: PeerId; readonly signal: AbortSignal }): Promise<void>
  /** Frees what the offer holds; a connection that came of it stays. Idempotent. */
  end(): void
}

/** The other side, which has made its answer. */
export interface SignallingAnswer {
  /** For the side with the offer; as its text. */
  readonly text: string
  /** Settles when that side has accepted, or with `DialError` when the signal fires. */
  readonly link: Promise<Link>
}

/**
 * Connections without a server: people copy an offer one way and its answer the other. Texts come from anywhere. Both calls reject with `DialError`
 * where no connection can be made now, and with what the signal says.
 */
export interface CopiedSignalling {
  /** Makes an offer, within 5 s. It holds what a connection holds until `end`. */
  offer(signal: AbortSignal): Promise<SignallingOffer>
  /**
   * Makes an answer, within 5 s; `peerId` is who made the offer. Until the signal fires it holds what a connection holds. Rejects with `PoolError`
   * `invalid-invitation` for a text that is no offer.
   */
  answer(offer: string, options: { readonly peerId: PeerId; readonly signal: AbortSignal }): Promise<SignallingAnswer>
}

/** The way to other peers. */
export interface Network {
  /** If there is one. */
  readonly budget?: LinkBudget | undefined
  /** Who we are. */
  readonly peerId: PeerId
  /** What `dial` can use, the most wanted first. */
  readonly transports: readonly Transport[]
  /** Absent: nothing is signed, and records of others are not read. */
  readonly records?: SignedRecords | undefined
  /** Where others can reach us now; empty in a page without relay. */
  ownPoints(): readonly Point[]
  /** Does the relay that we run hold a reservation of this peer? `undefined`, or absent: we run none, or it is not known. */
  readonly holdsReservation?: ((guest: PeerId) => boolean | undefined) | undefined
  /** Absent: nobody is introduced. */
  readonly introductions?: Introductions | undefined
  /** Loads what connects by copied texts. Absent, or `undefined`: it cannot. */
  copiedSignalling?(): Promise<CopiedSignalling | undefined>
  /** The point that a text means. Throws `PoolError` `invalid-point`, naming what was expected and what came. */
  parsePoint(text: string): ParsedPoint
  /** For texts of peers: `undefined` if the text is no point. Never throws, and costs little whatever the text. */
  tryParsePoint(text: string): ParsedPoint | undefined
  /** Throws `PoolError` `invalid-peer-id`. */
  parsePeerId(text: string): PeerId
  /** For texts of peers: `undefined` if the text is no peer id. Never throws. */
  tryParsePeerId(text: string): PeerId | undefined
  /** Could we dial it now? By its form and the budget only; no waiting, no look-up. */
  canDial(point: Point): boolean
  /** Rejects with `DialError` only. When the signal fires it rejects soon, and a connection that comes later is closed. */
  dial(point: Point, options: DialOptions): Promise<Link>
  /** Begins to take links, and to call the handlers. Rejects if the network cannot be used; the pool is stopped then. */
  start(handlers: NetworkHandlers): Promise<void>
  /**
   * The peer of this link has restarted, or comes another way than before: its older connections are dead, and end at once, whatever else uses
   * them. Else gossip on a half-open one would go nowhere for minutes, and it would keep a place of its peer.
   */
  endOlder?(link: Link): void
  /** Ends all connections that the gate denies now and that carry no link of the pool, whatever else uses them. */
  endDenied?(): void
  /** While it rests, nothing of it runs by itself that can wait. It begins awake. */
  rest?(resting: boolean): void
  /** No handler is called afterwards. The links stay with the pool, which closes them before. */
  stop(): Promise<void>
}

/** Why a storage could not do what was asked. */
export type StorageFailure =
  | 'locked' // another process or tab has it
  | 'unavailable' // it cannot be opened or reached; may come back
  | 'no-permission'
  | 'full'
  | 'too-large' // what is stored is above the cap; it was not read
  | 'broken' // what is stored is not JSON or not of the right shape
  | 'newer-version'

/** Size of a stored text unless the user sets another, bytes. */
export const defaultStorageBytes = 8 * 1024 * 1024

/** Texts that could not be read are kept beside the stored one; the oldest goes first. */
export const maxQuarantined = 3

/** The only error a `PeerStorage` rejects with. The message names the file or database. */
export class StorageError extends Error {
  /** The name of the class, for logs. */
  override readonly name = 'StorageError'
  /** Why the storage could not do it. */
  readonly failure: StorageFailure

  constructor(failure: StorageFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}

/**
 * Keeps one text (`docs/storage.md`) between runs. The pool calls `open` first and again after a failure. It makes no two calls at
 * once, with one exception: a call whose signal fired is given up. `open` or `close` may follow while that call is still
 * unsettled, and it should settle soon and change nothing any more. After a `save` or `quarantine` that was given up the pool makes no
 * call but `close` until it settles. A storage that throws, hangs or rejects costs what would be kept, never the pool.
 */
export interface PeerStorage {
  /** For people: the path of the file, the name of the database. */
  readonly name: string
  /** How long a start waits until it is open and loaded, ms; the pool goes on in memory then. @default 2000 */
  readonly openWithinMs?: number | undefined
  /**
   * Takes hold of the storage for this pool alone. Idempotent. `lost` is called, at most once, if the storage notices by itself later
   * that it was taken away or that what it kept is gone: all is written again once it opens.
   */
  open(signal: AbortSignal, lost?: (error: StorageError) => void): Promise<void>
  /** The stored text, or `undefined` if there is none yet. Size is checked before reading. */
  load(signal: AbortSignal): Promise<string | undefined>
  /**
   * Replaces the stored text; a reader finds the old one or the new one, even after a crash in the middle. The lines may be
   * taken over several turns of the event loop.
   */
  save(lines: Iterable<string>, signal?: AbortSignal): Promise<void>
  /** Moves a text that cannot be read out of the way and keeps it; returns where it is now. */
  quarantine(signal?: AbortSignal): Promise<string>
  /** Lets others have it. Idempotent; never rejects. */
  close(): Promise<void>
}

/** Where the core reports what it cannot give to a caller: a listener that threw, an invariant that broke. */
export interface Log {
  /** Logs one sentence and its cause. What it throws is ignored. */
  error(message: string, cause: unknown): void
}

/**
 * What an adapter asks the pool before it lets a link come to be: the same predicate that dialer, exchange and load use.
 * Synchronous, and true means no. The pool checks again when the link reaches it.
 */
export interface Gate {
  /**
   * An incoming link from this host, before anything is known of the peer: only what the operator banned is denied, since a peer that
   * shares its host with a greylisted one may be welcome. No host (relayed, WebRTC): never denied here.
   */
  deniesIncoming(host: Host | undefined): boolean
  /** A dial to this point, where this peer is expected, if any. */
  deniesDial(point: Point, expectedPeerId: PeerId | undefined): boolean
  /**
   * A link, once the peer proved its id; `host` is where it is, if it has one. No direction: before a dial, when nothing is proved.
   * In private mode true for all that are not trusted, so that libp2p's own protocols give them nothing either.
   */
  deniesPeer(peerId: PeerId, host: Host | undefined, direction?: Direction): boolean
  /** Nobody trusts this id, and it was not connected for ten seconds in all, as far as the pool remembers. */
  isUnknown(peerId: PeerId): boolean
  /** The operator trusts this id, by itself or as the peer that a trusted point expects. Ask it once the id is proved. */
  isTrusted(peerId: PeerId): boolean
}
