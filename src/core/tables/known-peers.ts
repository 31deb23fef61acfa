/** The noun `state.peers`: the known peers, and what the operator, the application and the exchange of points say of them. */
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerId } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'
import type { Access } from './access.ts'
import { noteReport, noteServed, type PeerInfo, type PeerRecord, type PeerReport, type Penalty } from './peer.ts'
import type { Parts, PeersView } from './pool-view.ts'

export class KnownPeers<PeerMeta, C extends RunningConnection> implements PeersView {
  readonly #parts: Parts<PeerMeta, C>
  readonly #access: Access<PeerMeta, C>

  constructor(parts: Parts<PeerMeta, C>, access: Access<PeerMeta, C>) {
    this.#parts = parts
    this.#access = access
  }

  get(peerId: PeerId | undefined): PeerInfo<PeerMeta> | undefined {
    return this.#parts.peers.get(peerId)
  }

  [Symbol.iterator](): IterableIterator<PeerInfo<PeerMeta>> {
    return this.#parts.peers[Symbol.iterator]()
  }

  scoreOf(peerId: PeerId): number {
    const peer = this.get(peerId)
    return peer === undefined ? 0 : this.#parts.score(peer)
  }

  /** The record of a peer, made if it is new; `undefined` when nothing in the table may go. */
  find(peerId: PeerId): PeerInfo<PeerMeta> | undefined {
    const { peers, clock, config, emit, changed } = this.#parts
    const known = peers.get(peerId)
    if (known !== undefined) return known
    const before = peers.collected
    const record = peers.insert(peerId, { createdAt: clock.date(), metadata: config.peerMetadata.initial() })
    if (peers.collected > before) emit('peers-collected', { removed: peers.collected - before })
    if (record === undefined) return undefined
    emit('new-peer', { peerId })
    changed()
    return record
  }

  /** As `find`. Throws `PoolError` `table-full`. Octez: `register_peer`. */
  register(peerId: PeerId): PeerInfo<PeerMeta> {
    return this.#register(peerId)
  }

  /** Registers the peer if it is unknown; throws as `register`. */
  trust(peerId: PeerId): void {
    this.#setTrusted(this.#register(peerId), true)
  }

  untrust(peerId: PeerId): void {
    const record = this.#parts.peers.get(peerId)
    if (record !== undefined) this.#setTrusted(record, false)
  }

  /** Registers the peer if it is unknown; throws as `register`. */
  setMetadata(peerId: PeerId, metadata: PeerMeta): void {
    this.#register(peerId).asOperator().metadata = metadata
    this.#parts.changed()
  }

  /** The application said something against it. Of an unknown peer nothing is kept. `greylists`: what followed. */
  noteReport(peerId: PeerId, report: PeerReport, { penalty, greylists }: { penalty: Penalty; greylists: boolean }): void {
    const record = this.#parts.peers.get(peerId)
    if (record !== undefined) noteReport(record, report, penalty)
    this.#parts.emit('peer-reported', { peerId, kind: report.kind, reason: report.reason, greylisted: greylists })
    this.#parts.changed()
  }

  noteServed(peerId: PeerId, points: number): void {
    const record = this.#parts.peers.get(peerId)
    if (record !== undefined) noteServed(record, points)
  }

  #register(peerId: PeerId): PeerRecord<PeerMeta> {
    this.find(peerId)
    const record = this.#parts.peers.get(peerId)
    if (record === undefined) throw new PoolError('table-full', `${peerId}: all known peers are connected, trusted or worth more`)
    return record
  }

  #setTrusted(record: PeerRecord<PeerMeta>, trusted: boolean): void {
    const { peers, emit, changed } = this.#parts
    peers.setTrusted(record, trusted)
    if (trusted) this.#access.ungreylistPeer(record.peerId)
    emit('trust-changed', { peerId: record.peerId, point: undefined, trusted })
    changed('now')
  }
}
