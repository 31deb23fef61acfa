/**
 * The verbs of the pool upon what it knows: registering, own points, listings, greylists, and what is running. `PeerPool` is made
 * upon them; what concerns one known point or peer is in `points.ts` and `peers.ts`.
 */

import type { FlowContext } from '../flows/context.ts'
import { encodePayload } from '../flows/payload.ts'
import type { PeerInfo } from '../tables/peer.ts'
import type { DiscoverySource, PointInfo } from '../tables/point.ts'
import { defaultListing } from '../values/bounds.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import { type DisconnectReason, PoolError } from '../values/reason.ts'
import { encodeMessage } from '../wire/encode.ts'
import { Connections } from './connections.ts'
import { News } from './news.ts'
import { Peers } from './peers.ts'
import { Points } from './points.ts'

export class Registering<Msg, PeerMeta, ConnMeta> extends News {
  readonly connections: Connections<Msg, PeerMeta, ConnMeta>
  readonly peers: Peers<Msg, PeerMeta, ConnMeta>
  readonly points: Points<Msg, PeerMeta, ConnMeta>
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    super(context.events)
    this.#context = context
    this.connections = new Connections(context)
    this.peers = new Peers(context)
    this.points = new Points(context)
  }

  // What is running.

  /** Running connections. Source: `active_connections`. */
  get activeConnections(): number {
    return this.#context.state.active
  }

  /** Source: `connected_peer_ids`. */
  get connectedPeerIds(): ReadonlyMap<PeerId, PeerInfo<PeerMeta>> {
    return new Map(this.peers.connected())
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
   * Sends to all running connections but `except`; returns how many took it. Those that are behind by too much (256 messages or 2 MiB
   * wait for them) are left out: `connection.stat.messagesDropped` counts it, and the event `messages-dropped` tells it. Throws `PoolError` `message-too-large`, or `invalid-argument` for what the codec makes no bytes of.
   */
  broadcast(message: Msg, options: { except?: readonly PeerId[] } = {}): number {
    const [, { except = [] }] = this.#context.take('broadcast', message, options)
    const frame = encodeMessage({ kind: 'application', payload: encodePayload(this.#context.config, message) })
    let taken = 0
    for (const connection of this.#context.state.connections()) {
      if (!except.includes(connection.peerId) && connection.offerFrame(frame)) taken++
    }
    return taken
  }

  // What is known.

  /** The point and peer id that a text means (a multiaddr, or `addr:port#peer_id`). Throws `PoolError` `invalid-point`. */
  parsePoint(text: string): ParsedPoint {
    return this.#context.network.parsePoint(text)
  }

  /** Throws `PoolError` `invalid-peer-id`. */
  parsePeerId(text: string): PeerId {
    return this.#context.network.parsePeerId(text)
  }

  /** Throws `PoolError` `table-full`. An expected peer id acts as `setExpectedPeerId`. Source: `register_point`. */
  registerPoint(point: Point, options: { trusted?: boolean | undefined; expectedPeerId?: PeerId | undefined } = {}): PointInfo {
    const [, { trusted, expectedPeerId }] = this.#context.take('registerPoint', point, options)
    const info = this.#context.registry.registerPoint(point, { trusted })
    if (expectedPeerId !== undefined) void this.setExpectedPeerId(point, expectedPeerId)
    return info
  }

  /** Source: `unregister_point`. */
  unregisterPoint(point: Point): void {
    this.#context.take('unregisterPoint', point)
    this.#context.registry.unregisterPoint(point)
  }

  /** `undefined` for a point of our own, or when the table has no place. Source: `register_new_point`. */
  registerNewPoint(point: Point, options: { trusted?: boolean | undefined } = {}): PointInfo | undefined {
    const [, { trusted }] = this.#context.take('registerNewPoint', point, options)
    return this.#context.registry.registerNewPoint(point, { trusted })
  }

  /** Points that a peer told us; returns how many were new and taken. Source: `register_list_of_new_points`. */
  registerNewPoints(
    given: readonly ParsedPoint[],
    origin: { discoverySource: DiscoverySource; source: PeerId; trusted?: boolean | undefined }
  ): number {
    const [points, { discoverySource, source, trusted }] = this.#context.take('registerNewPoints', given, origin)
    const { registry, claims, state } = this.#context
    if (trusted === true) {
      const fresh = points.filter(({ point }) => state.point(point) === undefined)
      return fresh.filter(({ point }) => registry.registerNewPoint(point, { discoverySource, source, trusted }) !== undefined).length
    }
    return claims.learn(points, { peerId: source, host: state.connection(source)?.host, discoverySource })
  }

  /** Throws `PoolError` `table-full`. Source: `register_peer`. */
  registerPeer(peerId: PeerId): PeerInfo<PeerMeta> {
    this.#context.take('registerPeer', peerId)
    const record = this.#context.registry.registerPeer(peerId)
    if (record === undefined) throw new PoolError('table-full', `${peerId}: all known peers are connected, trusted or worth more`)
    return record
  }

  /**
   * Only that peer may answer at the point from now on; resolves when any other peer there has been disconnected. Saved; but at the
   * next start a point of `trustedPoints` expects what the config says. Source: `set_expected_peer_id`.
   */
  async setExpectedPeerId(point: Point, peerId: PeerId): Promise<void> {
    this.#context.take('setExpectedPeerId', point, peerId)
    await this.#context.registry.setExpectedPeerId(point, peerId)?.disconnect({ kind: 'unexpected-peer-id' })
  }

  /** The point is our own: it is forgotten, and never registered or dialed again. At most 16 are remembered, the oldest goes. Source: `add_to_id_points`. */
  addToIdPoints(point: Point): void {
    this.#context.take('addToIdPoints', point)
    this.#context.registry.addOwnPoint(point)
  }

  /**
   * Up to `size` known points that are not banned, 3/5 of them the best, 2/5 at random; only public ones with `ignorePrivate`.
   * Throws `RangeError` for a negative or fractional size. Source: `list_known_points`.
   */
  listKnownPoints(which: { ignorePrivate: boolean; size?: number }): Point[] {
    const [{ ignorePrivate, size = defaultListing }] = this.#context.take('listKnownPoints', which)
    const { state, random } = this.#context
    return state.parts.points.list({
      ignorePrivate,
      size,
      random,
      isBanned: (record) => state.hostBar(record.host, record.trusted) !== undefined
    })
  }

  /** The application's score; 0 if it has none: the default one is of peers, not of metadata. Source: `score`. */
  score(metadata: PeerMeta): number {
    return this.#context.config.peerMetadata.score?.(metadata) ?? 0
  }

  // Access lists.

  /**
   * Lists any host, also one on a local network, in any spelling that `points.banHost` takes. Trusted hosts are left alone. Source:
   * `greylist_addr`.
   */
  greylistAddress(host: Host | string): void {
    const [canonical] = this.#context.take('greylistAddress', host as Host)
    this.#context.state.greylist({ host: canonical, cause: 'asked to', byOperator: true })
  }

  /**
   * Greylists the peer and, if it is connected, its host, unless that is on a local network; its connections end. Trusted peers are
   * left alone. Source: `greylist_peer`.
   */
  greylistPeer(peerId: PeerId): void {
    this.#context.take('greylistPeer', peerId)
    this.#context.state.greylist({ peerId, host: this.#context.state.connection(peerId)?.host, cause: 'asked to' })
  }

  /** Source: `clear_greylist`. */
  clearGreylist(): void {
    this.#context.state.access.clearGreylist()
    this.#context.state.parts.changed('shown')
  }

  /** Fades the greylist by one step now. Source: `gc_greylist`. */
  gcGreylist(): void {
    this.#context.state.access.gcGreylist()
    this.#context.state.parts.changed('shown')
  }

  /** Lifts all bans and greylistings. Source: `acl_clear`. */
  clearAcl(): void {
    this.#context.registry.clearAcl()
  }
}
