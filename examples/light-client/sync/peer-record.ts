/** What the client remembers of one peer, and how that is shown to people. Changed by `sync-client.ts` only. */
import type { Hash } from '../chain/header.ts'
import type { HeaderTree } from '../chain/header-tree.ts'
import type { StatusMessage } from '../wire/message.ts'
import type { Request } from './answer.ts'
import type { Lie } from './lie.ts'

export interface PeerRecord<Id extends string> {
  readonly peerId: Id
  /** Instants are monotonic, ms. */
  readonly joinedAt: number
  claim: StatusMessage | undefined
  claimedAt: number
  /** The claimed head is in the tree, and its height and work are as claimed. */
  proven: boolean
  /** The one request in flight. */
  request: Request | undefined
  /** Another peer was asked for the same meanwhile. */
  replaced: boolean
  nextId: number
  /** Given up; their answers may still come. At most `maxLate`: then the peer is left. */
  readonly abandoned: Set<number>
  /** The last header it showed: on a branch of its own it is asked to go on from there. */
  lastShown: Hash | undefined
  /** Not asked before. */
  restsUntil: number
  /** Headers that we had from it first. */
  served: number
  answers: number
  /** Of the last answers, the latest counting for a third. */
  latencyMs: number | undefined
  lateInARow: number
  /** Times that it was of no use. */
  useless: number
  /** Of the last complaint that its claim is old. */
  staleSince: number
  /** Statuses in the window that began at `statusesSince`. */
  statuses: number
  statusesSince: number
  lie: Lie | undefined
}

export function newRecord<Id extends string>(peerId: Id, now: number): PeerRecord<Id> {
  return {
    peerId,
    joinedAt: now,
    claim: undefined,
    claimedAt: now,
    proven: false,
    request: undefined,
    replaced: false,
    nextId: 1,
    abandoned: new Set(),
    lastShown: undefined,
    restsUntil: now,
    served: 0,
    answers: 0,
    latencyMs: undefined,
    lateInARow: 0,
    useless: 0,
    staleSince: now,
    statuses: 0,
    statusesSince: now,
    lie: undefined
  }
}

export type Verdict =
  | 'lied' // proven wrong
  | 'silent' // does not answer, or never sent its head
  | 'slow' // keeps us waiting, or did the last time
  | 'waiting' // has not sent its head yet
  | 'checking' // claims more than was shown so far
  | 'agrees' // its head is ours
  | 'behind' // its head is an older one of our chain
  | 'branch' // its head is on a branch with no more work than ours

export interface PeerView<Id extends string = string> {
  readonly peerId: Id
  readonly verdict: Verdict
  readonly claim: StatusMessage | undefined
  readonly served: number
  readonly answers: number
  readonly latencyMs: number | undefined
  /** A request is in flight for so long, ms. */
  readonly askedForMs: number | undefined
  readonly lie: Lie | undefined
  /** False: the connection has ended. */
  readonly connected: boolean
}

export function viewOf<Id extends string>(
  record: PeerRecord<Id>,
  { tree, now, slowAfterMs, connected }: { tree: HeaderTree; now: number; slowAfterMs: number; connected: boolean }
): PeerView<Id> {
  const { peerId, claim, served, answers, latencyMs, request, lie } = record
  const askedForMs = request === undefined ? undefined : now - request.sentAt
  return {
    peerId,
    verdict: verdictOf(record, tree, askedForMs !== undefined && askedForMs >= slowAfterMs),
    claim,
    served,
    answers,
    latencyMs,
    askedForMs,
    lie,
    connected
  }
}

function verdictOf<Id extends string>(record: PeerRecord<Id>, tree: HeaderTree, overdue: boolean): Verdict {
  const { claim, lateInARow, lie, proven } = record
  if (lie !== undefined) return 'lied'
  if (lateInARow > 1) return 'silent'
  if (overdue || lateInARow > 0) return claim === undefined ? 'silent' : 'slow'
  if (claim === undefined) return 'waiting'
  if (claim.head === tree.head.hash) return 'agrees'
  if (proven) return tree.isBest(claim.head) || tree.get(claim.head) === undefined ? 'behind' : 'branch'
  return claim.totalWork > tree.head.totalWork ? 'checking' : 'branch'
}
