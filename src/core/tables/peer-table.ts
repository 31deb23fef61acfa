/**
 * The known peers, and who goes when the table is full. Owned by `pool-state.ts`, which changes the records through
 * `peer-state.ts`.
 *
 * Collection happens before an insertion that finds `max` peers, down to `target`: peers that never ran first, then those
 * with the lowest score, among equals the most recently created, so that a flood of new ids washes itself out. Peers that
 * ran keep half of the table against newcomers: beyond it one goes per newcomer. Trusted and connected ones never go, so if
 * nothing can go an untrusted newcomer is refused.
 */
import type { TableSize } from '../values/config.ts'
import type { PeerId } from '../values/ids.ts'
import { PeerRecord } from './peer-state.ts'
import type { SavedPeer } from './saved-fields.ts'

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
  #collected = 0

  /** `size` null: no bound, no collection. `score` is asked of all when the table is full; NaN counts as the lowest. */
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
    this.#records.set(peerId, record)
    return record
  }

  /**
   * Takes a saved peer back, with the metadata made of its JSON. A peer that is known gets that metadata and whatever it has not
   * seen since: it was met before the storage was read. `undefined`: it is new, and the table is full.
   */
  restore(
    saved: SavedPeer,
    metadata: PeerMeta,
    join: (record: PeerRecord<PeerMeta>, saved: SavedPeer) => void
  ): PeerRecord<PeerMeta> | undefined {
    const known = this.get(saved.peerId)
    if (known === undefined) {
      if (this.#bounds !== null && this.size >= this.#bounds.max && !saved.trusted) return undefined
      const record = new PeerRecord(saved.peerId, saved.createdAt, metadata)
      record.fromOperator().trusted = saved.trusted
      join(record, saved)
      this.#records.set(saved.peerId, record)
      return record
    }
    known.metadata = metadata
    join(known, saved)
    if (saved.trusted) this.setTrusted(known, true)
    return known
  }

  /** A peer that is no longer trusted may have to go at once, when the table was above its `max` for trusted ones' sake. */
  setTrusted(record: PeerRecord<PeerMeta>, trusted: boolean): void {
    if (record.trusted === trusted || this.get(record.peerId) !== record) return
    record.fromOperator().trusted = trusted
    if (this.#bounds === null || this.size <= this.#bounds.max + this.#count((other) => other.trusted)) return
    const { strangers, acquaintances } = this.#collectable()
    const victim = strangers[0] ?? acquaintances[0]
    if (victim !== undefined) this.#collect(victim)
  }

  /** Forgets the peer, whatever its state; false if it is not known. */
  remove(peerId: PeerId): boolean {
    return this.#records.delete(peerId)
  }

  get bounds(): TableSize | null {
    return this.#bounds
  }

  /** Collects if the table is full; is there a place now? */
  #makeRoom(): boolean {
    if (this.#bounds === null || this.size < this.#bounds.max) return true
    const { max, target } = this.#bounds
    const goal = Math.min(target, max - 1)
    const { strangers, acquaintances } = this.#collectable()
    for (const victim of strangers.slice(0, this.size - goal)) this.#collect(victim)
    const [first] = acquaintances
    if (first !== undefined && this.size >= max && this.#count(hasRun) > Math.floor(max / 2)) this.#collect(first)
    return this.size < max
  }

  /** Those that may go, the first to go first. One scan and sort: it makes room for many at once. */
  #collectable(): { strangers: PeerRecord<PeerMeta>[]; acquaintances: PeerRecord<PeerMeta>[] } {
    const scores = new Map<PeerRecord<PeerMeta>, number>()
    for (const record of this) {
      if (record.trusted || record.state.kind !== 'disconnected') continue
      const score = this.#score(record)
      scores.set(record, Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score)
    }
    const scoreOf = (record: PeerRecord<PeerMeta>): number => scores.get(record) ?? 0
    // Of equals the last inserted goes first.
    const order = [...scores.keys()].toReversed().sort((a, b) => compare(scoreOf(a), scoreOf(b)) || b.createdAt - a.createdAt)
    return { strangers: order.filter((record) => !hasRun(record)), acquaintances: order.filter(hasRun) }
  }

  #count(holds: (record: PeerRecord<PeerMeta>) => boolean): number {
    let count = 0
    for (const record of this) if (holds(record)) count++
    return count
  }

  #collect(record: PeerRecord<PeerMeta>): void {
    this.#records.delete(record.peerId)
    this.#collected++
  }
}

function hasRun({ lastEstablished }: Pick<PeerRecord, 'lastEstablished'>): boolean {
  return lastEstablished !== undefined
}

/** Two infinite scores have no difference. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
