/**
 * What the pool itself makes of a peer, where the application gives no score: a sum of a few parts, each with its own
 * bound, so that none of them buys everything. Pure; `peer-pool.ts` gives it to the state and to the peer table.
 * `docs/scoring.md` is the formula for people.
 */
import { lastMeeting, type PeerInfo } from '../tables/peer.ts'
import type { Clock } from '../values/ports.ts'
import type { PeerMetadata } from '../values/settings.ts'
import { penaltyOf } from './reports.ts'

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
