/**
 * The pool that the tabs of a site share, with the same face in all of them: what it shows, what happens, and what a tab may wish
 * of it. One tab, the owner, runs the real one; which tab that is makes no difference to a program. How the tabs come to
 * terms is in `tab-session.ts`.
 */
import type { PeerDescription } from '../src/core/api/peers.ts'
import type { BanOfHost, PointDescription } from '../src/core/api/points.ts'
import type { Explanation } from '../src/core/decisions/explain.ts'
import type { BandExplanation } from '../src/core/decisions/explain-band.ts'
import type { ConnectOptions } from '../src/core/flows/connect.ts'
import { encodePayload } from '../src/core/flows/payload.ts'
import type { ConnectionBand } from '../src/core/values/bounds.ts'
import type { EventOf, ListenerOf } from '../src/core/values/events.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../src/core/values/ids.ts'
import type { DisconnectReason, ReportKind } from '../src/core/values/reason.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'
import { argumentsFor } from '../src/core/verbs.ts'
import { parsePeerId, parsePoint } from '../src/libp2p/point.ts'
import type { SharedPoolEvents, TabRole } from './sharing.ts'
import type { IdentityNotice } from './tab-messages.ts'
import type { TabPeer } from './tab-peer.ts'
import type { TabSession } from './tab-session.ts'
import type { WishName } from './wishes.ts'

/**
 * Every wish may reject with `PoolError`: as the pool's own method does, and with `no-owner` if no tab owns the pool for 30 s or
 * the owner went before it answered a message to send; `too-many-waiting` beyond 256 wishes; `not-understood` if the
 * owner has another version of the page; `destroyed` after `stop`. All but messages are told to the next owner when one goes.
 * Bans, trust and registrations resolve when they are stored.
 */
export class SharedPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  /** As `pool.peers`. */
  readonly peers: {
    ban(peerId: PeerId, options?: { readonly endsAt?: number | undefined }): Promise<void>
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
    banHost(host: Host | string, options?: BanOfHost): Promise<void>
    unbanHost(host: Host | string): Promise<void>
    banRange(range: string, options?: BanOfHost): Promise<void>
    unbanRange(range: string): Promise<void>
    trust(point: Point): Promise<void>
    untrust(point: Point): Promise<void>
    /** With its history; `undefined` for an unknown point. */
    describe(point: Point): Promise<PointDescription | undefined>
  }
  readonly #session: TabSession<Msg, PeerMeta, ConnMeta>
  readonly #defaultPort: number | undefined
  readonly #take = argumentsFor(this)
  /** Checks the arguments and brings the wish to the owner. */
  readonly #wish: (name: WishName, args: readonly unknown[]) => Promise<unknown>

  /** For `createWebPeer`. */
  constructor(session: TabSession<Msg, PeerMeta, ConnMeta>, defaultPort: number | undefined) {
    this.#session = session
    this.#defaultPort = defaultPort
    const wish = async (name: WishName, args: readonly unknown[]): Promise<unknown> => session.wish(name, this.#take(name, ...args))
    this.#wish = wish
    const done = async (name: WishName, ...args: readonly unknown[]): Promise<void> => void (await wish(name, args))
    this.peers = {
      ban: (peerId, options = {}) => done('peers.ban', peerId, options),
      unban: (peerId) => done('peers.unban', peerId),
      trust: (peerId) => done('peers.trust', peerId),
      untrust: (peerId) => done('peers.untrust', peerId),
      report: (peerId, report) => done('peers.report', peerId, report),
      describe: (peerId) => wish('peers.describe', [peerId]) as Promise<PeerDescription | undefined>
    }
    this.points = {
      ban: (point, options = {}) => done('points.ban', point, options),
      unban: (point) => done('points.unban', point),
      banHost: (host, options = {}) => done('points.banHost', host, options),
      unbanHost: (host) => done('points.unbanHost', host),
      banRange: (range, options = {}) => done('points.banRange', range, options),
      unbanRange: (range) => done('points.unbanRange', range),
      trust: (point) => done('points.trust', point),
      untrust: (point) => done('points.untrust', point),
      describe: (point) => wish('points.describe', [point]) as Promise<PointDescription | undefined>
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
  async connect(point: Point, options: ConnectOptions = {}): Promise<PeerId> {
    const [to, { signal, ...others }] = this.#take('connect', point, options)
    return (await this.#session.wish('connect', [to, others], signal)) as PeerId
  }

  /** As `pool.disconnect`. */
  async disconnect(peerId: PeerId, reason: DisconnectReason | string = 'asked to'): Promise<void> {
    await this.#wish('disconnect', [peerId, reason])
  }

  /** As `connection.send`. With `no-owner` it may have been sent. */
  async send(peerId: PeerId, message: Msg, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const [to, , { signal }] = this.#take('send', peerId, message, options)
    await this.#session.wish('send', [to, encodePayload(this.#session.config, message), {}], signal)
  }

  /** As `pool.broadcast`: resolves with how many took it. With `no-owner` it may have been sent. */
  async broadcast(message: Msg, options: { except?: readonly PeerId[] } = {}): Promise<number> {
    return (await this.#wish('broadcast', [encodePayload(this.#session.config, message), options])) as number
  }

  async maintain(): Promise<void> {
    await this.#wish('maintain', [])
  }

  /** As `pool.setBand`. Holds for the owners to come, too, as long as a tab is open. */
  async setBand(band: ConnectionBand): Promise<void> {
    await this.#wish('setBand', [band])
  }

  async savePeers(): Promise<void> {
    await this.#wish('savePeers', [])
  }

  explain(what: Point | PeerId): Promise<Explanation> {
    return this.#wish('explain', [what]) as Promise<Explanation>
  }

  explainBand(): Promise<BandExplanation> {
    return this.#wish('explainBand', []) as Promise<BandExplanation>
  }

  async registerPoint(
    point: Point,
    options: { readonly trusted?: boolean | undefined; readonly expectedPeerId?: PeerId | undefined } = {}
  ): Promise<void> {
    await this.#wish('registerPoint', [point, options])
  }

  async unregisterPoint(point: Point): Promise<void> {
    await this.#wish('unregisterPoint', [point])
  }

  async clearGreylist(): Promise<void> {
    await this.#wish('clearGreylist', [])
  }

  async clearAcl(): Promise<void> {
    await this.#wish('clearAcl', [])
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

  /** The next event of that name; rejects with the signal's reason, or with `PoolError` for an unknown name. */
  async next<Name extends keyof SharedPoolEvents<Msg>>(
    type: Name,
    options: { signal?: AbortSignal | undefined } = {}
  ): Promise<EventOf<SharedPoolEvents<Msg>, Name>> {
    const coming = this.#session.events.next(type, options)
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
