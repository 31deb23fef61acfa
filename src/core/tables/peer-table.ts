/**
 * The known peers, and who goes when the table is full (`bounded-table.ts`): those with the lowest score, among equals the most
 * recently created, so that a flood of new ids washes itself out. Owned by `pool-state.ts`, which changes the records through `peer.ts`.
 */
import type { TableSize } from '../values/config.ts'
import type { PeerId } from '../values/ids.ts'
import { BoundedTable, isCollectable, isTried, type Victims } from './bounded-table.ts'
import { PeerRecord } from './peer.ts'
import type { SavedPeer } from './saved-fields.ts'

export interface PeerNews<PeerMeta> {
  /** Wall clock, ms. */
  readonly createdAt: number
  readonly metadata: PeerMeta
  /** Set by the operator alone: taken above `max` if need be. @default false */
  readonly trusted?: boolean | undefined
}

export class PeerTable<PeerMeta = unknown> extends BoundedTable<PeerId, PeerRecord<PeerMeta>> {
  readonly #score: (record: PeerRecord<PeerMeta>) => number

  /** `size` null: no bound, no collection. `score` is asked of all when the table is full; NaN counts as the lowest. */
  constructor({ size, score }: { size: TableSize | null; score: (record: PeerRecord<PeerMeta>) => number }) {
    super(size)
    this.#score = score
  }

  /** The record of a new peer, or of a known one, unchanged. `undefined`: the table is full and nothing in it may go. */
  insert(peerId: PeerId, { createdAt, metadata, trusted = false }: PeerNews<PeerMeta>): PeerRecord<PeerMeta> | undefined {
    const known = this.get(peerId)
    if (known !== undefined) return known
    if (!this.makeRoom() && !trusted) return undefined
    const record = new PeerRecord(peerId, createdAt, metadata)
    if (trusted) record.fromOperator().trusted = true
    this.add(record)
    return record
  }

  /**
   * Takes a saved peer back, with the metadata made of its JSON. A peer that is known gets that metadata and whatever it has not
   * seen since: it was connected before the storage was read. `undefined`: it is new, and the table is full.
   */
  restore(
    saved: SavedPeer,
    metadata: PeerMeta,
    join: (record: PeerRecord<PeerMeta>, saved: SavedPeer) => void
  ): PeerRecord<PeerMeta> | undefined {
    const known = this.get(saved.peerId)
    if (known === undefined) {
      if (this.isFull && !saved.trusted) return undefined
      const record = new PeerRecord(saved.peerId, saved.createdAt, metadata)
      record.fromOperator().trusted = saved.trusted
      join(record, saved)
      this.add(record)
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
    if (!trusted) this.shrink()
  }

  protected override keyOf({ peerId }: PeerRecord<PeerMeta>): PeerId {
    return peerId
  }

  protected override victims(): Victims<PeerRecord<PeerMeta>> {
    const scores = new Map<PeerRecord<PeerMeta>, number>()
    for (const record of this) {
      if (!isCollectable(record)) continue
      const score = this.#score(record)
      scores.set(record, Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score)
    }
    const scoreOf = (record: PeerRecord<PeerMeta>): number => scores.get(record) ?? 0
    // Of equals the last inserted goes first.
    const order = [...scores.keys()].toReversed().sort((a, b) => compare(scoreOf(a), scoreOf(b)) || b.createdAt - a.createdAt)
    return { untried: order.filter((record) => !isTried(record)), tried: order.filter(isTried) }
  }
}

/** Two infinite scores have no difference. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
