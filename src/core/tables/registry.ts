/**
 * What the operator says: points and peers registered and forgotten, trust, bans, expected peer ids, the band. Nothing that a peer
 * sends comes here: that is for `claims.ts`. Synchronous. Where a change makes running connections wrong, it cancels the attempts
 * and returns the connections, which the caller disconnects.
 */

import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import { isInRange, parseIp, tryParseRange } from '../values/ip.ts'
import { PoolError } from '../values/reason.ts'
import { noBackoff } from './attempt.ts'
import type { BandChange } from './band.ts'
import type { Lifted } from './bans.ts'
import { findOrInsertPoint } from './claims.ts'
import type { PeerRecord } from './peer.ts'
import type { PointInfo, PointRecord } from './point.ts'
import { resetReconnection } from './point.ts'
import { isOperators } from './point-quota.ts'
import type { PoolState } from './pool-state.ts'
import type { Origin } from './pool-view.ts'

/** Where a point comes from, and what becomes of its trust; nothing, if that is not given. */
type OriginOfTrust = Origin & { readonly trusted?: boolean | undefined }

export class Registry<PeerMeta, C extends RunningConnection = RunningConnection> {
  readonly #state: PoolState<PeerMeta, C>

  constructor(state: PoolState<PeerMeta, C>) {
    this.#state = state
  }

  /** Another band from now on. More may be running than it holds: closing down to it is for maintenance. */
  changeBand(change: BandChange): void {
    const { band, emit } = this.#state.parts
    if (band.change(change, this.#state.slotsTaken)) emit('band-changed', { band: band.kept })
  }

  /**
   * The record of a point, made if it is new. `trusted`, if given, is set or cleared. Throws `PoolError` `table-full` when
   * nothing in the table may go. Source: `register_point`.
   */
  registerPoint(point: Point, options: OriginOfTrust = {}): PointInfo {
    return this.#register(point, options)
  }

  #register(point: Point, options: OriginOfTrust = {}): PointRecord {
    const record = this.#insert(point, options)
    if (record === undefined) {
      throw new PoolError('table-full', `${point}: all ${this.#state.parts.points.size} known points are connected, trusted or worth more`)
    }
    return record
  }

  /** As `registerPoint`, but `undefined` for a point of our own, or when the table has no place. Source: `register_new_point`. */
  registerNewPoint(point: Point, options: OriginOfTrust = {}): PointInfo | undefined {
    return this.#state.isOwnPoint(point) ? undefined : this.#insert(point, options)
  }

  #insert(point: Point, options: OriginOfTrust): PointRecord | undefined {
    const record = findOrInsertPoint(this.#state, point, options)
    if (record === undefined) return undefined
    if (options.trusted !== false && !isOperators(record)) this.#state.parts.points.setRegistered(record)
    if (options.trusted !== undefined && options.trusted !== record.trusted) this.#trustPoint(record, options.trusted)
    else if (options.trusted === true) this.#state.parts.changed('operator')
    return record
  }

  /** The points of the config. */
  configure(points: readonly ParsedPoint[]): void {
    for (const { point, expectedPeerId } of points) {
      const record = this.#register(point, { trusted: true })
      if (expectedPeerId !== undefined) this.#state.parts.points.setExpectedPeerId(record, expectedPeerId)
    }
  }

  /** The operator connects to a point: trust and id, if given, hold from now on, and its back-off is forgotten. */
  wanted(point: Point, { trusted, expectedPeerId }: { trusted?: boolean | undefined; expectedPeerId?: PeerId | undefined }): PointInfo {
    const record = this.#register(point, { trusted })
    if (expectedPeerId !== undefined) {
      this.#state.parts.points.setExpectedPeerId(record, expectedPeerId)
      this.#state.parts.changed('operator')
    }
    resetReconnection(record)
    return record
  }

  /** Forgets a point; its running connection, if any, stays. Source: `unregister_point`. */
  unregisterPoint(point: Point): void {
    const record = this.#state.parts.points.get(point)
    if (record === undefined) return
    if (record.state.kind === 'requested' || record.state.kind === 'accepted') {
      this.#cancel((attempt) => attempt.point === point, 'its point was unregistered')
    }
    this.#state.parts.points.remove(point)
    this.#state.parts.changed()
  }

  /** The point turned out to be our own: it is forgotten, and never registered or dialed again. Source: `add_to_id_points`. */
  addOwnPoint(point: Point): void {
    this.#state.addOwnPoint(point)
    this.unregisterPoint(point)
  }

  /** The record of a peer, made if it is new; `undefined` when nothing in the table may go. Source: `register_peer`. */
  registerPeer(peerId: PeerId): PeerRecord<PeerMeta> | undefined {
    const { parts } = this.#state
    const known = parts.peers.get(peerId)
    if (known !== undefined) return known
    const before = parts.peers.size
    const record = parts.peers.insert(peerId, { createdAt: parts.clock.date(), metadata: parts.config.peerMetadata.initial() })
    const removed = before + (record === undefined ? 0 : 1) - parts.peers.size
    if (removed > 0) parts.emit('peers-collected', { removed })
    if (record !== undefined) {
      parts.emit('new-peer', { peerId })
      parts.changed()
    }
    return record
  }

  #trustPoint(record: PointRecord, trusted: boolean): void {
    const { parts } = this.#state
    parts.points.setTrusted(record, trusted)
    if (trusted && record.host !== undefined) this.#state.access.ungreylistHost(record.host)
    parts.emit('trust-changed', { point: record.point, peerId: undefined, trusted })
    parts.changed('operator')
  }

