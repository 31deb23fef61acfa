/** Points and peers as plain JSON, and what a score is made of. Loaded late (`late.ts`): it is for people. Used by `points.ts` and `peers.ts`. */
import { penaltyOf } from '../decisions/reports.ts'
import { type ScorePart, scoreParts } from '../decisions/score.ts'
import type { FlowContext } from '../flows/context.ts'
import { lastFailure, type PeerInfo } from '../tables/peer.ts'
import type { PointInfo } from '../tables/point.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { ConnectionInfo, PeerSnapshot, PointSnapshot } from '../values/snapshot.ts'
import { describePeer, describePoint } from './snapshot.ts'

/** A point as plain JSON, with its history. Instants are ms since 1970. */
export interface PointDescription extends PointSnapshot {
  /** Its history, the oldest line first. */
  readonly events: readonly { readonly kind: string; readonly at: number; readonly peerId: PeerId | null }[]
}

/** A peer as plain JSON, with its history. Instants are ms since 1970. */
export interface PeerDescription extends PeerSnapshot {
  /** What the score is made of. */
  readonly scoreReasons: readonly ScorePart[]
  /** What the application keeps of it, as `toJson` makes it. */
  readonly metadata: unknown
  /** Where and when an attempt failed last; `null`: never. */
  readonly lastFailure: { readonly point: Point | null; readonly at: number } | null
  /** The running connection; `null`: none. */
  readonly connection: ConnectionInfo | null
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
    const { state, clock } = this.#context
    return {
      ...describePoint(state, info, clock.now()),
      events: info.events.map(({ kind, at, other }) => ({ kind, at, peerId: other ?? null }))
    }
  }

  peer(info: PeerInfo): PeerDescription {
    const { state, config, clock } = this.#context
    const failed = lastFailure(info)
    return {
      ...describePeer(state, info),
      scoreReasons: this.scoreReasons(info),
      metadata: config.peerMetadata.toJson(info.metadata),
      lastFailure: failed === undefined ? null : { point: failed.point ?? null, at: failed.at },
      connection: state.connection(info.peerId)?.info ?? null,
      penalty: penaltyOf(info, clock.now()),
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
