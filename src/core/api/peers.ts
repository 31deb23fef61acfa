/** `pool.peers`: what is known of peers, trust and bans. Functions of Octez' submodule `Peers`. */
import { judgeReport, type ScorePart } from '../decisions/score.ts'
import type { FlowContext } from '../flows/context.ts'
import type { GreylistedPeer } from '../tables/greylist.ts'
import type { PeerInfo } from '../tables/peer.ts'
import { liveRecord } from '../values/arguments.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { ReportKind } from '../values/reason.ts'
import type { Lifecycle } from './lifecycle.ts'
import { allClosed } from './points.ts'
import type { PeerDescription } from './snapshot.ts'

/**
 * `pool.peers`: what is known of peers, trust and bans. Methods throw, or reject with, `PoolError` `invalid-peer-id` or
 * `invalid-argument` for a bad argument.
 */
export class Peers<PeerMeta> {
  readonly #context: FlowContext
  readonly #lifecycle: Lifecycle

  constructor(context: FlowContext, lifecycle: Lifecycle) {
    this.#context = context
    this.#lifecycle = lifecycle
  }

  /** The live record of a known peer. */
  info(peerId: PeerId): PeerInfo<PeerMeta> | undefined {
    this.#context.take('peers.info', peerId)
    return this.#context.state.peers.get(peerId) as PeerInfo<PeerMeta> | undefined
  }

  /** All known peers. Octez: `fold_known`, `iter_known`. */
  *known(): IterableIterator<[PeerId, PeerInfo<PeerMeta>]> {
    for (const info of this.#context.state.peers) yield [info.peerId, info as PeerInfo<PeerMeta>]
  }

  /** Peers with a running connection. Octez: `fold_connected`. */
  *connected(): IterableIterator<[PeerId, PeerInfo<PeerMeta>]> {
    for (const { peerId } of this.#context.state.connections()) {
      const info = this.#context.state.peers.get(peerId)
      if (info !== undefined) yield [peerId, info as PeerInfo<PeerMeta>]
    }
  }

  /** `undefined` for an unknown peer. */
  getMetadata(peerId: PeerId): PeerMeta | undefined {
    return this.info(peerId)?.metadata
  }

  /** Registers the peer if it is unknown. Throws `PoolError` `table-full`. */
  setMetadata(peerId: PeerId, metadata: PeerMeta): void {
    this.#context.take('peers.setMetadata', peerId, metadata)
    this.#context.state.peers.setMetadata(peerId, metadata)
  }

  /** The application's score, or the pool's own if it gives none. `undefined` for an unknown peer. */
  getScore(peerId: PeerId): number | undefined {
    return this.info(peerId) === undefined ? undefined : this.#context.state.peers.scoreOf(peerId)
  }

  /** What a known peer's score is made of, in parts that add up to it. Throws `PoolError` `not-started` before the first start. */
  scoreReasons(peerId: PeerId): readonly ScorePart[] {
    const info = this.info(peerId)
    return info === undefined ? [] : this.#lifecycle.lateFor('peers.scoreReasons').descriptions.scoreReasons(info)
  }

  /**
   * Keeps the peer out of dialer, gater and handshake until `endsAt` (ms since 1970) or for good, and ends its connection and
   * attempts. Resolves when it is gone. Saved. Idempotent.
   */
  async ban(peerId: PeerId, options: { endsAt?: number | undefined } = {}): Promise<void> {
    await allClosed(this.#context.state.access.banPeer(...this.#context.take('peers.ban', peerId, options)))
  }

  /** Undoes a ban and a greylisting, once and for all. */
  unban(peerId: PeerId): void {
    this.#context.take('peers.unban', peerId)
    this.#context.state.access.unbanPeer(peerId)
  }

  /** Banned or greylisted. */
  isBanned(peerId: PeerId): boolean {
    this.#context.take('peers.isBanned', peerId)
    return this.#context.state.access.peerBlock(peerId) !== undefined
  }

  /**
   * What the application found out about a peer, connected or not. `fault`: proved wrong; it is greylisted and disconnected at
   * once. `useless`, `slow`: it loses score for a while; ten slow or five useless ones within some minutes end in the
   * same, unless no more than `minConnections` run. Trusted peers are never greylisted, and left for faults only. Of a
   * peer that is not known nothing but a fault is kept. Resolves when the connection, if it must end, has ended. Rejects with
   * `PoolError` `invalid-argument` for another kind, else never.
   */
  async report(peerId: PeerId, report: { readonly kind: ReportKind; readonly reason: string }): Promise<void> {
    const [, { kind, reason }] = this.#context.take('peers.report', peerId, report)
    const { state, clock } = this.#context
    const verdict = judgeReport(state, peerId, { kind, now: clock.now() })
    if (verdict.greylists) state.access.greylist({ peerId, host: verdict.host, cause: `${kind}: ${reason}` })
    state.peers.noteReport(peerId, { kind, reason, at: clock.date() }, verdict)
    if (!verdict.ends) return
    await state
      .connection(peerId)
      ?.disconnect(kind === 'fault' ? { kind, detail: reason } : { kind: 'explicit', text: `${kind}: ${reason}` })
  }

  /** The operator trusts it. */
  isTrusted(peerId: PeerId): boolean {
    return this.info(peerId)?.trusted === true
  }

  /** Trusted peers are never greylisted or collected. Registers the peer if it is unknown. Throws `PoolError` `table-full`. */
  trust(peerId: PeerId): void {
    this.#context.take('peers.trust', peerId)
    this.#context.state.peers.trust(peerId)
  }

  /** Takes trust back; does nothing for an unknown peer. Saved. */
  untrust(peerId: PeerId): void {
    this.#context.take('peers.untrust', peerId)
    this.#context.state.peers.untrust(peerId)
  }

  /** Peers on the automatic list. Octez: `get_greylisted_list`. */
  greylisted(): readonly GreylistedPeer[] {
    return this.#context.state.access.greylistedPeers()
  }

  /** Tells each line that is added to the history of one peer, until the returned function is called. The last 100 are in `info`. Octez: `watch`. */
  watch(peerId: PeerId, listener: (event: HistoryEvent<Point>) => void): () => void {
    this.#context.take('peers.watch', peerId, listener)
    return this.#context.events.subscribe('peer-history', ({ detail }) => {
      if (detail.peerId === peerId) listener(detail.event)
    })
  }

  /**
   * A peer as plain JSON. Takes what `info` returned; throws `PoolError` `invalid-argument` for anything else, `not-started` before the
   * first start. Octez: `info_of_peer_info`.
   */
  describe(info: PeerInfo<PeerMeta>): PeerDescription {
    liveRecord(info, { code: 'invalid-argument', name: 'peers.describe' })
    return this.#lifecycle.lateFor('peers.describe').descriptions.peer(info)
  }
}
