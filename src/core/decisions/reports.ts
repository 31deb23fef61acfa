/**
 * What follows from an application's report of a peer. Pure; `api/peers.ts` carries it out.
 *
 * A fault is proof: the peer is out at once. The others are an impression, and may be our own network's doing: each weighs
 * something, weights fade, and only many of them within the fading time end a connection, never one that the pool
 * needs. `docs/scoring.md` has the figures.
 */
import type { PeerInfo, Penalty } from '../tables/peer.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { ReportKind } from '../values/reason.ts'

/** What one report weighs. A fault weighs nothing here: it needs no company. */
const weights: Readonly<Record<ReportKind, number>> = { fault: 0, useless: 2, slow: 1 }

export const reportKinds = Object.keys(weights)

/** Above it a peer goes: ten slow answers, or five useless ones, within minutes. */
export const maxPenalty = 9.5

/** Half of a weight is gone after it, ms: a bad quarter of an hour must not cost a good peer. */
const halfLifeMs = 600_000

/** What weighs on a peer now. */
export function penaltyOf({ penalty }: Pick<PeerInfo, 'penalty'>, now: number): number {
  return penalty.amount * 2 ** ((penalty.at - now) / halfLifeMs)
}

export interface ReportVerdict {
  readonly penalty: Penalty
  /** The connection, if there is one, ends. */
  readonly ends: boolean
  readonly greylists: boolean
  /** Greylisted too, if it is one that may be: the host of a proven wrongdoer. */
  readonly host: Host | undefined
}

export function judgeReport(view: PoolView, peerId: PeerId, { kind, now }: { kind: ReportKind; now: number }): ReportVerdict {
  const info = view.peers.get(peerId)
  const connection = view.connection(peerId)
  const amount = (info === undefined ? 0 : penaltyOf(info, now)) + weights[kind]
  const trusted = view.access.isTrusted(peerId, connection?.point)
  const isFault = kind === 'fault'
  const greylists = !trusted && (isFault || (amount > maxPenalty && view.active > view.band.min))
  const { host } = connection ?? { host: undefined }
  return {
    penalty: { amount, at: now },
    ends: isFault || greylists,
    greylists,
    host: isFault ? host : undefined
  }
}
