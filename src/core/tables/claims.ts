/**
 * The noun `state.claims`: what peers and discoveries say of points, in Advertise, Nack and swap messages, in a Hello, by a discovery
 * of libp2p. A claim brings a point into the table, or is kept beside it as a hint. It never changes trust, bans, expected peer ids, or
 * which peer was connected where.
 */
import { type PointAddress, readPoint, scopeOf, sourceGroupOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import type { Access } from './access.ts'
import { findOrInsertPoint, type KnownPoints, type Registration } from './known-points.ts'
import { type DiscoverySource, notePointAlive, type PointInfo, type PointRecord, setPointClaimed, soughtAt } from './point.ts'
import type { Parts } from './pool-view.ts'

/** The peer that says it, the host where we see that peer, and how it is said. */
export interface ClaimSource {
  readonly peerId: PeerId
  readonly host: Host | undefined
  readonly discoverySource: DiscoverySource
}

/** Dials to a relayed point that failed in a row, until it is forgotten. */
const maxRelayedFailures = 3

const firstHighPort = 1_024
const webPorts = new Set([80, 443])

/** Peers listen on high ports and behind web servers. At other low ports are services that no unknown peer may make us talk to. */
export function isPeerPort({ hop: { port } }: PointAddress): boolean {
  return port === undefined || port >= firstHighPort || webPorts.has(port)
}

export class Claims<PeerMeta, C extends RunningConnection> {
  readonly #parts: Parts<PeerMeta, C>
  readonly #points: KnownPoints<PeerMeta, C>
  readonly #access: Access<PeerMeta, C>

  constructor(parts: Parts<PeerMeta, C>, points: KnownPoints<PeerMeta, C>, access: Access<PeerMeta, C>) {
    this.#parts = parts
    this.#points = points
    this.#access = access
  }

  /** Points of others that a peer names: each is taken or left for itself. Returns how many were new. Octez: `register_list_of_new_points`. */
  learn(points: readonly ParsedPoint[], source: ClaimSource): number {
    let taken = 0
    const origin: Registration = { discoverySource: source.discoverySource, source: source.peerId, sourceGroup: sourceGroupOf(source.host) }
    for (const { point, expectedPeerId } of points) {
      if (expectedPeerId === this.#parts.peerId || this.#parts.points.get(point) !== undefined) continue
      const address = readPoint(point)
      if (!this.mayAdvertise(source.host, address) || this.#access.hostBlock(address.host, false) !== undefined) continue
      if (expectedPeerId !== undefined && this.#access.peerBlock(expectedPeerId) !== undefined) continue
      if (this.#insert(point, { ...origin, address }) !== undefined) taken++
    }
    return taken
  }

  /**
   * Points that a peer, which proved its id, says are its own. Returns those that an incoming link of the peer may stand for: relayed
   * ones with its id as the target, and ones on the host where we see it, unless the operator or a proof says that another peer is
   * there. A trusted point needs that word or proof: naming its port is not enough, since others may share its host. For all other
   * points a dial of ours must show who is there. Of a point that we know from elsewhere the peer's word changes nothing: else one
   * peer could claim all others' points, and we would neither dial nor advertise them.
   */
  learnOwn(
    points: readonly ParsedPoint[],
    peer: { peerId: PeerId; host: Host | undefined; isPrivate: boolean; trusted: boolean }
  ): PointInfo[] {
    const { points: table, changed } = this.#parts
    const records: PointRecord[] = []
    const origin: Registration = { discoverySource: 'hello', source: peer.peerId, sourceGroup: sourceGroupOf(peer.host) }
    for (const { point, expectedPeerId } of points) {
      if (expectedPeerId !== undefined && expectedPeerId !== peer.peerId) continue
      const address = this.#parts.points.get(point) ?? readPoint(point)
      if (!peer.trusted && !this.mayAdvertise(peer.host, address)) continue
      const record = this.#insert(point, { ...origin, address, isOwn: peer.host !== undefined && address.host === peer.host })
      if (record === undefined || (record.expectedPeerId ?? peer.peerId) !== peer.peerId) continue
      const met = record.lastEstablished?.peerId
      const belongs = record.expectedPeerId ?? met ?? (record.trusted ? undefined : peer.peerId)
      const isHere = peer.host !== undefined && record.host === peer.host && belongs === peer.peerId
      const isProven = record.isRelayed ? record.expectedPeerId === peer.peerId : isHere
      if (!isProven && met !== peer.peerId && record.source !== table.quota.nameOf(peer.peerId, origin.sourceGroup)) continue
      setPointClaimed(record, peer.peerId, isProven)
      if (peer.isPrivate) record.asClaimed().isPublic = false
      else if (isProven) record.asClaimed().isPublic = true
      if (isProven) records.push(record)
    }
    if (peer.isPrivate) this.#hide(peer.peerId)
    const named = new Set(points.map(({ point }) => point))
    this.#forgetRelayed(peer.peerId, (point) => !named.has(point))
    this.#forgetReplaced(peer.peerId, named)
    changed()
    return records.filter((record) => table.get(record.point) === record)
  }

  /**
   * A peer that was connected has gone. Its other proven points were as alive until now as the one where it was; ways to it over a relay
   * end soon, if they are not at their end (`isGone`).
   */
  left(peerId: PeerId, isGone: (point: Point) => boolean): void {
    const { points, clock } = this.#parts
    for (const record of points) if (record.claimedBy === peerId && record.isClaimProven) notePointAlive(record, clock.now())
    this.#forgetRelayed(peerId, isGone)
  }

  /**
   * A dial failed. A way over a relay that is dead does not come back to life: its peer makes another. A dial that runs out of time may be to a
   * peer that lives and that our network cannot reach: the relay advertises it again, so it must stay known, with its back-off.
   */
  failed(point: Point): void {
    const record = this.#parts.points.get(point)
    if (record === undefined || !record.isRelayed || record.failures < maxRelayedFailures) return
    const { lastFailure } = record
    if (lastFailure?.kind === 'dial-failed' && ['refused', 'unreachable'].includes(lastFailure.failure)) this.#forget(record)
  }

  /** The peer signed that these points are its own. That changes nothing else of them: anybody can sign any address. */
  certify(signed: readonly Point[], by: PeerId): void {
    const { points, shown } = this.#parts
    for (const point of signed) {
      const record = points.get(point)
      if (record?.claimedBy !== by || record.isSigned) continue
      record.asClaimed().isSigned = true
      shown()
    }
  }

  /** Another discovery of the node found an address: libp2p's `peer:discovery`. */
  discovered({ point, expectedPeerId }: ParsedPoint): void {
    const address = readPoint(point)
    if (expectedPeerId === this.#parts.peerId || !isPeerPort(address)) return
    const record = this.#insert(point, { discoverySource: 'discovery', address })
    if (record === undefined || expectedPeerId === undefined || soughtAt(record) !== undefined) return
    record.asClaimed().discoveredPeerId = expectedPeerId
  }

  /**
   * May a peer at this host advertise this point to us? Points on loopback, private and link-local networks are taken only from
   * a peer that is itself on such a network, or if the operator allows it; never those that no host can have, or at a port of
   * other services.
   */
  mayAdvertise(sourceHost: Host | undefined, address: PointAddress): boolean {
    const { host } = address.hop
    if (host === undefined) return true
    const scope = scopeOf(host)
    if (scope === 'unroutable' || !isPeerPort(address)) return false
    if (scope === 'public' || scope === 'name' || this.#parts.config.allowPrivatePoints) return true
    if (sourceHost === undefined) return false
    const from = scopeOf(sourceHost)
    return from === 'loopback' || (scope !== 'loopback' && from === scope)
  }

  /** What stays, since it was the way to a connection that outlives it or is the operator's, is not advertised: it leads nobody there now. */
  #forgetRelayed(target: PeerId, isGone: (point: Point) => boolean): void {
    for (const record of this.#parts.points) {
      if (record.target !== target || !isGone(record.point)) continue
      record.asClaimed().isPublic = false
      this.#forget(record)
    }
  }

  /** A peer with a new certificate is at its old address no more: who dials it there waits in vain. Of one way it names all hashes that it has. */
  #forgetReplaced(peerId: PeerId, named: ReadonlySet<Point>): void {
    const ways = new Set([...named].flatMap((point) => (point.includes('/certhash/') ? withoutHashes(point) : [])))
    if (ways.size === 0) return
    for (const record of this.#parts.points) {
      if (named.has(record.point) || !ways.has(withoutHashes(record.point))) continue
      if ((record.expectedPeerId ?? record.lastEstablished?.peerId ?? record.claimedBy) === peerId) this.#forget(record)
    }
  }

  /** Not what the operator named, nor what is in use. */
  #forget({ point, trusted, discoverySource, state: { kind } }: PointInfo): void {
    if (trusted || discoverySource === 'operator' || kind !== 'disconnected') return
    this.#points.forget(point)
  }

  /** The record, made if it is new; `undefined` for a point of our own, or when the table has no place. */
  #insert(point: Point, origin: Registration): PointRecord | undefined {
    return this.#points.isOwn(point) ? undefined : findOrInsertPoint(this.#parts, this.#access, { point, ...origin })
  }

  /** Where a peer that is private now was met last, unless another was met there since. */
  #hide(peerId: PeerId): void {
    const { peers, points } = this.#parts
    const point = peers.get(peerId)?.lastEstablished?.point
    const record = points.get(point)
    if (record?.lastEstablished?.peerId === peerId) record.asClaimed().isPublic = false
  }
}

function withoutHashes(point: Point): string {
  return point.replace(/\/certhash\/[^/]+/g, '')
}
