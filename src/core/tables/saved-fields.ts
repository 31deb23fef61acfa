/**
 * What is saved, field by field. One table per kind of entry drives writing, reading, checking, joining with what is known
 * already, and the JSON schema in `docs/`. To save another field of a point or a peer, add one line to its table; the record
 * must have a field of that name.
 *
 * The text may come from anybody. An entry with a field that cannot be read is dropped as a whole: half a record would be a
 * guess. Members of lists are dropped one by one.
 */
import { hostOfName, readPoint, sourceGroupOf } from '../values/address.ts'
import { type HistoryEvent, historyKinds, maxEventsKept } from '../values/history.ts'
import type { ParsedPoint, PeerId, Point } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'
import { type Ban, type BanLists, type BanOptions, type Bans, type HostBan, maxBans, type PeerBan, type RangeBan } from './bans.ts'
import { type PeerFindings, type PeerInfo, PeerRecord, type PeerReport } from './peer.ts'
import type { PeerTable } from './peer-table.ts'
import { type DiscoverySource, discoverySources, type Findings, type PointInfo, PointRecord } from './point.ts'
import type { PointTable } from './point-table.ts'

/** Longer ids and addresses are refused unread. The longest real ones, relayed over two names, are far shorter. */
const maxTextLength = 1_024
/** Deeper metadata is forgotten: the application may read it by recursion. */
const maxMetadataDepth = 100

export interface Source {
  /** Now, wall clock, ms. */
  readonly now: number
  /** A saved date, corrected for a clock that was wrong. Never later than now. */
  date(at: number): number
  point(text: string): ParsedPoint | undefined
  peerId(text: string): PeerId | undefined
}

/** Thrown, always the same, for what cannot be read: an error made anew would cost more than the entry. */
const unreadable = new TypeError('an entry of the saved state cannot be read')

/** Makes a value of one JSON value, which stands in `entry`; throws if it cannot. `shape` tells the schema what a composed reader reads. */
export type Read<T> = ((value: unknown, source: Source, entry?: Entry) => T) & { readonly shape?: Shape }

type Entry = Readonly<Record<string, unknown>>

type Shape = { readonly fields: Fields } | { readonly items: Read<unknown> } | { readonly words: readonly string[] }

/** One field of an entry. */
export interface Field<T> {
  /** Gets `undefined` where the entry does not have the field. */
  readonly read: Read<T>
  /** What a known record gets where a saved one comes back. Absent: it keeps what it has. */
  join?(known: T, saved: T): T
  /** True for a value that need not be written, since an absent field is read as that. `undefined` is never written. */
  isBlank?(value: T): boolean
  /** For the schema: what a field that may be absent is otherwise. Absent: the field is required. */
  readonly of?: Read<unknown> | 'boolean' | 'number' | 'json'
}

export type Fields = Readonly<Record<string, Field<unknown>>>
export type Saved<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never }

// Values.

const object = (value: unknown): Entry => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable
  return value as Entry
}

export const text: Read<string> = (value) => {
  if (typeof value !== 'string' || value.length > maxTextLength) throw unreadable
  return value
}

/** A date that is kept as it is, or an amount. */
export const number: Read<number> = (value) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw unreadable
  return value
}

/** A date in the past. */
export const date: Read<number> = (value, source) => source.date(number(value, source))
export const point: Read<Point> = (value, source) => there(source.point(text(value, source))).point
export const peerId: Read<PeerId> = (value, source) => there(source.peerId(text(value, source)))

function there<T>(value: T | undefined): T {
  if (value === undefined) throw unreadable
  return value
}

/** One of these words: ours, not the text that came, of which each entry would keep a copy in memory. */
function oneOf<Word extends string>(words: readonly Word[]): Read<Word> {
  const read = (value: unknown): Word => {
    for (const word of words) if (word === value) return word
    throw unreadable
  }
  return Object.assign(read, { shape: { words } })
}

function record<F extends Fields>(fields: F): Read<Saved<F>> {
  return Object.assign((value: unknown, source: Source) => readFields(fields, value, source), { shape: { fields } })
}

/** The last members, at most so many are looked at; those that cannot be read are left out. */
export function list<T>(read: Read<T>, max: number): Field<readonly T[]> {
  const items = (value: unknown, source: Source): readonly T[] => {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw unreadable
    const found: T[] = []
    for (const item of value.slice(-max)) {
      try {
        found.push(read(item, source))
      } catch {
        // Left out.
      }
    }
    return found
  }
  return {
    read: items,
    join: (known, saved) => [...saved, ...known].slice(-max),
    isBlank: (value) => value.length === 0,
    of: Object.assign(items, { shape: { items: read } })
  }
}

// Fields.

