/**
 * The stored document: what stands where in the text, and its way back. Called by `persist.ts`; single entries are the
 * matter of `stored-entries.ts`.
 *
 * The text is one JSON document with one entry per line, so that a person can read it, a tool can compare two, and it can be
 * written and read in slices of a few milliseconds. A text that a person formatted otherwise is parsed whole, with the
 * same result. Text that is no JSON, or of another shape, is `broken`: whoever stored it is told, and keeps it.
 */
import type { Point } from '../values/ids.ts'
import { type Network, StorageError } from '../values/ports.ts'
import type { BanLists } from './bans.ts'
import type { PeerRecord } from './peer-state.ts'
import type { PointRecord } from './point-record.ts'
import { peerToJson, pointToJson, StoredReader } from './stored-entries.ts'
import type { Lined, StoredPeer, StoredPoint } from './stored-record.ts'

const format = 'p2p-pool'
const version = 1

/** Points of the best connections, remembered to be dialed first; a few suffice against an eclipse after a restart. */
export const maxAnchors = 8

/** Everything that is kept between runs. */
export interface StoredState<PeerMeta = unknown> {
  readonly anchors: readonly Point[]
  readonly bans: BanLists
  readonly points: Iterable<StoredPoint & Lined>
  readonly peers: Iterable<StoredPeer<PeerMeta> & Lined>
}

/** What was read; the metadata of peers is JSON. */
export interface DecodedState extends StoredState {
  readonly points: readonly PointRecord[]
  readonly peers: readonly PeerRecord[]
  /** Entries that could not be. */
  readonly dropped: number
}

export interface DecodeOptions {
  readonly parse: Pick<Network, 'parsePoint' | 'parsePeerId'>
  /** Wall clock, ms: no record is younger. */
  readonly date: number
}

/** Entries and events read between two yields; some milliseconds. */
const workPerSlice = 2_000
/** Characters parsed at once: a millisecond or two, and few enough calls that they cost no more than one for all. */
const charactersPerParse = 100_000
/**
 * Lines kept of each list, the first ones: all of a table of the default size, some 150 bytes each. The text of a large table would
 * take as much memory as the table itself.
 */
const maxLinesKept = 512

/**
 * The text line by line. The tables may change between two lines; each entry is written as it is then. Of what has
 * not changed since it was written last the line is taken as it was, so that a save costs what changed.
 * `metadataToJson` is the application's: a peer whose metadata it cannot make JSON of is written without.
 */
export function* encodeState<PeerMeta>(
  state: StoredState<PeerMeta>,
  { savedAt, metadataToJson }: { savedAt: number; metadataToJson: (metadata: PeerMeta) => unknown }
): Generator<string> {
  yield `{"format":"${format}","version":${version},"savedAt":${savedAt},\n`
  yield `"anchors":${JSON.stringify(state.anchors.slice(0, maxAnchors))},\n"bans":${JSON.stringify(state.bans)},\n"points":[`
  yield* linesOf(state.points, { toJson: (point) => JSON.stringify(pointToJson(point)), tellsOfChanges: () => true })
  yield '\n],\n"peers":['
  yield* linesOf(state.peers, {
    toJson: (peer) => {
      try {
        return JSON.stringify(peerToJson(peer, metadataToJson(peer.metadata)))
      } catch {
        return JSON.stringify(peerToJson(peer, null))
      }
    },
    // An application may write into an object that it gave us without a word.
    tellsOfChanges: ({ metadata }) => typeof metadata !== 'object' || metadata === null
  })
  yield '\n]}\n'
}

function* linesOf<T extends Lined>(
  entries: Iterable<T>,
  { toJson, tellsOfChanges }: { toJson: (entry: T) => string; tellsOfChanges: (entry: T) => boolean }
): Generator<string> {
  let count = 0
  for (const entry of entries) {
    let { line } = entry
    if (line === undefined) {
      line = `,\n${toJson(entry)}`
      if (count < maxLinesKept && tellsOfChanges(entry)) entry.line = line
    }
    yield count++ === 0 ? line.slice(1) : line
  }
}

/**
 * What a text says, yielding now and then so that no turn is long. Whether two entries have one name is seen by
 * `persist.ts`. Throws `StorageError` `broken` or `newer-version`, naming what was expected and what is there.
 */
export function* decodeState(text: string, from: DecodeOptions): Generator<void, DecodedState> {
  return (yield* decodeLines(text, new Collector(from))) ?? (yield* decodeWhole(text, new Collector(from)))
}

/** What was found so far in one text. */
class Collector {
  readonly #reader: StoredReader
  readonly #points: PointRecord[] = []
  readonly #peers: PeerRecord[] = []
  #anchors: readonly Point[] = []
  #bans: BanLists = { peers: [], hosts: [], ranges: [] }
  #work = 0

