/**
 * What a pool keeps between runs, as text and back: a header line, then one JSON entry per line. Called by
 * `flows/persistence.ts`, which waits and reports. Which fields an entry has is in `saved-fields.ts`; `docs/storage.md`
 * describes the text for people, `docs/storage.schema.json` for programs.
 *
 * A line that cannot be read costs that entry alone. A text without a proper header is broken as a whole.
 */
import { isIntroduction } from '../values/address.ts'
import { maxAnchors } from '../values/bounds.ts'
import type { Point } from '../values/ids.ts'
import { type Network, StorageError } from '../values/ports.ts'
import type { PoolConfig, TableSize } from '../values/settings.ts'
import type { BanLists, Bans } from './bans.ts'
import { lastMeeting } from './peer.ts'
import type { PeerTable } from './peer-table.ts'
import type { PointTable } from './point-table.ts'
import {
  entryFields,
  type Fields,
  joinBans,
  list,
  peerFields,
  point,
  readFields,
  restorePeer,
  restorePoint,
  type Saved,
  type SavedPeer,
  type SavedPoint,
  type Source,
  writeFields
} from './saved-fields.ts'

const format = 'p2p-pool'
const version = 1

/** Characters. A longer line is not read, and a peer whose metadata would make one is saved without them. Parsing one takes some ms. */
const maxLineLength = 1_048_576
/** Lines beyond these are not read: ten times two tables of the largest size that is measured. */
const maxLines = 200_000

/** Read between two yields: a few ms of work. */
const linesPerSlice = 100
const charactersPerSlice = 65_536
/** Entries taken into a table between two yields: a few ms of work. */
const entriesPerSlice = 500

/** Texts remembered with what they mean. The same ones come again and again within an entry and in its neighbours. */
const maxRemembered = 512

/** What is saved, and with what: of a pool's parts. */
export interface SavedTables<PeerMeta> {
  readonly config: Pick<PoolConfig<never, PeerMeta>, 'maxKnownPoints' | 'maxKnownPeers' | 'trustedPoints' | 'peerMetadata'>
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly bans: Pick<Bans, 'export' | 'banPeer' | 'banHost' | 'banRange'>
}

type Parser = Pick<Network, 'tryParsePoint' | 'tryParsePeerId'>
type Kind = keyof typeof entryFields
type Entries = { readonly [K in Kind]: Saved<(typeof entryFields)[K]>[] }

/** What a text says, checked. The metadata of peers are JSON. */
export interface SavedState extends Entries {
  /** Points of the best connections of last time, to be dialed first. At most eight. */
  readonly anchors: readonly Point[]
  /** Lines that could not be read. */
  readonly dropped: number
}

/**
 * The text line by line, made as it is asked for: each entry is written as it is then. Points and peers come in the order in which
 * they were last seen, so that a wrong clock does not change that order.
 */
export function* writeState<PeerMeta>(
  { config, points, peers, bans }: SavedTables<PeerMeta>,
  { anchors, date }: { anchors: readonly Point[]; date: number }
): Generator<string> {
  yield `${JSON.stringify({ format, version, savedAt: date, anchors: anchors.filter((one) => !isIntroduction(one)).slice(0, maxAnchors) })}\n`
  // Bans first: whatever cuts a text, the operator's word goes last.
  const banned = bans.export()
  for (const ban of banned.peers) yield lineOf('peer-ban', writeFields(entryFields['peer-ban'], ban))
  for (const ban of banned.hosts) yield lineOf('host-ban', writeFields(entryFields['host-ban'], ban))
  for (const ban of banned.ranges) yield lineOf('range-ban', writeFields(entryFields['range-ban'], ban))
  // Ways through peers end with the connections.
  for (const record of points.bySighting()) if (!isIntroduction(record.point)) yield lineOf('point', writeFields(entryFields.point, record))
  for (const record of [...peers].sort((a, b) => metAt(a) - metAt(b))) {
    yield lineOfPeer(writeFields(peerFields, record), () => config.peerMetadata.toJson(record.metadata))
  }
}

function lineOf(kind: Kind, fields: object): string {
  return `${JSON.stringify({ kind, ...fields })}\n`
}

/** A peer whose metadata make no JSON, or too much of it, is saved without them. */
function lineOfPeer(fields: object, metadata: () => unknown): string {
  try {
    const line = lineOf('peer', { ...fields, metadata: metadata() })
    if (line.length <= maxLineLength) return line
  } catch {
    // The codec is the application's, and failed: the rest of the peer is worth saving.
  }
  return lineOf('peer', { ...fields, metadata: null })
}

function metAt(peer: Pick<SavedPeer, 'lastEstablished' | 'lastRejected' | 'lastDisconnection'>): number {
  return lastMeeting(peer)?.at ?? 0
}

/**
 * Reads a text, yielding now and then so that no turn is long. `now`: wall clock, ms; a later date counts as now. Throws
 * `StorageError` `broken` or `newer-version`, naming what was expected and what is there.
 */
export function* readState(text: string, { parse, now }: { parse: Parser; now: number }): Generator<void, SavedState> {
  const source: Source = {
    now,
    date: (at) => Math.min(at, now),
    point: remembering((one) => parse.tryParsePoint(one)),
    peerId: remembering((one) => parse.tryParsePeerId(one))
  }
  const lines = linesOf(text)
  const anchors = list(point, maxAnchors).read(anchorsOf(lines.next().value), source)
  const entries: Entries = { 'peer-ban': [], 'host-ban': [], 'range-ban': [], point: [], peer: [] }
  let [dropped, count, characters] = [0, 0, 0]
  for (const line of lines) {
    if (++count > maxLines || !isTaken(line, entries, source)) dropped++
    characters += line?.length ?? 0
    if (count % linesPerSlice > 0 && characters < charactersPerSlice) continue
    characters = 0
    yield
  }
  return { ...entries, anchors, dropped }
}

