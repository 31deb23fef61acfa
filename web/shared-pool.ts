/**
 * The pool that the tabs of a site share, with the same face in all of them: what it shows, what happens, and what a tab may wish
 * of it. One tab, the owner, runs the real one; which tab that is makes no difference to a program. How the tabs come to
 * terms is in `tab-session.ts`.
 */
import type { PeerDescription } from '../src/core/api/peers.ts'
import type { BanOfHost, PointDescription } from '../src/core/api/points.ts'
import type { BandExplanation, Explanation } from '../src/core/decisions/explain.ts'
import type { ConnectOptions } from '../src/core/flows/connect.ts'
import { encodePayload } from '../src/core/flows/connection.ts'
import type { ConnectionBand } from '../src/core/values/bounds.ts'
import type { EventOf, ListenerOf } from '../src/core/values/events.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../src/core/values/ids.ts'
import type { ReportKind } from '../src/core/values/reason.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'
import { parsePeerId, parsePoint } from '../src/libp2p/point.ts'
import type { SharedPoolEvents, TabRole } from './sharing.ts'
import type { IdentityNotice } from './tab-messages.ts'
import type { TabPeer } from './tab-peer.ts'
import type { TabSession } from './tab-session.ts'

/**
 * Every wish may reject with `PoolError`: as the pool's own method does, and with `no-owner` if no tab owns the pool for 30 s or
 * the owner went before it answered a message to send; `too-many-waiting` beyond 256 wishes; `not-understood` if the
 * owner has another version of the page; `destroyed` after `stop`. All but messages are told to the next owner when one goes.
 * Bans, trust and registrations resolve when they are stored.
 */
