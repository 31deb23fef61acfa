/**
 * What the pool knows to text and back into its tables. Called by `flows/persistence.ts`, which waits, saves and reports;
 * the text itself is described by `docs/storage.md` and read and written by `stored-text.ts`.
 */
import type { PeerMetadata, TableSize } from '../values/config.ts'
import type { Point } from '../values/ids.ts'
import type { Network } from '../values/ports.ts'
import type { AccessList } from './acl.ts'
import { lastMeeting } from './peer-state.ts'
import type { PeerTable } from './peer-table.ts'
import { lastSeenAt } from './point-info.ts'
import type { PointTable } from './point-table.ts'
import type { StoredPeer } from './stored-record.ts'
import { decodeState, encodeState } from './stored-text.ts'

/** What is saved, and with what. */
export interface PersistedParts<PeerMeta> {
  readonly config: {
    readonly maxKnownPoints: TableSize | null
    readonly maxKnownPeers: TableSize | null
    readonly peerMetadata: PeerMetadata<PeerMeta>
  }
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly access: Pick<AccessList, 'export' | 'import'>
}

/** What a load brought. */
export interface LoadedCounts {
  /** Points of the best connections of last time, to be dialed first. At most eight. */
  readonly anchors: readonly Point[]
  readonly points: number
  readonly peers: number
  /** Entries that could not be, or stood there twice. Not those that the tables had no place for. */
  readonly dropped: number
}

/** Entries taken into the tables between two yields; about 2 ms. */
const entriesPerSlice = 1_000

/** The text of the state in parts of whole lines; made as it is asked for, so that it can be written in slices. */
export function storedParts<PeerMeta>(
  { config, points, peers, access }: PersistedParts<PeerMeta>,
  { anchors, date }: { anchors: readonly Point[]; date: number }
): Iterable<string> {
  const metadataToJson = (metadata: PeerMeta): unknown => config.peerMetadata.toJson(metadata)
  return encodeState({ anchors, bans: access.export(), points, peers }, { savedAt: date, metadataToJson })
}

/**
 * Takes what is stored into the tables and the access lists, yielding between slices; the tables may change meanwhile. Of
 * more entries than a table's `max` the best are taken: trusted, then those that ran, then the most recently seen. What
 * is known already keeps what it has and gains the rest. Throws `StorageError` `broken` or `newer-version` before anything
 * is taken.
 */
export function* loadState<PeerMeta>(
  text: string,
  { parts, parse, date }: { parts: PersistedParts<PeerMeta>; parse: Pick<Network, 'parsePoint' | 'parsePeerId'>; date: number }
): Generator<void, LoadedCounts> {
  const { config, points, peers, access } = parts
  const state = yield* decodeState(text, { parse, date })
  const dropped = state.dropped + access.import(state.bans, date)
  yield
  const bestPoints = yield* best(state.points, config.maxKnownPoints, (point) => [lastSeenAt(point), point.discoveredAt])
  yield
  const bestPeers = yield* best(state.peers, config.maxKnownPeers, (peer) => [lastMeeting(peer)?.at, peer.createdAt])
  let taken = 0
  let work = 0
  for (const stored of bestPoints) {
    if (points.restore(stored) !== undefined) taken++
    if (work++ % entriesPerSlice === 0) yield
  }
  const takenPoints = taken
  for (const stored of bestPeers) {
    if (restorePeer(peers, stored, config.peerMetadata)) taken++
    if (work++ % entriesPerSlice === 0) yield
  }
  return { anchors: state.anchors, points: takenPoints, peers: taken - takenPoints, dropped }
}

/**
 * The best that a table has places for, in the order in which it takes them back: the least recently seen first. `instants`:
 * when it was last seen, and known since when.
 */
function* best<T extends { readonly trusted: boolean; readonly lastEstablished: unknown }>(
  entries: readonly T[],
  size: TableSize | null,
  instants: (entry: T) => [seenAt: number | undefined, since: number]
): Generator<void, T[]> {
  const ranked = entries.map((entry) => {
    const [seenAt = -1, since] = instants(entry)
    return { entry, seenAt, since }
  })
  yield
  const byAge = (a: (typeof ranked)[number], b: (typeof ranked)[number]): number => a.seenAt - b.seenAt || a.since - b.since
  if (size !== null && ranked.length > size.max) {
    const worth = ({ trusted, lastEstablished }: T): number => (trusted ? 2 : 0) + (lastEstablished === undefined ? 0 : 1)
    ranked.sort((a, b) => worth(b.entry) - worth(a.entry) || byAge(b, a))
    ranked.length = size.max
  }
  ranked.sort(byAge)
  yield
  return ranked.map(({ entry }) => entry)
}

/**
 * Metadata that the application no longer understands starts anew, and the rest of the peer stays. A peer that was met
 * before its stored record was read gets its stored metadata, unless the application has set some meanwhile.
 */
function restorePeer<PeerMeta>(peers: PeerTable<PeerMeta>, stored: StoredPeer, metadata: PeerMetadata<PeerMeta>): boolean {
  const read = (): PeerMeta => {
    try {
      return metadata.fromJson(stored.metadata)
    } catch {
      return metadata.initial()
    }
  }
  const met = peers.get(stored.peerId)
  if (met === undefined) return peers.restore(stored, read()) !== undefined
  const isInitial = JSON.stringify(metadata.toJson(met.metadata)) === JSON.stringify(metadata.toJson(metadata.initial()))
  peers.restore(stored, isInitial ? read() : met.metadata)
  return true
}
