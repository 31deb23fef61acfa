/** How long the client waits for what, and when that is over. Pure. Read by `sync-client.ts`. */
import type { PeerRecord } from './peer-record.ts'

export interface SyncLimits {
  /** Headers asked for at once, 1 to `maxHeaders`. @default 100 */
  readonly batch: number
  /** Requests in flight that are not overdue, one per peer at most. @default 4 */
  readonly maxRequests: number
  /** From then on a request is overdue and another peer is asked too, ms. @default 600 */
  readonly slowAfterMs: number
  /** From then on it is given up, ms. @default 2500 */
  readonly requestDeadlineMs: number
  /** A peer must have sent its head by then, ms; `null`: it need not, as a light client does not. @default 4000 */
  readonly statusDeadlineMs: number | null
  /** A peer that was late is not asked again for so long, ms. @default 1000 */
  readonly restMs: number
  /** A peer that was late so often in a row is left. @default 3 */
  readonly maxLate: number
  /** A peer that was of no use so often is left. @default 5 */
  readonly maxUseless: number
  /** A peer whose head is behind ours and has not moved for so long is of no use, ms; `null`: it may be. @default 20000 */
  readonly staleAfterMs: number | null
}

export const defaultLimits: SyncLimits = {
  batch: 100,
  maxRequests: 4,
  slowAfterMs: 600,
  requestDeadlineMs: 2_500,
  statusDeadlineMs: 4_000,
  restMs: 1_000,
  maxLate: 3,
  maxUseless: 5,
  staleAfterMs: 20_000
}

/** Monotonic instants; `undefined`: nothing of the sort is waited for. */
export interface DueTimes {
  /** Its request is overdue. */
  readonly slowAt: number | undefined
  /** Its request is given up. */
  readonly deadlineAt: number | undefined
  /** It should have sent its head. */
  readonly statusAt: number | undefined
  /** It may be asked again. */
  readonly restedAt: number | undefined
  /** Its claim is too old to be of use. */
  readonly staleAt: number | undefined
}

/** `behind`: its head is below ours. */
export function dueOf<Id extends string>(
  { request, claim, claimedAt, restsUntil, staleSince }: PeerRecord<Id>,
  { limits, behind }: { limits: SyncLimits; behind: boolean }
): DueTimes {
  const { slowAfterMs, requestDeadlineMs, statusDeadlineMs, staleAfterMs } = limits
  return {
    slowAt: request === undefined ? undefined : request.sentAt + slowAfterMs,
    deadlineAt: request === undefined ? undefined : request.sentAt + requestDeadlineMs,
    statusAt: claim === undefined && statusDeadlineMs !== null ? claimedAt + statusDeadlineMs : undefined,
    restedAt: request === undefined ? restsUntil : undefined,
    staleAt: behind && staleAfterMs !== null ? Math.max(claimedAt, staleSince) + staleAfterMs : undefined
  }
}
