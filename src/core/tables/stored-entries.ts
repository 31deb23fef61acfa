/**
 * One entry of the stored text at a time: records to JSON values, and values that anybody may have edited to records,
 * field by field. Called by `stored-text.ts`, which knows the document. `docs/storage.md` describes the fields.
 *
 * An entry with a field that cannot be is refused whole: half a record would be a guess. Only events are dropped one by one.
 */

import type { HistoryEvent } from '../values/history.ts'
import type { ParsedPoint, PeerId, Point } from '../values/ids.ts'
import type { Network } from '../values/ports.ts'
import type { BanLists, HostBan, PeerBan, RangeBan } from './bans.ts'
import { historyKinds, maxEventsKept } from './event-ring.ts'
import type { Encounter, PeerRecord, PeerReport } from './peer-state.ts'
import type { Meeting } from './point-info.ts'
import type { PointRecord } from './point-record.ts'
import { asFields, asFlag, asInstant, asOneOf, asText, type Fields, isShallow, media, optional, unreadable } from './stored-fields.ts'
import { peerRecordOf, pointRecordOf, type StoredPeer, type StoredPoint } from './stored-record.ts'

/** What is written for a point; what is not set, or false, is left out. */
export function pointToJson(point: StoredPoint): unknown {
  return {
    point: point.point,
    source: point.source,
    medium: point.medium,
    discoveredAt: point.discoveredAt,
    trusted: point.trusted || undefined,
    isPublic: point.isPublic || undefined,
    expectedPeerId: point.expectedPeerId,
    lastFailedAt: point.lastFailedAt,
    lastRejected: point.lastRejected,
    lastEstablished: point.lastEstablished,
    lastDisconnection: point.lastDisconnection,
    events: point.events.length > 0 ? point.events : undefined
  }
}

/** What is written for a peer, with its metadata as a JSON value. */
export function peerToJson(peer: Omit<StoredPeer, 'metadata'>, metadata: unknown): unknown {
  return {
    peerId: peer.peerId,
    createdAt: peer.createdAt,
    trusted: peer.trusted || undefined,
    metadata,
    lastFailed: peer.lastFailed,
    lastRejected: peer.lastRejected,
    lastEstablished: peer.lastEstablished,
    lastDisconnection: peer.lastDisconnection,
    served: peer.served || undefined,
    connectedMs: peer.connectedMs || undefined,
    lastReport: peer.lastReport,
    events: peer.events.length > 0 ? peer.events : undefined
  }
}

/** Texts remembered together with what was made of them; then they are forgotten. */
const maxRecent = 256

/** Reads entries, and counts those that it had to drop. Made for one text. */
export class StoredReader {
  readonly #parse: Pick<Network, 'parsePoint' | 'parsePeerId'>
  /** Wall clock, ms: no instant in the past of a record can be later. */
  readonly #date: number
  // The same texts come again within an entry or soon after, and parsing one costs more than reading the rest of it.
  readonly #points = new Recent<ParsedPoint>()
  readonly #peerIds = new Recent<PeerId>()
  #dropped = 0

  constructor(parse: Pick<Network, 'parsePoint' | 'parsePeerId'>, date: number) {
    this.#parse = parse
    this.#date = date
  }

  get dropped(): number {
    return this.#dropped
  }

