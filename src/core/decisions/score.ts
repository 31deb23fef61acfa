/**
 * What the pool itself makes of a peer, where the application gives no score: a sum of a few parts, each with its own
 * bound, so that none of them buys everything. Pure; `peer-pool.ts` gives it to the state and to the peer table.
 * `docs/scoring.md` is the formula for people.
 */
import { lastMeeting, type PeerInfo } from '../tables/peer.ts'
import type { PeerMetadata } from '../values/config.ts'
import type { Clock } from '../values/ports.ts'
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

/** Above everything that a peer can earn: who was proved wrong is the first to go, for a day or two. */
const faultScore = -40

/** The parts of a peer's score; of one that is not connected all of them are halved with each day since it was met. */
export function scoreParts(info: PeerInfo, at: Instants): ScorePart[] {
  const parts: ScorePart[] = []
  eachPart(info, at, (of, amount, score) => parts.push({ of, amount, score }))
  return parts
}

/** The sum of the parts: 20 at best. Makes nothing: a load asks it for a hundred thousand peers. */
export function defaultScore(info: PeerInfo, at: Instants): number {
  let sum = 0
  eachPart(info, at, (_of, _amount, score) => {
    sum += score
  })
  return sum
}

function eachPart(info: PeerInfo, { now, date }: Instants, tell: (of: ScorePart['of'], amount: number, score: number) => void): void {
  const { state, served, connectedMs, roundTripMs, failures, lastReport } = info
  const running = state.kind === 'running' ? state.connection : undefined
  const fade = running === undefined ? fading(date - (lastMeeting(info)?.at ?? date)) : 1
  const part = (of: ScorePart['of'], amount: number, score: number): void => {
    if (score !== 0) tell(of, amount, score * fade)
  }
  const messages = served + (running?.messagesReceived ?? 0)
  part('service', messages, Math.min(5, Math.log2(1 + messages) / 2))
  const hours = (connectedMs + (running === undefined ? 0 : now - running.startedAt)) / 3_600_000
  part('time', hours, Math.min(10, 2 * Math.log2(1 + hours)))
  if (roundTripMs !== undefined) part('latency', roundTripMs, Math.max(0, Math.min(5, Math.log2(1_000 / roundTripMs))))
  part('failures', failures, -Math.min(5, failures))
  const weight = penaltyOf(info, now)
  part('reports', weight, -Math.min(20, 2 * weight))
  if (lastReport?.kind === 'fault') part('fault', 1, faultScore * fading(date - lastReport.at))
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
