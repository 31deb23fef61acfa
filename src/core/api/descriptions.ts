/** Points and peers as plain JSON, and what a score is made of. Loaded late (`late.ts`): it is for people. Used by `points.ts` and `peers.ts`. */
import { penaltyOf } from '../decisions/reports.ts'
import { type ScorePart, scoreParts } from '../decisions/score.ts'
import type { FlowContext } from '../flows/context.ts'
import { lastFailure, lastMeeting, type PeerInfo, type PeerReport } from '../tables/peer.ts'
import { lastFailureAt, lastSeenAt, type PointInfo } from '../tables/point.ts'
import type { PeerId, Point } from '../values/ids.ts'

/** A point as plain JSON. Instants are ms since 1970. */
export interface PointDescription {
  /** Where it is. */
  readonly point: Point
  /** `disconnected`, `requested` (being dialed), `accepted` (in a handshake) or `running` (connected). */
  readonly state: string
  /** The operator trusts it. */
  readonly trusted: boolean
  /** Its peer said that it may be advertised. */
  readonly isPublic: boolean
  /** Its owner named it in a signed record. */
  readonly isSigned: boolean
  /** The only peer that may answer there; `null`: any. */
  readonly expectedPeerId: PeerId | null
  /** The peer that advertised it first; `null`: the operator, the storage or a local discovery. */
  readonly source: PeerId | null
  /** How it became known: a `DiscoverySource`. */
  readonly discoverySource: string
  /** When it became known. */
  readonly discoveredAt: number
  /** When a peer was connected there last; `null`: never. */
  readonly lastSeenAt: number | null
  /** When a dial failed there last; `null`: never. */
  readonly lastFailureAt: number | null
  /** Its history, the oldest line first. */
  readonly events: readonly { readonly kind: string; readonly at: number; readonly peerId: PeerId | null }[]
}

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

/** Makes descriptions; a pool has one from its first start on. */
export class Descriptions {
  readonly #context: FlowContext

  constructor(context: FlowContext) {
    this.#context = context
  }

  point(info: PointInfo): PointDescription {
    return {
      point: info.point,
      state: info.state.kind,
      trusted: info.trusted,
      isPublic: info.isPublic,
      isSigned: info.isSigned,
      expectedPeerId: info.expectedPeerId ?? null,
      source: info.source ?? null,
      discoverySource: info.discoverySource,
      discoveredAt: info.discoveredAt,
      lastSeenAt: lastSeenAt(info) ?? null,
      lastFailureAt: lastFailureAt(info) ?? null,
      events: info.events.map(({ kind, at, other }) => ({ kind, at, peerId: other ?? null }))
    }
  }

  peer(info: PeerInfo): PeerDescription {
    const { state } = info
    const seen = lastMeeting(info)
    const failed = lastFailure(info)
    return {
      peerId: info.peerId,
      state: state.kind,
      trusted: info.trusted,
      score: this.#context.state.peers.scoreOf(info.peerId),
      scoreReasons: this.scoreReasons(info),
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

  scoreReasons(info: PeerInfo): readonly ScorePart[] {
    const { state, config, clock } = this.#context
    if (config.peerMetadata.score === undefined) return scoreParts(info, { now: clock.now(), date: clock.date() })
    const score = state.peers.scoreOf(info.peerId)
    return [{ of: 'application', amount: score, score }]
  }
}
