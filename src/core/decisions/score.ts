/**
 * What the pool itself makes of a peer, where the application gives no score: a sum of a few parts, each with its own
 * bound, so that none of them buys everything. Pure; `peer-pool.ts` gives it to the state and to the peer table.
 * Below is what follows from an application's report of a peer; `api/peers.ts` carries it out. `docs/scoring.md` is the formula for people.
 */
import { lastMeeting, type PeerInfo, type Penalty } from '../tables/peer.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { PeerId } from '../values/ids.ts'
import type { Clock } from '../values/ports.ts'
import type { ReportKind } from '../values/reason.ts'
import type { PeerMetadata } from '../values/settings.ts'

/** One part of a score. */
export interface ScorePart {
  /** `application`: its own score, which then is all. */
  readonly of: 'application' | 'service' | 'time' | 'latency' | 'failures' | 'reports' | 'fault'
  /** What was counted: messages and points, hours, ms, failures in a row, weights, faults on record. */
  readonly amount: number
  /** What it adds. */
  readonly score: number
}

export interface Instants {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
}

const dayMs = 86_400_000

/** Above everything that a peer can earn: one that was proved wrong is the first to go, for a day or two. */
const faultScore = -40

/** The parts of a peer's score that are not 0; of a peer that is not connected all are halved with each day since it was. 20 in sum at best. */
export function scoreParts(info: PeerInfo, { now, date }: Instants): ScorePart[] {
  const { state, served, connectedMs, roundTripMs, failures, lastReport } = info
  const running = state.kind === 'running' ? state.connection : undefined
  const fade = running === undefined ? fading(date - (lastMeeting(info)?.at ?? date)) : 1
  const messages = served + (running?.messagesReceived ?? 0)
  const hours = (connectedMs + (running === undefined ? 0 : now - running.startedAt)) / 3_600_000
  const weight = penaltyOf(info, now)
  const parts: readonly ScorePart[] = [
    { of: 'service', amount: messages, score: Math.min(5, Math.log2(1 + messages) / 2) },
    { of: 'time', amount: hours, score: Math.min(10, 2 * Math.log2(1 + hours)) },
    { of: 'latency', amount: roundTripMs ?? 0, score: Math.max(0, Math.min(5, Math.log2(1_000 / (roundTripMs ?? 1_000)))) },
    { of: 'failures', amount: failures, score: -Math.min(5, failures) },
    { of: 'reports', amount: weight, score: -Math.min(20, 2 * weight) },
    { of: 'fault', amount: 1, score: lastReport?.kind === 'fault' ? faultScore * fading(date - lastReport.at) : 0 }
  ]
  return parts.flatMap((part) => (part.score === 0 ? [] : { ...part, score: part.score * fade }))
}

export function defaultScore(info: PeerInfo, at: Instants): number {
  return scoreParts(info, at).reduce((sum, { score }) => sum + score, 0)
}

/** A clock that was put back fades nothing. */
function fading(ms: number): number {
  return 2 ** (-Math.max(0, ms) / dayMs)
}

/** The application's score if it has one. It is asked in the middle of a transition, hence must not throw: `guards.ts` sees to it. */
export function scorerOf<PeerMeta>({ score }: Pick<PeerMetadata<PeerMeta>, 'score'>, clock: Clock): (info: PeerInfo<PeerMeta>) => number {
  if (score === undefined) return (info) => defaultScore(info, { now: clock.now(), date: clock.date() })
  return ({ metadata }) => score(metadata)
}

// Reports. A fault is proof: the peer is out at once. The others are an impression, and may be our own network's doing: each weighs something,
// weights fade, and only many of them within the fading time end a connection, never one that the pool needs.

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

export function judgeReport(view: PoolView, peerId: PeerId, { kind, now }: { kind: ReportKind; now: number }) {
  const info = view.peers.get(peerId)
  const connection = view.connection(peerId)
  const amount = (info === undefined ? 0 : penaltyOf(info, now)) + weights[kind]
  const trusted = view.access.isTrusted(peerId, connection?.point)
  const isFault = kind === 'fault'
  const greylists = !trusted && (isFault || (amount > maxPenalty && view.active > view.band.min))
  const { host } = connection ?? { host: undefined }
  return {
    penalty: { amount, at: now } satisfies Penalty,
    greylists,
    /** The connection, if there is one, ends. */
    ends: isFault || greylists,
    /** Greylisted too, if it is one that may be: the host of a proven wrongdoer. */
    host: isFault ? host : undefined
  }
}
