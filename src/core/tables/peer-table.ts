/**
 * The known peers, and who goes when the table is full. Owned by `pool-state.ts`, which changes the records through
 * `peer-state.ts` and calls `reindex` after each change of what scores are made of.
 *
 * Collection happens before an insertion that finds `max` peers, down to `target`: peers that never ran first, then those
 * with the lowest score, among equals the most recently created, so that a flood of new ids washes itself out. Peers that
 * ran keep half of the table against newcomers: beyond it one goes per newcomer. Trusted and connected ones never go, so if
 * nothing can go an untrusted newcomer is refused.
 */
import type { TableSize } from '../values/config.ts'
import type { PeerId } from '../values/ids.ts'
import { Heap } from './heap.ts'
import { type PeerLife, PeerRecord } from './peer-state.ts'
import { joinFields, peerFields, type SavedPeer } from './saved-fields.ts'

export interface PeerNews<PeerMeta> {
  /** Wall clock, ms. */
  readonly createdAt: number
  readonly metadata: PeerMeta
  /** Set by the operator alone: taken above `max` if need be. @default false */
  readonly trusted?: boolean
}

export class PeerTable<PeerMeta = unknown> {
  readonly #bounds: TableSize | null
  readonly #score: (record: PeerRecord<PeerMeta>) => number
  readonly #records = new Map<PeerId, PeerRecord<PeerMeta>>()
  /** Those that may be collected and never ran; the first to go on top. */
  readonly #strangers = new Heap<PeerRecord<PeerMeta>>(goesBefore)
  /** Those that may be collected and ran once. */
  readonly #acquaintances = new Heap<PeerRecord<PeerMeta>>(goesBefore)
  #serial = 0
  #trusted = 0
  #ran = 0
  #collected = 0

  /** `size` null: no bound, no collection. `score` is asked when a peer comes in and at each `reindex`; NaN counts as the lowest. */
  constructor({ size, score }: { size: TableSize | null; score: (record: PeerRecord<PeerMeta>) => number }) {
    this.#bounds = size
    this.#score = score
  }

  get size(): number {
    return this.#records.size
  }

  /** Peers removed to make room since the table was made; the owner tells of the difference as `gc-peers`. */
  get collected(): number {
    return this.#collected
  }

  has(peerId: PeerId): boolean {
    return this.#records.has(peerId)
  }

  get(peerId: PeerId): PeerRecord<PeerMeta> | undefined {
    return this.#records.get(peerId)
  }

  /** All of them, in order of insertion. Entries removed meanwhile are left out, added ones come at the end. */
  [Symbol.iterator](): IterableIterator<PeerRecord<PeerMeta>> {
    return this.#records.values()
  }

