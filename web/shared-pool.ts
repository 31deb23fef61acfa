/**
 * The pool that the tabs of a site share. It looks the same in all of them: what it shows, what happens, and what a tab may request. One
 * tab, the owner, runs the real pool; which tab that is makes no difference to a program. How tabs agree is in `tab-session.ts`.
 */
import type { ServiceMap } from '@libp2p/interface'
import type { ConnectOptions } from '../src/core/flows/connect.ts'
import { encodePayload } from '../src/core/flows/payload.ts'
import type { EventOf, ListenerOf } from '../src/core/values/events.ts'
import type { ParsedPoint, PeerId, Point } from '../src/core/values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from '../src/core/values/invitation.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'
import { argumentsFor, type Verb } from '../src/core/verbs.ts'
import type { NoServices } from '../src/libp2p/libp2p-parts.ts'
import { parsePeerId, parsePoint } from '../src/libp2p/point.ts'
import { addRequests, type RequestedPool, tabInvitations } from './requests.ts'
import type { IdentityNotice } from './tab-messages.ts'
import type { TabPeer } from './tab-peer.ts'
import type { TabSession } from './tab-session.ts'
import type { SharedPoolEvents, TabRole } from './tab-sharing.ts'

/**
 * What a tab holds: its own methods, and those of a pool that any tab may call, each with a promise. Every request may reject with
 * `PoolError`: as the pool's own method does, and with `no-owner` if no tab owns the pool for 30 s or the owner went before it
 * answered a message to send; `too-many-waiting` beyond 256 requests; `not-understood` if the owner has another version of the page;
 * `destroyed` after `stop`. When an owner goes, its successor is asked again for all but messages. Bans, trust and registrations
 * resolve when they are stored; `setBand` holds for the owners to come, too, as long as a tab is open.
 */
export type SharedPool<
  Msg = Uint8Array,
  PeerMeta = unknown,
  ConnMeta = Uint8Array,
  Services extends ServiceMap = NoServices
> = SharedPoolFace<Msg, PeerMeta, ConnMeta, Services> & RequestedPool<Msg, PeerMeta, ConnMeta>

/** For `createWebPeer`. */
export function sharedPool<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  session: TabSession<Msg, PeerMeta, ConnMeta>,
  defaultPort: number | undefined
): SharedPool<Msg, PeerMeta, ConnMeta, Services> {
  const face = new SharedPoolFace<Msg, PeerMeta, ConnMeta, Services>(session, defaultPort)
  const take = argumentsFor(face)
  return addRequests(face, async (name, args) => session.request(name, take(name as Verb, ...args)))
}

/** The methods of a shared pool that are more than a request. */
export class SharedPoolFace<Msg, PeerMeta, ConnMeta, Services extends ServiceMap = NoServices> {
  readonly #session: TabSession<Msg, PeerMeta, ConnMeta>
  readonly #defaultPort: number | undefined
  readonly #take = argumentsFor(this)

  constructor(session: TabSession<Msg, PeerMeta, ConnMeta>, defaultPort: number | undefined) {
    this.#session = session
    this.#defaultPort = defaultPort
  }

  /** Whether the pool runs in this tab. A change is the event `role-changed`. */
  get role(): TabRole {
    return this.#session.role
  }

  /** Whether the pool runs in any tab. If not, `snapshot` is what was last known, and requests wait. A change is the event `role-changed`. */
  get hasOwner(): boolean {
    return this.#session.hasOwner
  }

  /** The node and pool of this tab, with your services; `undefined` while it follows. */
  get owned(): TabPeer<Msg, PeerMeta, ConnMeta, Services> | undefined {
    // The session starts the node with these services, and does not know their types.
    return this.#session.peer as TabPeer<Msg, PeerMeta, ConnMeta, Services> | undefined
  }

  /** How the identity is kept; `undefined` until something is known of the pool. */
  get identity(): IdentityNotice | undefined {
    return this.#session.identity
  }

  /**
   * As `pool.snapshot()`. In a tab that follows: the last one that came. It is at most a second old while the tab is visible, else from
   * before it was hidden; `undefined` until one came.
   */
  snapshot(): PoolSnapshot | undefined {
    return this.#session.snapshot
  }

  /**
   * As `pool.getSnapshot`: the same object until something but the counters of connections changed. `undefined` until anything is known.
   * It and `subscribe` need no `this`. Never throws.
   */
  readonly getSnapshot = (): PoolSnapshot | undefined => this.#session.unchanged

  /**
   * As `pool.subscribe`: calls the listener after each event `change`, also when `role` or `hasOwner` changed, until the returned function is
   * called. Throws `PoolError` `invalid-argument` for a listener that is no function.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.#session.events.subscribe('change', listener)

  /** As `pool.parsePoint`. Throws `PoolError` `invalid-point`. */
  parsePoint(text: string): ParsedPoint {
    return parsePoint(text, { defaultPort: this.#defaultPort })
  }

  /** As `pool.parsePeerId`. Throws `PoolError` `invalid-peer-id`. */
  parsePeerId(text: string): PeerId {
    return parsePeerId(text)
  }

  /** As `pool.connect`; resolves with the peer that answered. */
  async connect(point: Point, options: ConnectOptions = {}): Promise<PeerId> {
    const [to, { signal, ...others }] = this.#take('connect', point, options)
    return (await this.#session.request('connect', [to, others], signal)) as PeerId
  }

  /** As `connection.send`. With `no-owner` it may have been sent. */
  async send(peerId: PeerId, message: Msg, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const [to, , { signal }] = this.#take('send', peerId, message, options)
    await this.#session.request('send', [to, encodePayload(this.#session.config, message), {}], signal)
  }

  /** As `pool.broadcast`: resolves with how many took it. With `no-owner` it may have been sent. */
  async broadcast(message: Msg, options: { except?: readonly PeerId[] } = {}): Promise<number> {
    const [, checked] = this.#take('broadcast', message, options)
    return (await this.#session.request('broadcast', [encodePayload(this.#session.config, message), checked])) as number
  }

  /** As `pool.invite`. The invitation ends with the tab that runs the pool; its `usesLeft` is as of its last call. */
  async invite(options?: InviteOptions): Promise<Invitation> {
    return (await tabInvitations()).invite(this.#session, options)
  }

  /** As `pool.join`; it ends with the tab that runs the pool. */
  async join(text: string, options?: JoinOptions): Promise<PeerId> {
    return (await tabInvitations()).join(this.#session, text, options)
  }

  /**
   * As `pool.addEventListener`, with the events of `SharedPoolEvents`. Throws `PoolError` `invalid-argument` for an unknown name or for a
   * listener that is no function.
   */
  addEventListener<Name extends keyof SharedPoolEvents<Msg>>(type: Name, listener: ListenerOf<SharedPoolEvents<Msg>, Name>): void {
    this.#session.events.addEventListener(type, listener)
    this.#session.listened(type)
  }

  /** Undoes `addEventListener`. Throws as it does. */
  removeEventListener<Name extends keyof SharedPoolEvents<Msg>>(type: Name, listener: ListenerOf<SharedPoolEvents<Msg>, Name>): void {
    this.#session.events.removeEventListener(type, listener)
    this.#session.listened(type)
  }

  /** The next event of that name; rejects with the signal's reason, or with `PoolError` `invalid-argument` for an unknown name. */
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