export function required<T>(read: Read<T>): Field<T> {
  return { read }
}

function optional<T>(read: Read<T>): Field<T | undefined> {
  return {
    read: (value, source) => (value === undefined ? undefined : read(value, source)),
    join: (known, saved) => known ?? saved,
    of: read
  }
}

function otherwise<T>(read: Read<T>, absent: (source: Source) => T): Field<T> {
  return { read: (value, source) => (value === undefined ? absent(source) : read(value, source)), of: read }
}

const flag: Field<boolean> = {
  read: (value) => {
    if (value !== undefined && typeof value !== 'boolean') throw unreadable
    return value ?? false
  },
  join: (known, saved) => known || saved,
  isBlank: (value) => !value,
  of: 'boolean'
}

/** What adds up over runs. */
const amount: Field<number> = {
  read: (value, source) => number(value ?? 0, source),
  join: (known, saved) => known + saved,
  isBlank: (value) => value === 0,
  of: 'number'
}

/** The application's own; `null` where there is none. How it joins is the application's matter too. */
const metadata: Field<unknown> = {
  read: (value) => (isShallow(value, maxMetadataDepth) ? (value ?? null) : null),
  of: 'json'
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((one) => isShallow(one, depth - 1))
}

function events<T>(other: Read<T>): Field<readonly HistoryEvent<T>[]> {
  return list(record({ kind: required(oneOf(historyKinds)), at: required(date), other: optional(other) }), maxEventsKept)
}

// Entries.

const reportKinds: readonly PeerReport['kind'][] = ['fault', 'useless', 'slow']

const dateOrNow = otherwise(date, ({ now }) => now)
const meeting = optional(record({ peerId: required(peerId), at: required(date) }))
const encounter = optional(record({ point: optional(point), at: required(date) }))
const report = optional(record({ kind: required(oneOf(reportKinds)), reason: required(text), at: required(date) }))

export const pointFields = {
  point: required(point),
  source: optional(peerId),
  discoverySource: otherwise<DiscoverySource>(oneOf(discoverySources), () => 'storage'),
  discoveredAt: dateOrNow,
  trusted: flag,
  registered: flag,
  isPublic: flag,
  expectedPeerId: {
    ...optional(peerId),
    // A person may have written it into the address.
    read: (value, source, entry) => (value === undefined ? source.point(text(entry?.point, source))?.expectedPeerId : peerId(value, source))
  } as Field<PeerId | undefined>,
  lastFailedAt: optional(date),
  lastRejected: meeting,
  lastEstablished: meeting,
  lastDisconnection: meeting,
  events: events(peerId)
} satisfies FieldsOf<PointInfo>

export const peerFields = {
  peerId: required(peerId),
  createdAt: dateOrNow,
  trusted: flag,
  metadata,
  lastFailed: encounter,
  lastRejected: encounter,
  lastEstablished: encounter,
  lastDisconnection: encounter,
  served: amount,
  connectedMs: amount,
  lastReport: report,
  events: events(point)
} satisfies FieldsOf<PeerInfo>

/** Ends may lie in the future, so dates of bans stay as they are. */
const term = { since: otherwise(number, ({ now }) => now), endsAt: optional(number) }

/** By the `kind` that each line but the first begins with. Whether hosts and ranges can be is checked by `bans.ts`. */
export const entryFields = {
  'peer-ban': { peerId: required(peerId), ...term } satisfies FieldsOf<PeerBan>,
  'host-ban': { host: required(text as Read<HostBan['host']>), ...term, peers: list(peerId, maxBans) } satisfies FieldsOf<HostBan>,
  'range-ban': {
    range: required(text),
    ...term,
    peers: list(peerId, maxBans)
  } satisfies FieldsOf<RangeBan>,
  point: pointFields,
  peer: peerFields
} as const

/** Fields of that record alone, each of its type. */
type FieldsOf<Entry> = { readonly [Name in keyof Entry]?: Field<Entry[Name]> }

export type SavedPoint = Saved<typeof pointFields>
export type SavedPeer = Saved<typeof peerFields>

// Loops, since lists of names and values cost several times what reading does.

/** Reads an object field by field; throws if one of them cannot be. Fields that the table does not have are ignored. */
export function readFields<F extends Fields>(fields: F, value: unknown, source: Source): Saved<F> {
  const entry = object(value)
  const saved: Record<string, unknown> = {}
  for (const name in fields) saved[name] = fields[name]?.read(entry[name], source, entry)
  return saved as Saved<F>
}

export function writeFields<F extends Fields>(fields: F, entry: Saved<F>): Record<string, unknown> {
  const written: Record<string, unknown> = {}
  for (const name in fields) if (fields[name]?.isBlank?.(entry[name]) !== true) written[name] = entry[name]
  return written
}

