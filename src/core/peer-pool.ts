/**
 * The pool: the one thing that a program holds, with all public verbs. Each checks its arguments, and is carried out by the state
 * (`tables`), by its life (`api/lifecycle.ts`) or by a flow. What concerns one point or peer is in `api/points.ts` and `api/peers.ts`.
 */
import { Connections } from './api/connections.ts'
import { Lifecycle } from './api/lifecycle.ts'
import { Peers } from './api/peers.ts'
import { allClosed, Points } from './api/points.ts'
import { gateOf } from './decisions/admission.ts'
import type { Explanation } from './decisions/explain.ts'
import type { BandExplanation } from './decisions/explain-band.ts'
import { scorerOf } from './decisions/score.ts'
import type { ConnectOptions } from './flows/connect.ts'
import type { Connection } from './flows/connection.ts'
import type { FlowConnection, FlowContext } from './flows/context.ts'
import { EventHub } from './flows/event-hub.ts'
import { Guard, guardClock, guardNetwork, guardPeerMetadata, guardRandom, metadataEncoder } from './flows/guards.ts'
import { encodePayload, offerToAll } from './flows/payload.ts'
import type { PoolComponents } from './peer-pool-components.ts'
import type { PeerInfo } from './tables/peer.ts'
import type { DiscoverySource, PointInfo } from './tables/point.ts'
import { PoolState } from './tables/pool-state.ts'
import { type Parts, partsOf } from './tables/pool-view.ts'
import type { RunningConnection } from './values/attempt.ts'
import { type ConnectionBand, defaultListing, type SuspendedKeep } from './values/bounds.ts'
import { type PoolEvent, type PoolEventName, type PoolListener, poolEventNames } from './values/events.ts'
import type { Host, ParsedPoint, PeerId, Point } from './values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from './values/invitation.ts'
import type { Gate } from './values/ports.ts'
import type { DisconnectReason } from './values/reason.ts'
import type { PeerMetadata, PoolConfig } from './values/settings.ts'
import type { PoolSnapshot, PoolStatus } from './values/snapshot.ts'
import { argumentsFor } from './verbs.ts'

/**
 * A peer pool. It begins with `start`, keeps its connections inside the band, and ends with `stop`. Every method checks its arguments
 * first: it throws `PoolError` `invalid-argument`, `invalid-point` or `invalid-peer-id`, and a method that returns a promise rejects with
 * it. *Octez* names the function of its module `P2p_pool` that a method follows. `Msg` is the type of messages, `PeerMeta` of what the
 * application keeps of each peer, `ConnMeta` of what peers send each other when they connect.
 */