  point(value: unknown): PointRecord | undefined {
    return this.#read(() => {
      const fields = asFields(value)
      const { point, expectedPeerId } = this.#parsedPoint(fields.point)
      return pointRecordOf({
        point,
        source: optional(fields.source, this.#peerId),
        medium: fields.medium === undefined ? 'storage' : asOneOf(media, fields.medium),
        discoveredAt: fields.discoveredAt === undefined ? this.#date : this.#instant(fields.discoveredAt),
        trusted: asFlag(fields.trusted),
        isPublic: asFlag(fields.isPublic),
        expectedPeerId: fields.expectedPeerId === undefined ? expectedPeerId : this.#peerId(fields.expectedPeerId),
        lastFailedAt: optional(fields.lastFailedAt, this.#instant),
        lastRejected: optional(fields.lastRejected, this.#meeting),
        lastEstablished: optional(fields.lastEstablished, this.#meeting),
        lastDisconnection: optional(fields.lastDisconnection, this.#meeting),
        events: this.#events(fields.events, this.#peerId)
      })
    })
  }

  peer(value: unknown): PeerRecord | undefined {
    return this.#read(() => {
      const fields = asFields(value)
      return peerRecordOf({
        peerId: parsed(() => this.#parse.parsePeerId(asText(fields.peerId))),
        createdAt: fields.createdAt === undefined ? this.#date : this.#instant(fields.createdAt),
        trusted: asFlag(fields.trusted),
        metadata: isShallow(fields.metadata, 0) ? (fields.metadata ?? null) : null,
        lastFailed: optional(fields.lastFailed, this.#encounter),
        lastRejected: optional(fields.lastRejected, this.#encounter),
        lastEstablished: optional(fields.lastEstablished, this.#encounter),
        lastDisconnection: optional(fields.lastDisconnection, this.#encounter),
        served: optional(fields.served, asInstant) ?? 0,
        connectedMs: optional(fields.connectedMs, asInstant) ?? 0,
        lastReport: optional(fields.lastReport, this.#report),
        events: this.#events(fields.events, this.#address)
      })
    })
  }

  anchors(value: unknown, max: number): Point[] {
    return this.#list(value, this.#address).slice(0, max)
  }

  /** Types and peer ids are checked here; whether hosts and ranges can be is checked by who imports the lists. */
  bans(value: unknown): BanLists {
    const fields = this.#read(() => (value === undefined ? {} : asFields(value))) ?? {}
    const along = (ban: Fields): readonly PeerId[] => this.#list(ban.peers, this.#peerId)
    return {
      peers: this.#list(fields.peers, (entry): PeerBan => {
        const ban = asFields(entry)
        return { peerId: this.#peerId(ban.peerId), ...this.#term(ban) }
      }),
      hosts: this.#list(fields.hosts, (entry): HostBan => {
        const ban = asFields(entry)
        return { host: asText(ban.host) as HostBan['host'], ...this.#term(ban), peers: along(ban) }
      }),
      ranges: this.#list(fields.ranges, (entry): RangeBan => {
        const ban = asFields(entry)
        const except = this.#list(ban.except, asText) as RangeBan['except'][number][]
        return { range: asText(ban.range), ...this.#term(ban), peers: along(ban), except }
      })
    }
  }

  /** Only what the readers throw for bad fields is a bad entry. */
  #read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (error !== unreadable) throw error
      this.#dropped++
      return undefined
    }
  }

  #list<T>(value: unknown, read: (entry: unknown) => T): T[] {
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.#dropped++
      return []
    }
    return value.flatMap((entry) => {
      const found = this.#read(() => ({ entry: read(entry) }))
      return found === undefined ? [] : [found.entry]
    })
  }

  /** The last hundred, in the array that was read; one that makes no sense is left out without a count: it is no entry. */
  #events<Other>(value: unknown, readOther: (other: unknown) => Other): readonly HistoryEvent<Other>[] {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw unreadable
    const events: unknown[] = value.length > maxEventsKept ? value.slice(-maxEventsKept) : value
    let kept = 0
    for (const entry of events) {
      try {
        const { kind, at, other } = asFields(entry)
        events[kept] = { kind: asOneOf(historyKinds, kind), at: this.#instant(at), other: optional(other, readOther) }
        kept++
      } catch (error) {
        if (error !== unreadable) throw error
      }
    }
    events.length = kept
    return events as HistoryEvent<Other>[]
  }

  #term(ban: Fields): { since: number; endsAt: number | undefined } {
    return { since: ban.since === undefined ? this.#date : asInstant(ban.since), endsAt: optional(ban.endsAt, asInstant) }
  }

  // Given to others as functions, hence fields.

  readonly #instant = (value: unknown): number => Math.min(asInstant(value), this.#date)

  readonly #meeting = (value: unknown): Meeting => {
    const { peerId, at } = asFields(value)
    return { peerId: this.#peerId(peerId), at: this.#instant(at) }
  }

  readonly #encounter = (value: unknown): Encounter => {
    const { point, at } = asFields(value)
    return { point: optional(point, this.#address), at: this.#instant(at) }
  }

  readonly #report = (value: unknown): PeerReport => {
    const { kind, reason, at } = asFields(value)
    if (kind !== 'fault' && kind !== 'useless' && kind !== 'slow') throw unreadable
    return { kind, reason: asText(reason), at: this.#instant(at) }
  }

  readonly #address = (value: unknown): Point => this.#parsedPoint(value).point

  readonly #peerId = (value: unknown): PeerId => this.#peerIds.get(asText(value), (text) => this.#parse.parsePeerId(text))

  #parsedPoint(value: unknown): ParsedPoint {
    return this.#points.get(asText(value), (text) => this.#parse.parsePoint(text))
  }
}

/** What was made of the last few texts. */
class Recent<T> {
  readonly #made = new Map<string, T>()
  /** Mostly asked for again at once: comparing a text costs less than looking it up. */
  #last: { readonly text: string; readonly made: T } | undefined

  get(text: string, make: (text: string) => T): T {
    if (this.#last?.text === text) return this.#last.made
    const made = this.#made.get(text) ?? parsed(() => make(text))
    if (this.#made.size === maxRecent) this.#made.clear()
    this.#made.set(text, made)
    this.#last = { text, made }
    return made
  }
}

/** Whatever a parser makes of a text that is none of its own, the text cannot be read. */
function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch {
    throw unreadable
  }
}
