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
import { peerToJson, pointToJson, StoredReader } from './stored-entries.ts'
import type { StoredPeer, StoredPoint } from './stored-record.ts'

const format = 'p2p-pool'
const version = 1

/** Points of the best connections, remembered to be dialed first; a few suffice against an eclipse after a restart. */
export const maxAnchors = 8

/** Everything that is kept between runs. */
export interface StoredState<PeerMeta = unknown> {
  readonly anchors: readonly Point[]
  readonly bans: BanLists
  readonly points: Iterable<StoredPoint>
  readonly peers: Iterable<StoredPeer<PeerMeta>>
}

/** What was read; the metadata of peers is JSON. */
export interface DecodedState extends StoredState {
  readonly points: readonly StoredPoint[]
  readonly peers: readonly StoredPeer[]
  /** Entries that could not be, or stood there twice. */
  readonly dropped: number
}

/** The document before anybody looked into its entries. */
interface RawState {
  readonly anchors: unknown
  readonly bans: unknown
  readonly points: readonly unknown[]
  readonly peers: readonly unknown[]
}

/** Work between two yields: characters parsed, and entries and events read; about 5 ms each. */
const charactersPerSlice = 500_000
const entriesPerSlice = 1_000
/** Entries in one part of the written text: a few ten thousand characters. */
const entriesPerPart = 100

/**
 * The text in parts of whole lines. The tables may change between two parts; each entry is written as it is then.
 * `metadataToJson` is the application's: a peer whose metadata it cannot make JSON of is written without.
 */
export function* encodeState<PeerMeta>(
  state: StoredState<PeerMeta>,
  { savedAt, metadataToJson }: { savedAt: number; metadataToJson: (metadata: PeerMeta) => unknown }
): Generator<string> {
  yield `{"format":"${format}","version":${version},"savedAt":${savedAt},\n`
  yield `"anchors":${JSON.stringify(state.anchors.slice(0, maxAnchors))},\n"bans":${JSON.stringify(state.bans)},\n"points":[`
  yield* linesOf(state.points, (point) => JSON.stringify(pointToJson(point)))
  yield '\n],\n"peers":['
  yield* linesOf(state.peers, (peer) => {
    try {
      return JSON.stringify(peerToJson(peer, metadataToJson(peer.metadata)))
    } catch {
      return JSON.stringify(peerToJson(peer, null))
    }
  })
  yield '\n]}\n'
}

function* linesOf<T>(entries: Iterable<T>, toLine: (entry: T) => string): Generator<string> {
  let lines = ''
  let count = 0
  for (const entry of entries) {
    lines += `${count === 0 ? '' : ','}\n${toLine(entry)}`
    if (++count % entriesPerPart !== 0) continue
    yield lines
    lines = ''
  }
  if (lines !== '') yield lines
}

/**
 * What a text says, yielding now and then so that no turn is long. `date`: no record is younger. Of two entries of the same
 * name the later wins. Throws `StorageError` `broken` or `newer-version`, naming what was expected and what is there.
 */
export function* decodeState(
  text: string,
  { parse, date }: { parse: Pick<Network, 'parsePoint' | 'parsePeerId'>; date: number }
): Generator<void, DecodedState> {
  const raw = (yield* readLines(text)) ?? readWhole(text)
  const reader = new StoredReader(parse, date)
  const anchors = reader.anchors(raw.anchors, maxAnchors)
  const bans = reader.bans(raw.bans)
  const points = yield* readEntries(raw.points, (value) => reader.point(value), { nameOf: ({ point }) => point, reader })
  const peers = yield* readEntries(raw.peers, (value) => reader.peer(value), { nameOf: ({ peerId }) => peerId, reader })
  return { anchors, bans, points, peers, dropped: reader.dropped }
}

function* readEntries<T extends { readonly events: readonly unknown[] }>(
  values: readonly unknown[],
  read: (value: unknown) => T | undefined,
  { nameOf, reader }: { nameOf: (entry: T) => string; reader: StoredReader }
): Generator<void, T[]> {
  const found = new Map<string, T>()
  let work = 0
  for (const value of values) {
    const entry = read(value)
    work += 1 + (entry?.events.length ?? 0)
    if (entry !== undefined) {
      if (found.has(nameOf(entry))) reader.drop()
      found.set(nameOf(entry), entry)
    }
    if (work < entriesPerSlice) continue
    work = 0
    yield
  }
  return [...found.values()]
}

/** Reads a text as `encodeState` lays it out; `undefined` if it is not laid out so, or any line is no JSON. */
function* readLines(text: string): Generator<void, RawState | undefined> {
  let at = text.startsWith('\uFEFF') ? 1 : 0
  const next = (): string => {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end)
    at = end < 0 ? text.length : end + 1
    return line
  }
  const field = (name: string): unknown => {
    const line = next()
    return line.startsWith(`"${name}":`) && line.endsWith(',') ? parseJson(line.slice(name.length + 3, -1)) : undefined
  }
  if (!next().startsWith(`{"format":"${format}","version":${version},"savedAt":`)) return undefined
  const anchors = field('anchors')
  const bans = field('bans')
  if (anchors === undefined || bans === undefined || next() !== '"points":[') return undefined
  const lists: unknown[][] = []
  let sliceEnd = at + charactersPerSlice
  for (const end of ['],', ']}']) {
    const entries: unknown[] = []
    for (let line = next(), isLast = false; line !== end; line = next()) {
      // The last entry of a list, and it alone, has no comma behind it.
      if (isLast) return undefined
      isLast = !line.endsWith(',')
      const entry = parseJson(isLast ? line : line.slice(0, -1))
      if (entry === undefined) return undefined
      entries.push(entry)
      if (at < sliceEnd) continue
      sliceEnd = at + charactersPerSlice
      yield
    }
    lists.push(entries)
    if (end === '],' && next() !== '"peers":[') return undefined
  }
  return text.slice(at).trim() === '' ? { anchors, bans, points: lists[0] ?? [], peers: lists[1] ?? [] } : undefined
}

/** The whole text in one turn: only for texts that others laid out, and to say what is wrong with one. */
function readWhole(text: string): RawState {
  const top = parseJson(text.startsWith('\uFEFF') ? text.slice(1) : text)
  const expected = `expected a JSON object with "format": "${format}"`
  if (top === undefined) throw new StorageError('broken', `${expected}, got no JSON but ${quote(text)}`)
  if (Array.isArray(top) && top.some((entry) => isObject(entry) && Object.hasOwn(entry, 'peer_id'))) {
    throw new StorageError('broken', `${expected}, got a peers file of the original, whose peer ids mean nothing in libp2p`)
  }
  if (!isObject(top) || top.format !== format) throw new StorageError('broken', `${expected}, got ${quote(text)}`)
  const { version: found, anchors, bans, points = [], peers = [] } = top
  if (typeof found === 'number' && Number.isInteger(found) && found > version) {
    throw new StorageError('newer-version', `expected version ${version}, got version ${found}: a newer p2p-pool wrote it`)
  }
  if (found !== version) throw new StorageError('broken', `expected "version": ${version}, got ${quote(JSON.stringify(found))}`)
  for (const [name, list] of Object.entries({ points, peers })) {
    if (!Array.isArray(list)) throw new StorageError('broken', `expected an array in "${name}", got ${quote(JSON.stringify(list))}`)
  }
  return { anchors, bans, points: points as unknown[], peers: peers as unknown[] }
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
