/**
 * What the pool knows to text and back into its tables. Called by `flows/persistence.ts`, which waits, saves and reports;
 * the text itself is described by `docs/storage.md` and read and written by `stored-text.ts`.
 */
import type { PeerMetadata, TableSize } from '../values/config.ts'
import type { Point } from '../values/ids.ts'
import type { Network } from '../values/ports.ts'
import type { AccessList } from './acl.ts'
import { lastMeeting, type PeerRecord } from './peer-state.ts'
import type { PeerTable } from './peer-table.ts'
import { lastSeenAt } from './point-info.ts'
import type { PointTable } from './point-table.ts'
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

/** Entries taken into a table between two yields; about 2 ms. */
const entriesPerSlice = 1_000

/** The text of the state line by line; made as it is asked for, so that it can be written in slices. */
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
  const bestPoints = yield* best(state.points, config.maxKnownPoints, {
    seenAt: ({ life }) => lastSeenAt(life),
    since: (point) => point.discoveredAt
  })
  yield
  const bestPeers = yield* best(state.peers, config.maxKnownPeers, {
    seenAt: ({ life }) => lastMeeting(life)?.at,
    since: (peer) => peer.createdAt
  })
  const tookPoints = yield* takeBack(bestPoints, {
    find: (stored) => points.get(stored.point),
    forget: (stored) => points.remove(stored.point),
    restore: (stored, known) => points.restore(stored, known) !== undefined
  })
  const tookPeers = yield* takeBack<PeerRecord>(bestPeers, {
    find: (stored) => peers.get(stored.peerId) as PeerRecord | undefined,
    forget: (stored) => peers.remove(stored.peerId),
    restore: (stored, known) => restorePeer(peers, { stored, known: known as PeerRecord<PeerMeta> | null, metadata: config.peerMetadata })
  })
  return {
    anchors: state.anchors,
    points: tookPoints.taken,
    peers: tookPeers.taken,
    dropped: dropped + tookPoints.repeated + tookPeers.repeated
  }
}

/** Into one table, in order. Of two of the same name, which only a person can have written, the later in the order counts. */
function* takeBack<T>(
  entries: readonly T[],
  table: { find: (entry: T) => T | undefined; forget: (entry: T) => void; restore: (entry: T, known: T | null) => boolean }
): Generator<void, { taken: number; repeated: number }> {
  /** Made when it is needed: mostly nothing is known when a storage is read. */
  let ours: ReadonlySet<T> | undefined
  let taken = 0
  let repeated = 0
  let work = 0
  for (const stored of entries) {
    let known = table.find(stored)
    if (known !== undefined) {
      ours ??= new Set(entries)
      if (ours.has(known)) {
        table.forget(known)
        known = undefined
        repeated++
        taken--
      }
    }
    if (table.restore(stored, known ?? null)) taken++
    if (work++ % entriesPerSlice === 0) yield
  }
  return { taken, repeated }
}

/**
 * The best that a table has places for, in the order in which it takes them back: the least recently seen first. `instants`:
 * when it was last seen, and known since when.
 */
function* best<T extends { readonly trusted: boolean; readonly lastEstablished: unknown }>(
  entries: readonly T[],
  size: TableSize | null,
  { seenAt, since }: { seenAt: (entry: T) => number | undefined; since: (entry: T) => number }
): Generator<void, T[]> {
  // Numbers, and their places: an object per entry would cost more than the sorting.
  const seen = new Float64Array(entries.length)
  const known = new Float64Array(entries.length)
  const order: number[] = []
  // `from` with a function takes several times as long, and would be the longest turn of a start.
  for (const entry of entries) {
    const place = order.push(order.length) - 1
    seen[place] = seenAt(entry) ?? -1
    known[place] = since(entry)
  }
  yield
  const byAge = (a: number, b: number): number => (seen[a] ?? 0) - (seen[b] ?? 0) || (known[a] ?? 0) - (known[b] ?? 0)
  if (size !== null && order.length > size.max) {
    const worth = Uint8Array.from(entries, ({ trusted, lastEstablished }) => (trusted ? 2 : 0) + (lastEstablished === undefined ? 0 : 1))
    order.sort((a, b) => (worth[b] ?? 0) - (worth[a] ?? 0) || byAge(b, a))
    order.length = size.max
    yield
  }
  order.sort(byAge)
  yield
  return order.map((place) => entries[place] as T)
}

/**
 * Metadata that the application no longer understands starts anew, and the rest of the peer stays. A peer that was met
 * before its stored record was read gets its stored metadata, unless the application has set some meanwhile.
 */
function restorePeer<PeerMeta>(
  peers: PeerTable<PeerMeta>,
  { stored, known, metadata }: { stored: PeerRecord; known: PeerRecord<PeerMeta> | null; metadata: PeerMetadata<PeerMeta> }
): boolean {
  const read = (): PeerMeta => {
    try {
      return metadata.fromJson(stored.metadata)
    } catch {
      return metadata.initial()
    }
  }
  const isInitial =
    known === null || JSON.stringify(metadata.toJson(known.metadata)) === JSON.stringify(metadata.toJson(metadata.initial()))
  return peers.restore(stored, isInitial ? read() : known.metadata, known) !== undefined
}