  setPeerTrusted(record: PeerRecord<PeerMeta>, trusted: boolean): void {
    const { parts } = this.#state
    parts.peers.setTrusted(record, trusted)
    if (trusted) this.#state.access.ungreylistPeer(record.peerId)
    parts.emit('trust-changed', { peerId: record.peerId, point: undefined, trusted })
    parts.changed('operator')
  }

  /**
   * From now on only that peer may answer at the point. A dial or a handshake there that is with another is cancelled, and the
   * host greylisted; a running connection with another peer is returned to be disconnected. Registers the point if it is unknown;
   * throws as `registerPoint`. Source: `set_expected_peer_id`.
   */
  setExpectedPeerId(point: Point, peerId: PeerId): C | undefined {
    const record = this.#register(point)
    this.#state.parts.points.setExpectedPeerId(record, peerId)
    this.#state.parts.changed('operator')
    const { state } = record
    if (state.kind === 'requested' && state.attempt.expectedPeerId !== peerId) {
      this.#cancel((attempt) => attempt.point === record.point, 'another peer is expected at its point now')
    }
    const there = state.kind === 'accepted' ? state.peerId : state.kind === 'running' ? state.connection.peerId : undefined
    if (there === undefined || there === peerId) return undefined
    this.#state.greylist({ host: record.host, cause: `${record.point} answered as ${there}, ${peerId} is expected` })
    if (state.kind === 'accepted') this.#cancel((attempt) => attempt.point === record.point, 'another peer is expected at its point now')
    return this.#state.connection(there)
  }

  /** Bans a peer, until `endsAt` (wall clock) or for good; returns its running connection. Idempotent. Source: `Peers.ban`. */
  banPeer(peerId: PeerId, endsAt?: number): C | undefined {
    const { parts, access } = this.#state
    access.bans.banPeer(peerId, { date: parts.clock.date(), endsAt })
    this.#cancel((attempt) => attempt.peerId === peerId || attempt.expectedPeerId === peerId, `peer ${peerId} was banned`)
    parts.emit('peer-banned', { peerId })
    parts.changed('operator')
    return this.#state.connection(peerId)
  }