  constructor({ parse, date }: DecodeOptions) {
    this.#reader = new StoredReader(parse, date)
  }

  head({ anchors, bans }: { anchors: unknown; bans: unknown }): void {
    this.#anchors = this.#reader.anchors(anchors, maxAnchors)
    this.#bans = this.#reader.bans(bans)
  }

  entry(list: 'points' | 'peers', value: unknown): void {
    const record =
      list === 'points' ? this.#keep(this.#points, this.#reader.point(value)) : this.#keep(this.#peers, this.#reader.peer(value))
    this.#work += 1 + (record?.events.length ?? 0)
  }

  /** Is it time to let others work? Asking begins the next slice. */
  isSliceDone(): boolean {
    if (this.#work < workPerSlice) return false
    this.#work = 0
    return true
  }

  result(): DecodedState {
    const { dropped } = this.#reader
    return { anchors: this.#anchors, bans: this.#bans, points: this.#points, peers: this.#peers, dropped }
  }

  #keep<T>(entries: T[], entry: T | undefined): T | undefined {
    if (entry !== undefined) entries.push(entry)
    return entry
  }
}

/** Reads a text as `encodeState` lays it out; `undefined` if it is not laid out so, or any part of it is no JSON. */
function* decodeLines(text: string, found: Collector): Generator<void, DecodedState | undefined> {
  const head = /^\uFEFF?\{"format":"p2p-pool","version":1,"savedAt":\d+,\n"anchors":(.*),\n"bans":(.*),\n"points":\[\n/.exec(text)
  const [anchors, bans] = [parseJson(head?.[1] ?? ''), parseJson(head?.[2] ?? '')]
  if (head === null || anchors === undefined || bans === undefined) return undefined
  found.head({ anchors, bans })
  let at = head[0].length
  for (const [list, closing] of [
    ['points', '],\n"peers":[\n'],
    ['peers', ']}\n']
  ] as const) {
    // Within a JSON text a line break is never part of a string, so this is the end of the list or the layout is not ours.
    const end = text.startsWith(closing, at) ? at : text.indexOf(`\n${closing}`, at) + 1
    if (end < at) return undefined
    yield
    while (at < end) {
      const lineEnd = text.indexOf('\n', Math.min(at + charactersPerParse, end - 1))
      const isLast = lineEnd + 1 >= end
      // Lines end in a comma, except the last of the list; JSON sees to that, once the one behind a piece is taken away.
      if (!isLast && text[lineEnd - 1] !== ',') return undefined
      const values = parseJson(`[${text.slice(at, isLast ? lineEnd : lineEnd - 1)}]`)
      if (!Array.isArray(values) || values.length === 0) return undefined
      for (const value of values) {
        found.entry(list, value)
        if (found.isSliceDone()) yield
      }
      at = lineEnd + 1
    }
    at = end + closing.length
  }
  return text.slice(at).trim() === '' ? found.result() : undefined
}

/** Parses the whole text in one turn: only for texts that others laid out, and to say what is wrong with one. */
function* decodeWhole(text: string, found: Collector): Generator<void, DecodedState> {
  const top = parseJson(text.startsWith('\uFEFF') ? text.slice(1) : text)
  const expected = `expected a JSON object with "format": "${format}"`
  if (top === undefined) throw new StorageError('broken', `${expected}, got no JSON but ${quote(text)}`)
  if (Array.isArray(top) && top.some((entry) => isObject(entry) && Object.hasOwn(entry, 'peer_id'))) {
    throw new StorageError('broken', `${expected}, got a peers file of the original, whose peer ids mean nothing in libp2p`)
  }
  if (!isObject(top) || top.format !== format) throw new StorageError('broken', `${expected}, got ${quote(text)}`)
  const { version: foundVersion, anchors, bans, points = [], peers = [] } = top
  if (typeof foundVersion === 'number' && Number.isInteger(foundVersion) && foundVersion > version) {
    throw new StorageError('newer-version', `expected version ${version}, got version ${foundVersion}: a newer p2p-pool wrote it`)
  }
  if (foundVersion !== version)
    throw new StorageError('broken', `expected "version": ${version}, got ${quote(JSON.stringify(foundVersion))}`)
  const lists = { points: asArray('points', points), peers: asArray('peers', peers) }
  found.head({ anchors, bans })
  for (const list of ['points', 'peers'] as const) {
    for (const value of lists[list]) {
      found.entry(list, value)
      if (found.isSliceDone()) yield
    }
  }
  return found.result()
}

function asArray(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new StorageError('broken', `expected an array in "${name}", got ${quote(JSON.stringify(value))}`)
  return value
}

/** `undefined`, which is no JSON value: the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The beginning of what came, for a message. */
function quote(text: string | undefined): string {
  if (text === undefined) return 'nothing'
  return text === '' ? 'an empty text' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
