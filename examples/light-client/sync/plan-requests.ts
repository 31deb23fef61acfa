/**
 * Which peers to ask now. Pure: a function of what is known of the peers. Called by `sync-client.ts` after everything that happens.
 *
 * Peers that claim the same head can stand in for each other: one of them is asked, another one as soon as that one is
 * overdue. Different heads are followed side by side, so that a false one neither hides a true one nor holds it up.
 */
import type { Hash } from '../chain/header.ts'
import type { PeerRecord } from './peer-record.ts'

export interface RequestPlan<Id extends string> {
  readonly ask: PeerRecord<Id>
  /** Was asked for the same and keeps us waiting. */
  readonly insteadOf: PeerRecord<Id> | undefined
}

export interface PlanOptions {
  readonly now: number
  /** Work of our own head: who claims no more has nothing to show us. */
  readonly totalWork: bigint
  readonly slowAfterMs: number
  /** Requests that are not overdue, to all peers together. */
  readonly maxRequests: number
}

export function planRequests<Id extends string>(records: Iterable<PeerRecord<Id>>, options: PlanOptions): RequestPlan<Id>[] {
  const { now, totalWork, slowAfterMs, maxRequests } = options
  const isFresh = ({ request }: PeerRecord<Id>): boolean => request !== undefined && now - request.sentAt < slowAfterMs
  const byHead = new Map<Hash, PeerRecord<Id>[]>()
  let inFlight = 0
  for (const record of records) {
    if (isFresh(record)) inFlight++
    if (record.lie !== undefined || record.proven || record.claim === undefined || record.claim.totalWork <= totalWork) continue
    byHead.set(record.claim.head, [...(byHead.get(record.claim.head) ?? []), record])
  }
  const plans: RequestPlan<Id>[] = []
  // What most peers say is the likeliest to be true, and what we are here for.
  for (const group of [...byHead.values()].sort((a, b) => b.length - a.length)) {
    if (inFlight + plans.length >= maxRequests) break
    if (group.some(isFresh)) continue
    const [ask] = group.filter(({ request, restsUntil }) => request === undefined && restsUntil <= now).sort(byPromise)
    if (ask !== undefined) plans.push({ ask, insteadOf: group.find(({ request }) => request !== undefined) })
  }
  return plans
}

/** Who did not keep us waiting; of these who was asked the least, so that the load is spread; of these the fastest. */
function byPromise<Id extends string>(a: PeerRecord<Id>, b: PeerRecord<Id>): number {
  return a.lateInARow - b.lateInARow || a.answers - b.answers || (a.latencyMs ?? 0) - (b.latencyMs ?? 0) || a.joinedAt - b.joinedAt
}
