/** One view of the client for people: where it is, and what each peer did. Made by `SyncClient.view`, drawn by the page. */
import type { Hash } from '../chain/header.ts'
import type { Entry, HeaderTree } from '../chain/header-tree.ts'
import type { StatusMessage } from '../wire/message.ts'
import type { News } from './news.ts'
import { type PeerRecord, type PeerView, viewOf } from './peer-record.ts'

export type SyncPhase =
  | 'searching' // no peer has sent a head yet
  | 'syncing' // most peers claim more than we verified
  | 'following' // at the head

export interface SyncView<Id extends string = string> {
  readonly phase: SyncPhase
  readonly head: Entry
  /** The newest of the best chain, the head first, each with who showed it. */
  readonly newest: readonly { readonly entry: Entry; readonly servedBy: Id | undefined }[]
  /** What most peers claim, proven or not: the end of the progress bar, and nothing more. */
  readonly claimedHeight: number
  /** Headers verified since the start. */
  readonly verified: number
  /** Connected ones first, in the order they came; then those that left. */
  readonly peers: readonly PeerView<Id>[]
  /** The newest last. */
  readonly news: readonly News<Id>[]
}

export interface ViewParts<Id extends string> {
  readonly connected: Iterable<PeerRecord<Id>>
  readonly gone: Iterable<PeerRecord<Id>>
  readonly news: readonly News<Id>[]
  readonly servedBy: ReadonlyMap<Hash, Id>
}

/** Headers of the best chain that are shown one by one. */
const shownHeaders = 12

export function viewOfAll<Id extends string>(
  { connected, gone, news, servedBy }: ViewParts<Id>,
  { tree, now, slowAfterMs }: { tree: HeaderTree; now: number; slowAfterMs: number }
): SyncView<Id> {
  const here = [...connected]
  const seen = (isConnected: boolean) => (record: PeerRecord<Id>) => viewOf(record, { tree, now, slowAfterMs, connected: isConnected })
  const claim = middleClaim(here)
  const syncing = claim !== undefined && claim.totalWork > tree.head.totalWork
  const { height } = tree.head.header
  return {
    phase: claim === undefined ? 'searching' : syncing ? 'syncing' : 'following',
    head: tree.head,
    claimedHeight: syncing ? Math.max(claim.height, height) : height,
    newest: newestOf(tree).map((entry) => ({ entry, servedBy: servedBy.get(entry.hash) })),
    verified: tree.order,
    peers: [...here.map(seen(true)), ...[...gone].reverse().map(seen(false))],
    news: [...news]
  }
}

function newestOf(tree: HeaderTree): Entry[] {
  const { height } = tree.head.header
  return Array.from({ length: shownHeaders }, (_, back) => tree.at(height - back)).filter((entry) => entry !== undefined)
}

/** Of all claims the one in the middle by work, so that a few liars cannot move it at will; of two the smaller. */
function middleClaim<Id extends string>(records: readonly PeerRecord<Id>[]): StatusMessage | undefined {
  const claims = records.flatMap(({ claim, lie }) => (claim === undefined || lie !== undefined ? [] : [claim]))
  claims.sort((a, b) => (a.totalWork < b.totalWork ? -1 : a.totalWork > b.totalWork ? 1 : 0))
  return claims[Math.floor((claims.length - 1) / 2)]
}