  /** The record of a new peer, or of a known one, unchanged. `undefined`: the table is full and nothing in it may go. */
  insert(peerId: PeerId, { createdAt, metadata, trusted = false }: PeerNews<PeerMeta>): PeerRecord<PeerMeta> | undefined {
    const known = this.#records.get(peerId)
    if (known !== undefined) return known
    if (!this.#makeRoom() && !trusted) return undefined
    const record = new PeerRecord(peerId, createdAt, metadata)
    if (trusted) record.fromOperator().trusted = true
    this.#add(record)
    return record
  }

  /**
   * Takes a saved peer back, with the metadata made of its JSON. A peer that is known gets that metadata and whatever it has not
   * seen since: it was met before the storage was read. `undefined`: it is new, and the table is full.
   */
  restore(saved: SavedPeer, metadata: PeerMeta): PeerRecord<PeerMeta> | undefined {
    const known = this.get(saved.peerId)
    if (known === undefined) {
      if (this.#bounds !== null && this.size >= this.#bounds.max && !saved.trusted) return undefined
      const record = new PeerRecord(saved.peerId, saved.createdAt, metadata)
      record.fromOperator().trusted = saved.trusted
      join(record, saved)
      this.#add(record)
      return record
    }
    known.metadata = metadata
    join(known, saved)
    this.reindex(known)
    if (saved.trusted) this.setTrusted(known, true)
    return known
  }

  /** To be called after every change of a record's state or metadata. A record that is no longer here is left alone. */
  reindex(record: PeerRecord<PeerMeta>): void {
    if (this.get(record.peerId) === record) this.#place(record)
  }

  /** A peer that is no longer trusted may have to go at once, when the table was above its `max` for trusted ones' sake. */
  setTrusted(record: PeerRecord<PeerMeta>, trusted: boolean): void {
    if (record.trusted === trusted || this.get(record.peerId) !== record) return
    record.fromOperator().trusted = trusted
    this.#trusted += trusted ? 1 : -1
    this.reindex(record)
    if (this.#bounds === null || this.size <= this.#bounds.max + this.#trusted) return
    const victim = this.#top(this.#strangers) ?? this.#top(this.#acquaintances)
    if (victim !== undefined) this.#collect(victim)
  }

  /** Forgets the peer, whatever its state; false if it is not known. */
  remove(peerId: PeerId): boolean {
    const record = this.get(peerId)
    if (record !== undefined) this.#drop(record)
    return record !== undefined
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return {
      bounds: this.#bounds,
      strangers: this.#strangers,
      acquaintances: this.#acquaintances,
      trusted: this.#trusted,
      ran: this.#ran
    }
  }

  /** Collects if the table is full; is there a place now? */
  #makeRoom(): boolean {
    if (this.#bounds === null || this.size < this.#bounds.max) return true
    const { max, target } = this.#bounds
    const goal = Math.min(target, max - 1)
    while (this.size > goal) {
      const mayTakeAcquaintance = this.size >= max && this.#ran > Math.floor(max / 2)
      const victim = this.#top(this.#strangers) ?? (mayTakeAcquaintance ? this.#top(this.#acquaintances) : undefined)
      if (victim === undefined) break
      this.#collect(victim)
    }
    return this.size < max
  }

  /** The first that may go; whoever is busy by now, though nobody said so, is taken out on the way. */
  #top(heap: Heap<PeerRecord<PeerMeta>>): PeerRecord<PeerMeta> | undefined {
    for (;;) {
      const top = heap.first
      if (top === undefined || top.state.kind === 'disconnected') return top
      this.#place(top)
    }
  }

  #add(record: PeerRecord<PeerMeta>): void {
    record.serial = this.#serial++
    this.#records.set(record.peerId, record)
    if (record.trusted) this.#trusted++
    this.#place(record)
  }

  #place(record: PeerRecord<PeerMeta>): void {
    this.#leave(record)
    if (!record.life.ran && record.life.lastEstablished !== undefined) {
      record.own().ran = true
      this.#ran++
    }
    if (record.trusted || record.state.kind !== 'disconnected' || this.#bounds === null) return
    const score = this.#score(record)
    record.score = Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score
    this.#heapOf(record).add(record)
  }

  #heapOf({ life }: PeerRecord<PeerMeta>): Heap<PeerRecord<PeerMeta>> {
    return life.ran ? this.#acquaintances : this.#strangers
  }

  #leave(record: PeerRecord<PeerMeta>): void {
    if (record.heapIndex >= 0) this.#heapOf(record).remove(record)
  }

  #collect(record: PeerRecord<PeerMeta>): void {
    this.#drop(record)
    this.#collected++
  }

  #drop(record: PeerRecord<PeerMeta>): void {
    this.#leave(record)
    this.#records.delete(record.peerId)
    if (record.trusted) this.#trusted--
    if (record.life.ran) this.#ran--
  }
}

/** Who of two peers goes first. */
function goesBefore<PeerMeta>(a: PeerRecord<PeerMeta>, b: PeerRecord<PeerMeta>): boolean {
  if (a.score !== b.score) return a.score < b.score
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt
  return a.serial > b.serial
}

/** Gives a record what was saved of it and it does not know better; not the trust, which its table counts. */
function join(known: PeerRecord, saved: SavedPeer): void {
  const { peerId, createdAt, trusted, metadata, events, ...rest } = joinFields(peerFields, { known, saved })
  const life: Pick<PeerLife, keyof typeof rest> = rest
  Object.assign(known.own(), life, { history: events.length > 0 ? events : undefined })
}
