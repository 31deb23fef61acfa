/**
 * How long maintenance leaves a point or a peer alone. Made by the transitions of `point-state.ts` and by `pool-state.ts`; read by
 * `decisions/candidates.ts`, which says which of the two instants counts. Memory only.
 */
import type { Reconnection } from '../values/config.ts'
import type { Random } from '../values/ports.ts'

/** Monotonic instants. */
export interface Backoff {
  /** Before it maintenance does not dial. */
  readonly until: number
  /** The same while it is urgent: for a trusted point, and for a proven one below the minimum. Never later than `until`. */
  readonly urgentUntil: number
}

export const noBackoff: Backoff = Object.freeze({ until: Number.NEGATIVE_INFINITY, urgentUntil: Number.NEGATIVE_INFINITY })

/** The wait after a connection was lost, while it is urgent, ms: a server that restarts is back by then. */
const urgentAfterLossMs = 5_000
/** No urgent wait is longer, ms; with the usual jitter of a fifth that is a minute. */
const maxUrgentMs = 50_000

export interface Wait {
  /** Monotonic, ms. */
  readonly now: number
  readonly delayMs: number
  /** A connection has broken, or its peer restarts. */
  readonly mayReturnSoon?: boolean
}

/** Jitter keeps peers that lost each other at one instant from meeting again and again at one instant. */
export function backoffOf(
  { now, delayMs, mayReturnSoon = false }: Wait,
  { reconnection: { jitter, maxDelayMs }, random }: { reconnection: Reconnection; random: Random }
): Backoff {
  const spread = 1 + jitter * (2 * random.next() - 1)
  const until = now + Math.min(delayMs, maxDelayMs) * spread
  const urgentMs = Math.min(delayMs, mayReturnSoon ? urgentAfterLossMs : maxUrgentMs)
  return { until, urgentUntil: Math.min(until, now + urgentMs * spread) }
}