/** Lines that hold something; `undefined` stands for one that is too long. */
function* linesOf(text: string): Generator<string | undefined, undefined> {
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; ) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const line = end - at > maxLineLength ? undefined : text.slice(at, end).trim()
    if (line !== '') yield line
    at = end + 1
  }
}

/** Adds the entry to those of its kind. False: the line cannot be read, whatever the reason. */
function isTaken(line: string | undefined, entries: Entries, source: Source): boolean {
  try {
    const value: unknown = JSON.parse(line ?? '')
    const { kind } = value as { readonly kind: Kind }
    if (!Object.hasOwn(entryFields, kind)) return false
    const fields: Fields = entryFields[kind]
    const those: unknown[] = entries[kind]
    those.push(readFields(fields, value, source))
    return true
  } catch {
    return false
  }
}

/** The anchors of a header, not checked yet. */
function anchorsOf(line: string | undefined): unknown {
  const expected = `expected a first line such as {"format":"${format}","version":${version}}`
  const got = line === undefined ? 'nothing, or far too long a line' : JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line)
  const { version: found, anchors, ...others } = headerOf(line)
  if (others.format !== format) throw new StorageError('broken', `${expected}, got ${got}`)
  if (Number.isInteger(found) && Number(found) > version)
    throw new StorageError('newer-version', `expected version ${version}, got version ${Number(found)}: a newer p2p-pool wrote it`)
  // Else a document that was put on one line would count as a header without entries, and be lost at the next save.
  const isFlat = Object.values(others).every((value) => typeof value !== 'object')
  if (found !== version || !isFlat) throw new StorageError('broken', `${expected} and each entry on a line of its own, got ${got}`)
  return anchors
}

function headerOf(line: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line ?? ''))
  } catch {
    return {}
  }
}

function remembering<T>(parse: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    if (known.size === maxRemembered) known.clear()
    const parsed = known.has(text) ? (known.get(text) as T) : parse(text)
    known.set(text, parsed)
    return parsed
  }
}

/**
 * Takes what was read into the tables and the access lists, yielding between slices; the tables may change meanwhile. Once begun
 * it must be finished: what adds up over runs would count twice. Of more entries than a table's `max` the best are taken:
 * trusted, then those that ran, then the last ones. What is known already keeps what it has and gains the rest. Returns how many were taken, and
 * how many could not be, or stood there twice: not those that the tables had no place for.
 */
export function* restoreState<PeerMeta>(
  { anchors, dropped, ...entries }: SavedState,
  { tables, now }: { tables: SavedTables<PeerMeta>; now: number }
): Generator<void, { points: number; peers: number; dropped: number }> {
  const { config } = tables
  const counts = { points: 0, peers: 0 }
  const bans: BanLists = { peers: entries['peer-ban'], hosts: entries['host-ban'], ranges: entries['range-ban'] }
  const badBans = joinBans(tables.bans, bans, now)
  const points = new Map<string, SavedPoint>()
  const peers = new Map<string, SavedPeer>()
  for (const saved of entries.point) setLast(points, saved.point, saved)
  for (const saved of entries.peer) setLast(peers, saved.peerId, saved)
  let work = 0
  const configured = new Set(config.trustedPoints.map(({ point }) => point))
  for (const saved of best(points, config.maxKnownPoints)) {
    // Who is expected at a point of the config is for the config alone to say, also if it names nobody.
    const restored = restorePoint(tables.points, configured.has(saved.point) ? { ...saved, expectedPeerId: undefined } : saved)
    if (restored !== undefined) counts.points++
    if (++work % entriesPerSlice === 0) yield
  }
  for (const saved of best(peers, config.maxKnownPeers)) {
    if (restorePeer(tables.peers, saved, metadataOf(tables, saved)) !== undefined) counts.peers++
    if (++work % entriesPerSlice === 0) yield
  }
  const repeated = entries.point.length - points.size + entries.peer.length - peers.size
  return { ...counts, dropped: dropped + badBans + repeated }
}

/** Of two entries with one name the later one counts, and its place. */
function setLast<T>(entries: Map<string, T>, name: string, entry: T): void {
  entries.delete(name)
  entries.set(name, entry)
}

/** Those that a table has places for, in their order. */
function best<T extends SavedPoint | SavedPeer>(entries: ReadonlyMap<string, T>, size: TableSize | null): T[] {
  const all = [...entries.values()]
  if (size === null || all.length <= size.max) return all
  const worth = ({ trusted, lastEstablished }: T): number => (trusted ? 2 : 0) + (lastEstablished === undefined ? 0 : 1)
  const kept = new Set(
    all
      .toReversed()
      .sort((a, b) => worth(b) - worth(a))
      .slice(0, size.max)
  )
  return all.filter((entry) => kept.has(entry))
}

/**
 * Metadata that the application no longer understands start anew, and the rest of the peer stays. A peer that was met before
 * its saved entry was read gets the saved metadata, unless the application has set some meanwhile.
 */
function metadataOf<PeerMeta>({ config, peers }: SavedTables<PeerMeta>, saved: SavedPeer): PeerMeta {
  const { peerMetadata } = config
  const known = peers.get(saved.peerId)
  const json = (metadata: PeerMeta): string => JSON.stringify(peerMetadata.toJson(metadata))
  try {
    const keeps = known !== undefined && json(known.metadata) !== json(peerMetadata.initial())
    return keeps ? known.metadata : peerMetadata.fromJson(saved.metadata)
  } catch {
    return known === undefined ? peerMetadata.initial() : known.metadata
  }
}
