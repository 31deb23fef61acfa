/**
 * Points and peers coming in and going out, trust, bans, expected peer ids: what the operator and the exchange do to the
 * tables, beside attempts. Synchronous. Where a change makes running connections wrong, it cancels the attempts and
 * returns the connections, which the caller disconnects.
 */

import { firstHopOf, groupOfTeller, hostOf, isRelayed, scopeOf } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import { parseIp } from '../values/ip.ts'
import { PoolError } from '../values/reason.ts'
import { noBackoff } from './backoff.ts'
import type { BandChange } from './band.ts'
import type { Lifted } from './bans.ts'
import { isInRange, parseRange } from './cidr.ts'
import type { PeerRecord } from './peer-state.ts'
import type { Medium } from './point-info.ts'
import type { PointRecord } from './point-record.ts'
import { resetReconnection } from './point-state.ts'
import type { PoolState } from './pool-state.ts'

/** How a point came, if not by the operator. */
interface Origin {
  readonly trusted?: boolean
  readonly medium?: Medium
  readonly source?: PeerId
  readonly sourceGroup?: string
}

/** Where points come from: the peer who told us, at the host we see, and how. */
export interface PointSource {
  readonly peerId: PeerId
  readonly host: Host | undefined
  readonly medium: Medium
}

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
  registerPoint(point: Point, options: Origin = {}): PointRecord {
    const record = this.#findOrInsert(point, options)
    if (record === undefined) {
      throw new PoolError('table-full', `${point}: all ${this.#state.parts.points.size} known points are connected, trusted or worth more`)
    }
    if (options.trusted !== undefined && options.trusted !== record.trusted) this.setPointTrusted(record, options.trusted)
    return record
  }

  /** As `registerPoint`, but `undefined` for a point of our own, or when the table has no place. Source: `register_new_point`. */
  registerNewPoint(point: Point, options: Origin = {}): PointRecord | undefined {
    if (this.#state.isOwnPoint(point)) return undefined
    const record = this.#findOrInsert(point, options)
    if (record !== undefined && options.trusted !== undefined && options.trusted !== record.trusted)
      this.setPointTrusted(record, options.trusted)
    return record
  }

  #findOrInsert(point: Point, { trusted, medium = 'operator', source, sourceGroup }: Origin): PointRecord | undefined {
    const { parts } = this.#state
    const known = parts.points.get(point)
    if (known !== undefined) return known
    const before = parts.points.collected
    const record = parts.points.insert(point, { source, sourceGroup, medium, trusted: trusted ?? false, discoveredAt: parts.clock.date() })
    const removed = parts.points.collected - before
    if (removed > 0) parts.emit('gc-points', { removed })
    if (record !== undefined) {
      if (record.trusted && record.host !== undefined) this.#state.access.ungreylistHost(record.host)
      parts.emit('new-point', { point, medium, source })
      parts.changed()
    }
    return record
  }

  /** Points that a stranger told: each is taken or left for itself. Returns how many were new. Source: `register_list_of_new_points`. */
  learn(points: readonly ParsedPoint[], source: PointSource): number {
    let taken = 0
    const origin: Origin = { medium: source.medium, source: source.peerId, sourceGroup: groupOfTeller(source.host) }
    for (const { point, expectedPeerId } of points) {
      if (expectedPeerId === this.#state.peerId || this.#state.point(point) !== undefined || !this.mayTell(source.host, point)) continue
      if (this.#state.hostBar(hostOf(point), false) !== undefined) continue
      if (expectedPeerId !== undefined && this.#state.peerBar(expectedPeerId) !== undefined) continue
      const record = this.registerNewPoint(point, origin)
      if (record === undefined) continue
      if (isRelayed(point)) record.expectedPeerId = expectedPeerId
      taken++
    }
    return taken
  }

  /**
   * Points that a peer, which proved its id, says are its own. Returns the records of those that cannot be another's: relayed,
   * with its own id as the target, or on the host that we see it at where we met nobody else. Its word makes these public, and an incoming link may
   * stand for one of them; for others a dial of ours must tell. Of a point that we know from elsewhere its word changes
   * nothing: else one peer could claim all others' points, and we would neither dial nor tell them.
   */
  learnOwn(
    points: readonly ParsedPoint[],
    peer: { peerId: PeerId; host: Host | undefined; isPrivate: boolean; trusted: boolean }
  ): PointRecord[] {
    const { parts } = this.#state
    const records: PointRecord[] = []
    const origin: Origin = { medium: 'hello', source: peer.peerId, sourceGroup: groupOfTeller(peer.host) }
    for (const { point, expectedPeerId } of points) {
      if (expectedPeerId !== undefined && expectedPeerId !== peer.peerId) continue
      if (!peer.trusted && !this.mayTell(peer.host, point)) continue
      const record = this.registerNewPoint(point, origin)
      if (record === undefined || (record.expectedPeerId ?? peer.peerId) !== peer.peerId) continue
      const met = record.lastEstablished?.peerId
      const isThere = peer.host !== undefined && record.host === peer.host && (met ?? peer.peerId) === peer.peerId
      const isProven = isRelayed(point) ? expectedPeerId === peer.peerId : isThere
      if (!isProven && met !== peer.peerId && record.source !== parts.points.nameOf(peer.peerId, origin.sourceGroup)) continue
      record.claimedBy = peer.peerId
      record.isClaimProven = isProven
      if (isRelayed(point)) record.expectedPeerId = peer.peerId
      if (peer.isPrivate) record.isPublic = false
      else if (isProven) record.isPublic = true
      parts.points.reindex(record)
      if (isProven) records.push(record)
    }
    if (peer.isPrivate) this.#hide(parts.peers.get(peer.peerId)?.lastEstablished?.point)
    parts.changed()
    return records.filter((record) => parts.points.get(record.point) === record)
  }

  /** The peer signed that these points are its own. That changes nothing else of them: anybody can sign any address. */
  certify(signed: readonly Point[], by: PeerId): void {
    for (const point of signed) {
      const record = this.#state.point(point)
      if (record?.claimedBy !== by || record.isSigned) continue
      record.isSigned = true
      this.#state.parts.changed('shown')
    }
  }

  /** Where a peer that is private now was met before. */
  #hide(point: Point | undefined): void {
    const record = point === undefined ? undefined : this.#state.point(point)
    if (record === undefined) return
    record.isPublic = false
    this.#state.parts.points.reindex(record)
  }

  /**
   * May somebody at this host tell us of this point? Points on loopback, private and link-local networks are taken only from
   * a peer that is itself on such a network, or if the operator allows it; never those that no host can have.
   */
  mayTell(tellerHost: Host | undefined, point: Point): boolean {
    const host = firstHopOf(point)
    if (host === undefined) return true
    const scope = scopeOf(host)
    if (scope === 'unroutable') return false
    if (scope === 'public' || scope === 'name' || this.#state.config.allowPrivatePoints) return true
    if (tellerHost === undefined) return false
    const teller = scopeOf(tellerHost)
    return teller === 'loopback' || (scope !== 'loopback' && teller === scope)
  }

  /** Forgets a point; its running connection, if any, stays. Source: `unregister_point`. */
  unregisterPoint(point: Point): void {
    const record = this.#state.point(point)
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
    if (removed > 0) parts.emit('gc-peers', { removed })
    if (record !== undefined) {
      parts.emit('new-peer', { peerId })
      parts.changed()
    }
    return record
  }

  setPointTrusted(record: PointRecord, trusted: boolean): void {
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
   * host greylisted; a running connection with another peer is returned to be disconnected. Source: `set_expected_peer_id`.
   */
  setExpectedPeerId(record: PointRecord, peerId: PeerId): C | undefined {
    record.expectedPeerId = peerId
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
    access.banPeer(peerId, { date: parts.clock.date(), endsAt })
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
  banHost(host: Host, { banPeers, endsAt }: { banPeers: boolean; endsAt?: number }): C[] {
    const { parts, access } = this.#state
    const connections = [...this.#state.connections()].filter((connection) => connection.host === host)
    const peers = banPeers ? connections.map((connection) => connection.peerId) : []
    access.banHost(host, { peers, date: parts.clock.date(), endsAt })
    this.#cancel((attempt) => attempt.host === host || isOneOf(peers, attempt), `host ${host} was banned`)
    parts.emit('host-banned', { host })
    for (const peerId of peers) parts.emit('peer-banned', { peerId })
    parts.changed('operator')
    return connections
  }

  unbanHost(host: Host): void {
    this.#lifted(this.#state.access.unbanHost(host))
  }

  /** Bans an address range such as `192.0.2.0/24`; as `banHost`. Throws `PoolError` `invalid-point` for a text that is no range. */
  banRange(range: string, { banPeers, endsAt }: { banPeers: boolean; endsAt?: number }): C[] {
    const { parts, access } = this.#state
    const parsed = parseRange(range)
    const isWithin = (host: Host): boolean => {
      const address = parseIp(host)
      return parsed !== undefined && address !== undefined && isInRange(address, parsed)
    }
    const connections = [...this.#state.connections()].filter(({ host }) => host !== undefined && isWithin(host))
    const peers = banPeers ? connections.map((connection) => connection.peerId) : []
    access.banRange(range, { peers, date: parts.clock.date(), endsAt })
    const concerns = (attempt: Concern): boolean => (attempt.host !== undefined && isWithin(attempt.host)) || isOneOf(peers, attempt)
    this.#cancel(concerns, `the range ${range} was banned`)
    for (const peerId of peers) parts.emit('peer-banned', { peerId })
    parts.changed('operator')
    return connections
  }

  unbanRange(range: string): void {
    this.#lifted(this.#state.access.unbanRange(range))
  }

  /** Every back-off is forgotten: they were made by a network that was not there. */
  resetReconnections(): void {
    this.#state.awokeAt = this.#state.parts.clock.now()
    for (const record of this.#state.points()) resetReconnection(record)
    for (const record of this.#state.peers()) if (record.backoff !== noBackoff) record.own().backoff = noBackoff
    this.#state.dials.connected()
  }

  /** Tells what is free again. What the ban did must not linger in the back-offs. */
  #lifted({ peers, hosts }: Lifted): void {
    const { parts } = this.#state
    const free = new Set<string | undefined>([...peers, ...hosts])
    if (free.size === 0) return
    for (const record of this.#state.points()) {
      const { host, expectedPeerId, claimedBy, lastDisconnection } = record
      const concerned = host !== undefined && free.has(host)
      if (concerned || free.has(expectedPeerId) || free.has(claimedBy) || free.has(lastDisconnection?.peerId)) resetReconnection(record)
    }
    for (const peerId of peers) {
      const record = this.#state.peer(peerId)
      if (record !== undefined) record.own().backoff = noBackoff
    }
    for (const host of hosts) parts.emit('host-unbanned', { host })
    for (const peerId of peers) parts.emit('peer-unbanned', { peerId })
    parts.changed('operator')
  }

  #cancel(concerns: (attempt: Concern) => boolean, detail: string): void {
    for (const attempt of [...this.#state.attempts()]) if (concerns(attempt)) attempt.cancel({ kind: 'cancelled', detail })
  }
}

/** What tells whether an attempt is hit by a ban or a change. */
type Concern = Pick<Attempt, 'point' | 'peerId' | 'expectedPeerId' | 'host'>

function isOneOf(peers: readonly PeerId[], { peerId, expectedPeerId }: Concern): boolean {
  return peers.some((banned) => banned === peerId || banned === expectedPeerId)
}