export class PeerPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  /** The settings, and who we are. Frozen. Octez: `config`. */
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta> & { readonly peerId: PeerId }
  /** The running connections. */
  readonly connections: Connections<Msg, ConnMeta>
  /** What is known of peers, trust and bans. */
  readonly peers: Peers<PeerMeta>
  /** What is known of points, trust, and bans of hosts. */
  readonly points: Points
  /** The predicate for an adapter's gater. */
  readonly gate: Gate
  readonly #context: FlowContext
  readonly #lifecycle: Lifecycle

  /** Makes a pool that does nothing yet. `given` is of `resolveConfig`, which checked it. Throws `PoolError` `invalid-point` for a trusted point that is none. */
  constructor(given: PoolConfig<Msg, PeerMeta, ConnMeta>, components: PoolComponents) {
    const log = new Guard(components.log, components.clock)
    const clock = guardClock(components.clock, log)
    const network = guardNetwork(components.network, clock, log)
    const random = guardRandom(components.random, log)
    const peerMetadata = guardPeerMetadata(given.peerMetadata, log) as PeerMetadata<unknown>
    // Inside, messages and metadata have no type of the application's: see `flows/context.ts`.
    const config: PoolConfig = { ...(given as unknown as PoolConfig), peerMetadata }
    const { peerId } = network
    const events = new EventHub(poolEventNames, { clock, guard: log })
    const parts = partsOf<unknown, FlowConnection>({
      ...{ config, peerId, clock, random },
      score: scorerOf(peerMetadata, clock),
      emit: (type, detail) => events.emit(type, detail),
      shown: () => this.#lifecycle.shown(),
      save: (urgency) => this.#lifecycle.persistence.changed(urgency)
    })
    const state = new PoolState(parts)
    components.inspect?.(state as unknown as PoolState<unknown>, parts as unknown as Parts<unknown, RunningConnection>)
    const take = argumentsFor(network)
    const ownMetadata = metadataEncoder(config.connectionMetadata, log)
    const secrets = { instance: random.bytes(8), sharingSeed: new DataView(random.bytes(4).slice().buffer).getUint32(0) }
    this.config = Object.freeze({ ...given, peerId })
    this.#context = { config, network, clock, random, log, state, events, ...secrets, ownMetadata, take }
    this.#lifecycle = new Lifecycle(this.#context)
    this.connections = new Connections(this.#context)
    this.peers = new Peers(this.#context, this.#lifecycle)
    this.points = new Points(this.#context, this.#lifecycle)
    this.gate = gateOf(state)
    for (const { point, expectedPeerId } of config.trustedPoints) take('registerPoint', point, { expectedPeerId })
    state.points.configure(config.trustedPoints)
  }

  /** Who we are. */
  get peerId(): PeerId {
    return this.#context.state.peerId
  }

  // Its life.

  /** Where the pool stands. */
  get status(): PoolStatus {
    return this.#lifecycle.status
  }

  /**
   * Loads what was saved (at most two seconds; a storage that is slower or broken is reported and tried again), takes
   * incoming links, begins to keep the band. Idempotent: all calls wait for the same start. Rejects with `PoolError`
   * `destroyed`, or with what the network says when it cannot start: the pool is stopped then and may be started again.
   */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  /** Begins to load what `start` waits for, so that it is there by then. Never rejects: a failure shows at the start, which tries again. */
  protected preload(): Promise<unknown> {
    return this.#lifecycle.load().catch(() => undefined)
  }

  /** Says goodbye to all, saves, releases storage and network. Idempotent; the pool may be started again. Never rejects. */
  stop(): Promise<void> {
    return this.#lifecycle.end('stopped', { kind: 'going-away' })
  }

  /** Tears all connections down with `pool-destroyed`, saves, and is of no use afterwards. Idempotent. Octez: `destroy`. */
  destroy(): Promise<void> {
    return this.#lifecycle.end('destroyed', { kind: 'pool-destroyed' })
  }

  /**
   * The host is hidden, leaves, or is offline: saves, and lives on as `keep` says; another call may say otherwise. `resume` undoes
   * it. Resolves when saved. Does nothing unless the pool runs.
   */
  async suspend(options: { keep?: SuspendedKeep } = {}): Promise<void> {
    const [{ keep = 'band' }] = this.#context.take('suspend', options)
    await this.#lifecycle.suspend(keep)
  }

  /** Awake, or online again: what failed meanwhile counts for nothing, every link must answer, and the band is looked at now. */
  resume(): void {
    this.#lifecycle.resume()
  }

  /** Writes what changed now. Resolves when it is stored; a failure is an event, not a rejection. Octez: `save_peers`. */
  async savePeers(): Promise<void> {
    await this.#lifecycle.persistence.save()
  }

  // The band.

  /** The band that is kept now; frozen. While suspended it is the narrower one of this and `suspendedBand`. */
  get band(): ConnectionBand {
    return this.#context.state.band
  }

  /**
   * Keeps another band from now on: closes down to a smaller one, fills a larger one. While suspended it counts from `resume` on.
   * Throws `PoolError` `invalid-config` naming field, value and range. libp2p's own limit stays as it was made: three
   * times the `maxConnections` of the config, at least 300.
   */
  setBand(band: ConnectionBand): void {
    const [ordinary] = this.#context.take('setBand', band)
    this.#context.state.changeBand({ ordinary })
  }

  /** Looks at the band now. Resolves when it is kept, or when nothing can be done for it at the moment. Never rejects. */
  maintain(): Promise<void> {
    return this.#lifecycle.maintenance.maintain()
  }

  // Connections.

  /** Running connections. Octez: `active_connections`. */
  get activeConnections(): number {
    return this.#context.state.active
  }

  /** The connected peers with their records. Octez: `connected_peer_ids`. */
  get connectedPeerIds(): ReadonlyMap<PeerId, PeerInfo<PeerMeta>> {
    return new Map(this.peers.connected())
  }

  /**
   * Connects to a point now, whatever its back-off. Resolves with the running connection. Rejects with `PoolError`: `rejected` with
   * a `Rejection`, `table-full`, `not-started`, `destroyed`, `invalid-point`, `invalid-argument`; or with the signal's reason if it had fired before.
   */
  async connect(point: Point, options: ConnectOptions = {}): Promise<Connection<Msg, ConnMeta>> {
    const [, checked] = this.#context.take('connect', point, options)
    this.#lifecycle.mustRun('connect')
    return (await this.#lifecycle.connector.connect(point, checked)) as unknown as Connection<Msg, ConnMeta>
  }

  /**
   * Ends the connection with a peer; resolves when it has ended, at once if there is none. Maintenance leaves the peer alone for about
   * `reconnection.afterConnectionMs`, and the peer is asked to do the same; a `connect` of either side, or a `resume`, ends that.
   */
  async disconnect(peerId: PeerId, reason: DisconnectReason | string = 'asked to'): Promise<void> {
    this.#context.take('disconnect', peerId, reason)
    await this.#context.state.connection(peerId)?.disconnect(reason, this.#context.config.reconnection.afterConnectionMs)
  }

  /**
   * Makes a text by which a newcomer joins through this peer: by one of our points, or by an answer that a person carries back. Rejects with
   * `PoolError`: `too-many-waiting` beyond eight open ones, `invalid-invitation` where nobody could reach us, `invalid-argument`, `not-started`,
   * `destroyed`.
   */
  async invite(options: InviteOptions = {}): Promise<Invitation> {
    return (await this.#lifecycle.invitations('invite')).invite(options)
  }

  /**
   * Joins by the invitation of another peer, whose id it resolves with once connected. Waits for a carried answer until the invitation expires.
   * Rejects as `connect`, and with `PoolError` `invalid-invitation` for a text that is none, our own, of another network, or expired.
   */
  async join(text: string, options: JoinOptions = {}): Promise<PeerId> {
    return (await this.#lifecycle.invitations('join')).join(text, options)
  }

  /** Ends all connections and attempts; resolves when they are gone. The pool goes on. Octez: `tear_down_connections`. */
  async tearDownConnections(given: DisconnectReason | string): Promise<void> {
    const [reason] = this.#context.take('tearDownConnections', given as DisconnectReason)
    await this.#lifecycle.tearDown(reason)
  }

  /**
   * Sends to all running connections but `except`; returns how many took it. Those that are behind by too much (256 messages or 2 MiB
   * wait for them) are left out: `connection.stat.messagesDropped` counts it, and the event `messages-dropped` tells it. Throws `PoolError` `message-too-large`, or `invalid-argument` for what the codec makes no bytes of.
   */
  broadcast(message: Msg, options: { except?: readonly PeerId[] } = {}): number {
    const [, { except = [] }] = this.#context.take('broadcast', message, options)
    return offerToAll(this.#context.state.connections(), encodePayload<unknown>(this.#context.config, message), except)
  }

  // What is known.

  /** The point and peer id that a text means (a multiaddr, or `addr:port#peer_id`). Throws `PoolError` `invalid-point`. */
  parsePoint(text: string): ParsedPoint {
    return this.#context.network.parsePoint(text)
  }

  /** A peer id in its canonical text. Throws `PoolError` `invalid-peer-id`. */
  parsePeerId(text: string): PeerId {
    return this.#context.network.parsePeerId(text)
  }

  /**
   * Makes a point known that a person or a config names: it may be dialed from now on, also if it was taken for our own. An expected peer id acts
   * as `setExpectedPeerId`. Throws `PoolError` `table-full`. Octez: `register_point`.
   */
  registerPoint(point: Point, options: { trusted?: boolean | undefined; expectedPeerId?: PeerId | undefined } = {}): PointInfo {
    const [, { trusted, expectedPeerId }] = this.#context.take('registerPoint', point, options)
    const { points } = this.#context.state
    const info = points.register(point, { trusted })
    if (expectedPeerId !== undefined) points.expect(point, expectedPeerId)
    return info
  }

  /** Forgets a point; its running connection, if any, stays. Octez: `unregister_point`. */
  unregisterPoint(point: Point): void {
    this.#context.take('unregisterPoint', point)
    this.#context.state.points.forget(point)
  }

  /**
   * Makes a point known that the program found by itself, in a list for example: as `registerPoint`, but returns `undefined` for a point of our
   * own or when the table is full. Octez: `register_new_point`.
   */
  registerNewPoint(point: Point, options: { trusted?: boolean | undefined } = {}): PointInfo | undefined {
    const [, { trusted }] = this.#context.take('registerNewPoint', point, options)
    return this.#context.state.points.registerNew(point, { trusted })
  }

  /** Points that a peer advertised; returns how many were new and taken. Octez: `register_list_of_new_points`. */
  registerNewPoints(
    given: readonly ParsedPoint[],
    origin: { discoverySource: DiscoverySource; source: PeerId; trusted?: boolean | undefined }
  ): number {
    const [points, { discoverySource, source, trusted }] = this.#context.take('registerNewPoints', given, origin)
    const { state } = this.#context
    if (trusted !== true) return state.claims.learn(points, { peerId: source, host: state.connection(source)?.host, discoverySource })
    const fresh = points.filter(({ point }) => state.points.get(point) === undefined)
    return fresh.filter(({ point }) => state.points.registerNew(point, { discoverySource, source, trusted }) !== undefined).length
  }

  /** Makes a peer known. Throws `PoolError` `table-full`. Octez: `register_peer`. */
  registerPeer(peerId: PeerId): PeerInfo<PeerMeta> {
    this.#context.take('registerPeer', peerId)
    return this.#context.state.peers.register(peerId) as PeerInfo<PeerMeta>
  }

  /**
   * Only that peer may answer at the point from now on; resolves when any other peer there has been disconnected. Saved; but at the
   * next start a point of `trustedPoints` expects what the config says. Octez: `set_expected_peer_id`.
   */
  async setExpectedPeerId(point: Point, peerId: PeerId): Promise<void> {
    this.#context.take('setExpectedPeerId', point, peerId)
    await allClosed(this.#context.state.points.expect(point, peerId))
  }

  /** The point is our own: it is forgotten, and never registered or dialed again. At most 16 are remembered, the oldest goes. Octez: `add_to_id_points`. */
  addToIdPoints(point: Point): void {
    this.#context.take('addToIdPoints', point)
    this.#context.state.points.addOwn(point)
  }

  /**
   * Up to `size` known points that are not banned, 3/5 of them the best, 2/5 at random; only public ones with `ignorePrivate`.
   * Throws `PoolError` `invalid-argument` for a negative or fractional size. Octez: `list_known_points`.
   */
  listKnownPoints(which: { ignorePrivate: boolean; size?: number }): Point[] {
    const [{ ignorePrivate, size = defaultListing }] = this.#context.take('listKnownPoints', which)
    return this.#context.state.points.list({ ignorePrivate, size })
  }

  /** The application's score; 0 if it has none: the default one is of peers, not of metadata. Octez: `score`. */
  score(metadata: PeerMeta): number {
    return this.#context.config.peerMetadata.score?.(metadata) ?? 0
  }

  // Access lists.

  /** Lists any host, a local one too, in any spelling that `points.banHost` takes; a trusted one is left alone. Octez: `greylist_addr`. */
  greylistAddress(host: Host | string): void {
    const [canonical] = this.#context.take('greylistAddress', host as Host)
    this.#context.state.access.greylist({ host: canonical, cause: 'asked to', byOperator: true })
  }

  /**
   * Greylists the peer and, if it is connected, its host, unless that is on a local network; its connections end. Trusted peers are
   * left alone. Octez: `greylist_peer`.
   */
  greylistPeer(peerId: PeerId): void {
    this.#context.take('greylistPeer', peerId)
    const { state } = this.#context
    state.access.greylist({ peerId, host: state.connection(peerId)?.host, cause: 'asked to' })
  }

  /** Lifts all greylistings, of peers and hosts; bans stay. Octez: `clear_greylist`, which frees the hosts alone. */
  clearGreylist(): void {
    this.#context.state.access.clearGreylist()
  }

  /** Fades the greylist by one step now. Octez: `gc_greylist`. */
  gcGreylist(): void {
    this.#context.state.access.fadeGreylist()
  }

  /** Lifts all bans and greylistings. Octez: `acl_clear`. */
  clearAcl(): void {
    this.#context.state.access.clear()
  }

  // What it shows and tells.

  /**
   * Everything there is to show, as plain JSON. Cheap when nothing changed: only the counters are read again. Throws `PoolError`
   * `not-started` before the first start.
   */
  snapshot(): PoolSnapshot {
    return this.#lifecycle.lateFor('snapshot').snapshot(this.#lifecycle.frame)
  }

  /**
   * What `snapshot` gave first after the last change: the same object until something but the counters of connections changed. `undefined`
   * before the first start. Never throws. It and `subscribe` need no `this`, for `useSyncExternalStore` and the like.
   */
  readonly getSnapshot = (): PoolSnapshot | undefined => this.#lifecycle.unchanged()

  /**
   * Calls the listener after each event `change`, until the returned function is called. Each call counts by itself. A listener that
   * throws is logged. Throws `PoolError` `invalid-argument` for one that is no function.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.#context.events.subscribe('change', listener)

  /** Connected, or why not and when it will be tried next. Takes a point or a peer id. Throws `PoolError` `not-started` before the first start. */
  explain(what: Point | PeerId): Explanation {
    this.#context.take('explain', what)
    return this.#lifecycle.lateFor('explain').explanations.explain(what, this.status)
  }

  /** What maintenance does now, and why. Throws `PoolError` `not-started` before the first start. */
  explainBand(): BandExplanation {
    return this.#lifecycle.lateFor('explainBand').explanations.explainBand(this.status)
  }

  /**
   * Calls the listener for each event of that name from now on, after the change and outside of the call that caused it. A listener that throws,
   * or whose promise rejects, is logged. A listener that was added already is not added again. Throws `PoolError` `invalid-argument` for an unknown name or for a listener that is no function.
   */
  addEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    this.#context.events.addEventListener(type, listener)
  }

  /** Undoes `addEventListener`; a listener that was not added is no error. Throws as `addEventListener` does. */
  removeEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    this.#context.events.removeEventListener(type, listener)
  }

  /** The next event of that name. Rejects with the signal's reason, or with `PoolError` `invalid-argument` for an unknown name. */
  next<Name extends PoolEventName>(type: Name, options: { signal?: AbortSignal | undefined } = {}): Promise<PoolEvent<Name>> {
    return this.#context.events.next(type, options)
  }
}