  unbanPeer(peerId: PeerId): void {
    if (this.#state.access.unbanPeer(peerId)) this.#lifted({ peers: [peerId], hosts: [], ranges: [] })
  }

  /**
   * Bans a host, whatever the port; with `banPeers`, those who are connected from it too. Returns the running connections
   * from there. Source: `Points.ban`.
   */
  banHost(host: Host, { banPeers, endsAt }: { banPeers: boolean; endsAt?: number | undefined }): C[] {
    const { parts, access } = this.#state
    const isThere = (place: Place): boolean => this.#hostsOf(place).includes(host)
    const connections = [...this.#state.connections()].filter(isThere)
    const peers = banPeers ? connections.map((connection) => connection.peerId) : []
    access.bans.banHost(host, { peers, date: parts.clock.date(), endsAt })
    this.#cancel((attempt) => isThere(attempt) || isOneOf(peers, attempt), `host ${host} was banned`)
    parts.emit('host-banned', { host })
    for (const peerId of peers) parts.emit('peer-banned', { peerId })
    parts.changed('operator')
    return connections
  }

  unbanHost(host: Host): void {
    this.#lifted(this.#state.access.unbanHost(host))
  }

  /** Bans an address range such as `192.0.2.0/24`; as `banHost`. Throws `PoolError` `invalid-point` for a text that is no range. */
  banRange(range: string, { banPeers, endsAt }: { banPeers: boolean; endsAt?: number | undefined }): C[] {
    const { parts, access } = this.#state
    const isWithin = within([range])
    const isThere = (place: Place): boolean => this.#hostsOf(place).some(isWithin)
    const connections = [...this.#state.connections()].filter(isThere)
    const peers = banPeers ? connections.map((connection) => connection.peerId) : []
    const text = access.bans.banRange(range, { peers, date: parts.clock.date(), endsAt })
    this.#cancel((attempt) => isThere(attempt) || isOneOf(peers, attempt), `the range ${range} was banned`)
    parts.emit('range-banned', { range: text })
    for (const peerId of peers) parts.emit('peer-banned', { peerId })
    parts.changed('operator')
    return connections
  }

  unbanRange(range: string): void {
    this.#lifted(this.#state.access.bans.unbanRange(range))
  }

  /** Lifts all bans and greylistings. Source: `acl_clear`. */
  clearAcl(): void {
    this.#lifted(this.#state.access.clear())
  }

  /** Every back-off is forgotten: they were made by a network that was not there. */
  resetReconnections(): void {
    this.#state.awokeAt = this.#state.parts.clock.now()
    for (const record of this.#state.parts.points) resetReconnection(record)
    for (const record of this.#state.peers()) if (record.backoff !== noBackoff) record.fromProof().backoff = noBackoff
    this.#state.dials.answered()
  }

  /** Tells what is free again. What the ban did must not linger in the back-offs. */
  #lifted({ peers, hosts, ranges }: Lifted): void {
    const { parts } = this.#state
    const free = new Set<string | undefined>([...peers, ...hosts])
    if (free.size + ranges.length === 0) return
    const isWithin = within(ranges)
    for (const record of this.#state.parts.points) {
      const { host, expectedPeerId, claimedBy, lastDisconnection } = record
      const concerned = (host !== undefined && free.has(host)) || isWithin(host)
      if (concerned || free.has(expectedPeerId) || free.has(claimedBy) || free.has(lastDisconnection?.peerId)) resetReconnection(record)
    }
    for (const peerId of peers) {
      const record = this.#state.peer(peerId)
      if (record !== undefined) record.fromProof().backoff = noBackoff
    }
    for (const host of hosts) parts.emit('host-unbanned', { host })
    for (const peerId of peers) parts.emit('peer-unbanned', { peerId })
    for (const range of ranges) parts.emit('range-unbanned', { range })
    parts.changed('operator')
  }

  /** The host in the address, and where its name led. */
  #hostsOf({ host, point }: Place): Host[] {
    const address = point === undefined ? undefined : this.#state.point(point)?.address
    return [host, address].filter((one) => one !== undefined)
  }

  #cancel(concerns: (attempt: Concern) => boolean, detail: string): void {
    for (const attempt of [...this.#state.attempts()]) if (concerns(attempt)) attempt.cancel({ kind: 'cancelled', detail })
  }
}

/** Where an attempt or a connection leads. */
type Place = Pick<Attempt, 'host' | 'point'>

/** What tells whether an attempt is hit by a ban or a change. */
type Concern = Pick<Attempt, 'point' | 'peerId' | 'expectedPeerId' | 'host'>

/** Is a host in one of these ranges? */
function within(texts: readonly string[]): (host: Host | undefined) => boolean {
  const ranges = texts.map(tryParseRange)
  return (host) => {
    const address = host === undefined || ranges.length === 0 ? undefined : parseIp(host)
    return address !== undefined && ranges.some((range) => range !== undefined && isInRange(address, range))
  }
}

function isOneOf(peers: readonly PeerId[], { peerId, expectedPeerId }: Concern): boolean {
  return peers.some((banned) => banned === peerId || banned === expectedPeerId)
}
