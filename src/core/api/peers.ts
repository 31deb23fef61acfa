/** `pool.peers`: what is known of peers, trust and bans. Functions of the original's submodule `Peers`. */
import { judgeReport, penaltyOf } from '../decisions/reports.ts'
import { type ScorePart, scoreParts } from '../decisions/score.ts'
import type { FlowContext } from '../flows/context.ts'
import type { GreylistedPeer } from '../tables/bans.ts'
import { lastFailure, lastMeeting, type PeerInfo, type PeerReport } from '../tables/peer.ts'
import { liveRecord } from '../values/arguments.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { ReportKind } from '../values/reason.ts'
import { allClosed, watchHistory } from './points.ts'

/** A peer as plain JSON. Instants are ms since 1970. */
export interface PeerDescription {
  /** Who it is. */
  readonly peerId: PeerId
  /** `disconnected`, `accepted` (in a handshake) or `running` (connected). */
  readonly state: string
  /** The operator trusts it. */
  readonly trusted: boolean
  /** The higher, the longer it is remembered and kept. */
  readonly score: number
  /** What the score is made of. */
  readonly scoreReasons: readonly ScorePart[]
  /** What the application keeps of it, as `toJson` makes it. */
  readonly metadata: unknown
  /** When it became known. */
  readonly createdAt: number
  /** Where and when it was connected last; `null`: never. */
  readonly lastSeen: { readonly point: Point | null; readonly at: number } | null
  /** Where and when an attempt failed last; `null`: never. */
  readonly lastFailure: { readonly point: Point | null; readonly at: number } | null
  /** The running connection; `null`: none. */
  readonly connection: { readonly point: Point | null; readonly direction: string; readonly establishedAt: number } | null
  /** What was last reported of it; `null`: nothing. */
  readonly lastReport: PeerReport | null
  /** Weights of reports, as of now. */
  readonly penalty: number
  /** Its history, the oldest line first. */
  readonly events: readonly { readonly kind: string; readonly at: number; readonly point: Point | null }[]
}

/**
 * `pool.peers`: what is known of peers, trust and bans. Methods throw, or reject with, `PoolError` `invalid-peer-id` or
 * `invalid-argument` for a bad argument.
 */
export class Peers<PeerMeta> {
  readonly #context: FlowContext

  constructor(context: FlowContext) {
    this.#context = context
  }

  /** The live record of a known peer. */
  info(peerId: PeerId): PeerInfo<PeerMeta> | undefined {
    this.#context.take('peers.info', peerId)
    return this.#context.state.peers.get(peerId) as PeerInfo<PeerMeta> | undefined
  }

  /** All known peers. Source: `fold_known`, `iter_known`. */
  *known(): IterableIterator<[PeerId, PeerInfo<PeerMeta>]> {
    for (const info of this.#context.state.peers) yield [info.peerId, info as PeerInfo<PeerMeta>]
  }

  /** Peers with a running connection. Source: `fold_connected`. */
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

  /** What a known peer's score is made of, in parts that add up to it. */
  scoreReasons(peerId: PeerId): readonly ScorePart[] {
    const { state, config, clock } = this.#context
    const info = this.info(peerId)
    if (info === undefined) return []
    if (config.peerMetadata.score === undefined) return scoreParts(info, { now: clock.now(), date: clock.date() })
    const score = state.peers.scoreOf(peerId)
    return [{ of: 'application', amount: score, score }]
  }

  /**
   * Keeps the peer out of dialer, gater and handshake until `endsAt` (ms since 1970) or for good, and ends its connection and
   * attempts. Resolves when it is gone. Saved. Idempotent.
   */
  async ban(peerId: PeerId, options: { endsAt?: number | undefined } = {}): Promise<void> {
    const [, { endsAt }] = this.#context.take('peers.ban', peerId, options)
    await allClosed(this.#context.state.access.banPeer(peerId, { endsAt }))
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

  /** Peers on the automatic list. Source: `get_greylisted_list`. */
  greylisted(): readonly GreylistedPeer[] {
    return this.#context.state.access.greylistedPeers()
  }

  /** Tells each line that is added to the history of one peer, until the returned function is called. The last 100 are in `info`. Source: `watch`. */
  watch(peerId: PeerId, listener: (event: HistoryEvent<Point>) => void): () => void {
    this.#context.take('peers.watch', peerId, listener)
    return watchHistory(this.#context.events, 'peer-history', ({ detail }) => {
      if (detail.peerId === peerId) listener(detail.event)
    })
  }

  /** A peer as plain JSON. Takes what `info` returned; throws `PoolError` `invalid-argument` for anything else. Source: `info_of_peer_info`. */
  describe(info: PeerInfo<PeerMeta>): PeerDescription {
    liveRecord(info, { code: 'invalid-argument', name: 'peers.describe' })
    const { state } = info
    const seen = lastMeeting(info)
    const failed = lastFailure(info)
    return {
      peerId: info.peerId,
      state: state.kind,
      trusted: info.trusted,
      score: this.#context.state.peers.scoreOf(info.peerId),
      scoreReasons: this.scoreReasons(info.peerId),
      metadata: this.#context.config.peerMetadata.toJson(info.metadata),
      createdAt: info.createdAt,
      lastSeen: seen === undefined ? null : { point: seen.point ?? null, at: seen.at },
      lastFailure: failed === undefined ? null : { point: failed.point ?? null, at: failed.at },
      connection:
        state.kind === 'running'
          ? { point: state.connection.point ?? null, direction: state.connection.direction, establishedAt: state.connection.establishedAt }
          : null,
      lastReport: info.lastReport ?? null,
      penalty: penaltyOf(info, this.#context.clock.now()),
      events: info.events.map(({ kind, at, other }) => ({ kind, at, point: other ?? null }))
    }
  }
}