/** What a record that is known gets when a saved one comes back. */
export function joinFields<F extends Fields>(fields: F, { known, saved }: { known: Saved<F>; saved: Saved<F> }): Saved<F> {
  const joined: Record<string, unknown> = {}
  for (const name in fields) joined[name] = fields[name]?.join === undefined ? known[name] : fields[name].join(known[name], saved[name])
  return joined as Saved<F>
}

// What the tables and the access lists get of it.

/**
 * Takes a saved point back, with no regard to quotas, which it passed when it came. The order of calls becomes the order of sightings: the
 * last seen one last. A point that is known gets whatever it has not seen since: the operator named it, or it was connected before the
 * storage was read. `undefined`: it is new, and the table is full.
 */
export function restorePoint(table: PointTable, saved: SavedPoint): PointRecord | undefined {
  const known = table.get(saved.point)
  if (known === undefined) {
    if (table.isFull && !saved.trusted) return undefined
    const record = new PointRecord(readPoint(saved.point), saved)
    if (saved.trusted) record.asOperator().trusted = true
    joinPoint(record, saved)
    // Where the source said that it is, and was connected, its group is: it comes back to the quota that it had.
    const isProvenOwn = saved.discoverySource === 'hello' && saved.lastEstablished !== undefined
    table.add(record, isProvenOwn ? sourceGroupOf(record.host) : undefined)
    return record
  }
  joinPoint(known, saved)
  table.reindex(known)
  if (saved.trusted) table.setTrusted(known, true)
  return known
}

/** As `restorePoint`, with the metadata made of the saved JSON, which a known peer gets too. */
export function restorePeer<PeerMeta>(table: PeerTable<PeerMeta>, saved: SavedPeer, metadata: PeerMeta): PeerRecord<PeerMeta> | undefined {
  const known = table.get(saved.peerId)
  if (known === undefined) {
    if (table.isFull && !saved.trusted) return undefined
    const record = new PeerRecord(saved.peerId, saved.createdAt, metadata)
    record.asOperator().trusted = saved.trusted
    joinPeer(record, saved)
    table.add(record)
    return record
  }
  known.asOperator().metadata = metadata
  joinPeer(known, saved)
  if (saved.trusted) table.setTrusted(known, true)
  return known
}

/** Gives a record what was saved of it and it does not know better; not the trust, which its table counts. */
function joinPoint(known: PointRecord, saved: SavedPoint): void {
  const joined = joinFields(pointFields, { known, saved })
  const { point, source, discoverySource, discoveredAt, trusted, registered, expectedPeerId, isPublic, ...findings } = joined
  if (expectedPeerId !== undefined && expectedPeerId !== known.target) known.asOperator().namedPeerId = expectedPeerId
  if (registered) known.asOperator().registered = true
  if (isPublic) known.asClaimed().isPublic = true
  const found: Pick<Findings, keyof typeof findings> = findings
  Object.assign(known.asProved(), found)
}

function joinPeer(known: PeerRecord, saved: SavedPeer): void {
  const { peerId, createdAt, trusted, metadata, ...findings } = joinFields(peerFields, { known, saved })
  const found: Pick<PeerFindings, keyof typeof findings> = findings
  Object.assign(known.asProved(), found)
}

/**
 * Adds the bans of an earlier run, as `export` gave them; what has ended meanwhile is left out. An entry that cannot be is dropped;
 * returns how many were. Types of fields and peer ids are checked by the caller. `date`: today.
 */
export function joinBans(bans: Pick<Bans, 'banPeer' | 'banHost' | 'banRange'>, lists: BanLists, date: number): number {
  let dropped = 0
  const each = <T extends Ban>(saved: readonly T[], take: (ban: T) => void): void => {
    for (const ban of saved) {
      if (ban.endsAt !== undefined && ban.endsAt <= date) continue
      try {
        take(ban)
      } catch (error) {
        if (!(error instanceof PoolError)) throw error
        dropped++
      }
    }
  }
  // A ban may date from a clock that ran ahead: `since` is kept as it is, ends are checked against `date`.
  const optionsOf = ({ since, endsAt }: Ban): BanOptions => ({ since: Math.min(since, date), endsAt })
  each(lists.hosts, (ban) => {
    if (hostOfName(ban.host) !== ban.host)
      throw new PoolError('invalid-point', `expected the canonical text of a host, got ${JSON.stringify(ban.host)}`)
    bans.banHost(ban.host, { ...optionsOf(ban), peers: ban.peers })
  })
  each(lists.peers, (ban) => bans.banPeer(ban.peerId, optionsOf(ban)))
  each(lists.ranges, (ban) => void bans.banRange(ban.range, { ...optionsOf(ban), peers: ban.peers }))
  return dropped
}