export class SharedPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  /** As `pool.peers`. */
  readonly peers: {
    ban(peerId: PeerId, options?: { readonly endsAt?: number }): Promise<void>
    unban(peerId: PeerId): Promise<void>
    trust(peerId: PeerId): Promise<void>
    untrust(peerId: PeerId): Promise<void>
    report(peerId: PeerId, report: { readonly kind: ReportKind; readonly reason: string }): Promise<void>
    /** With its history; `undefined` for an unknown peer. */
    describe(peerId: PeerId): Promise<PeerDescription | undefined>
  }
  /** As `pool.points`. */
  readonly points: {
    ban(point: Point, options?: BanOfHost): Promise<void>
    unban(point: Point): Promise<void>
    banHost(host: Host, options?: BanOfHost): Promise<void>
    unbanHost(host: Host): Promise<void>
    banRange(range: string, options?: BanOfHost): Promise<void>
    unbanRange(range: string): Promise<void>
    trust(point: Point): Promise<void>
    untrust(point: Point): Promise<void>
    /** With its history; `undefined` for an unknown point. */
    describe(point: Point): Promise<PointDescription | undefined>
  }
  readonly #session: TabSession<Msg, PeerMeta, ConnMeta>
  readonly #defaultPort: number | undefined

  /** For `createWebPeer`. */
  constructor(session: TabSession<Msg, PeerMeta, ConnMeta>, defaultPort: number | undefined) {
    this.#session = session
    this.#defaultPort = defaultPort
    const done = async (wish: Promise<unknown>): Promise<void> => void (await wish)
    this.peers = {
      ban: (peerId, options) => done(session.wish('peers.ban', [peerId, options])),
      unban: (peerId) => done(session.wish('peers.unban', [peerId])),
      trust: (peerId) => done(session.wish('peers.trust', [peerId])),
      untrust: (peerId) => done(session.wish('peers.untrust', [peerId])),
      report: (peerId, { kind, reason }) => done(session.wish('peers.report', [peerId, kind, reason])),
      describe: (peerId) => session.wish('peers.describe', [peerId]) as Promise<PeerDescription | undefined>
    }
    this.points = {
      ban: (point, options) => done(session.wish('points.ban', [point, options])),
      unban: (point) => done(session.wish('points.unban', [point])),
      banHost: (host, options) => done(session.wish('points.banHost', [host, options])),
      unbanHost: (host) => done(session.wish('points.unbanHost', [host])),
      banRange: (range, options) => done(session.wish('points.banRange', [range, options])),
      unbanRange: (range) => done(session.wish('points.unbanRange', [range])),
      trust: (point) => done(session.wish('points.trust', [point])),
      untrust: (point) => done(session.wish('points.untrust', [point])),
      describe: (point) => session.wish('points.describe', [point]) as Promise<PointDescription | undefined>
    }
  }

  // What it shows, without waiting.

  /** Whether the pool runs in this tab. Told by `role-changed`. */
  get role(): TabRole {
    return this.#session.role
  }

  /** Whether the pool runs in any tab. If not, `snapshot` is what was last known, and wishes wait. Told by `role-changed`. */
  get hasOwner(): boolean {
    return this.#session.hasOwner
  }

  /** The node and pool of this tab; `undefined` while it follows. */
  get owned(): TabPeer<Msg, PeerMeta, ConnMeta> | undefined {
    return this.#session.peer
  }

  /** How the identity is kept; `undefined` until something is known of the pool. */
  get identity(): IdentityNotice | undefined {
    return this.#session.identity
  }

  /**
   * As `pool.snapshot()`. In a tab that follows: the last one that came, at most a second old while the tab is seen, from before it
   * was hidden else; `undefined` until one came.
   */
  snapshot(): PoolSnapshot | undefined {
    return this.#session.snapshot
  }

  /** As `pool.parsePoint`. Throws `PoolError` `invalid-point`. */
  parsePoint(text: string): ParsedPoint {
    return parsePoint(text, { defaultPort: this.#defaultPort })
  }

  /** As `pool.parsePeerId`. Throws `PoolError` `invalid-peer-id`. */
  parsePeerId(text: string): PeerId {
    return parsePeerId(text)
  }

  // What it is wished to do.

  /** As `pool.connect`; resolves with the peer that answered. */
  connect(point: Point, { signal, ...options }: ConnectOptions = {}): Promise<PeerId> {
    return this.#session.wish('connect', [point, options], signal) as Promise<PeerId>
  }

  async disconnect(peerId: PeerId, reason = 'asked to'): Promise<void> {
    await this.#session.wish('disconnect', [peerId, reason])
  }

  /** As `connection.send`. With `no-owner` it may have been sent. */
  async send(peerId: PeerId, message: Msg, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#session.wish('send', [peerId, encodePayload(this.#session.config, message)], signal)
  }

  /** As `pool.broadcast`: resolves with how many took it. With `no-owner` it may have been sent. */
  broadcast(message: Msg, { except = [] }: { except?: readonly PeerId[] } = {}): Promise<number> {
    const payload = encodePayload(this.#session.config, message)
    return this.#session.wish('broadcast', [payload, except]) as Promise<number>
  }

  async maintain(): Promise<void> {
    await this.#session.wish('maintain', [])
  }

  /** As `pool.setBand`. Holds for the owners to come, too, as long as a tab is open. */
  async setBand(band: ConnectionBand): Promise<void> {
    await this.#session.wish('setBand', [band])
  }

  async savePeers(): Promise<void> {
    await this.#session.wish('savePeers', [])
  }

  explain(what: Point | PeerId): Promise<Explanation> {
    return this.#session.wish('explain', [what]) as Promise<Explanation>
  }

  explainBand(): Promise<BandExplanation> {
    return this.#session.wish('explainBand', []) as Promise<BandExplanation>
  }

  async registerPoint(point: Point, options: { readonly trusted?: boolean; readonly expectedPeerId?: PeerId } = {}): Promise<void> {
    await this.#session.wish('registerPoint', [point, options])
  }

  async unregisterPoint(point: Point): Promise<void> {
    await this.#session.wish('unregisterPoint', [point])
  }

  async clearGreylist(): Promise<void> {
    await this.#session.wish('clearGreylist', [])
  }

  async clearAcl(): Promise<void> {
    await this.#session.wish('clearAcl', [])
  }

  // News.

  addEventListener<Name extends keyof SharedPoolEvents<Msg>>(type: Name, listener: ListenerOf<SharedPoolEvents<Msg>, Name>): void {
    this.#session.events.addEventListener(type, listener)
    this.#session.listened(type)
  }

  removeEventListener<Name extends keyof SharedPoolEvents<Msg>>(type: Name, listener: ListenerOf<SharedPoolEvents<Msg>, Name>): void {
    this.#session.events.removeEventListener(type, listener)
    this.#session.listened(type)
  }

  /** The next event of that name; rejects with the signal's reason. */
  async next<Name extends keyof SharedPoolEvents<Msg>>(
    type: Name,
    { signal }: { signal?: AbortSignal } = {}
  ): Promise<EventOf<SharedPoolEvents<Msg>, Name>> {
    const coming = this.#session.events.next(type, signal)
    this.#session.listened(type)
    try {
      return await coming
    } finally {
      this.#session.listened(type)
    }
  }

  /** Ends this tab's part: if it is the owner, node and pool are stopped and another tab goes on. Idempotent. Never rejects. */
  readonly stop = (): Promise<void> => this.#session.stop()
}
