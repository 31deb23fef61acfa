/**
 * The known peers, and which go when the table is full (`bounded-table.ts`): those with the lowest score, among equals the most
 * recently created, so that a flood of new ids washes itself out. Owned by `known-peers.ts` and `pool-state.ts`.
 */

import type { PeerId } from '../values/ids.ts'
import type { TableSize } from '../values/settings.ts'
import { BoundedTable, isCollectable, isTried, type Victims } from './bounded-table.ts'
import { PeerRecord } from './peer.ts'

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
    if (trusted) record.asOperator().trusted = true
    this.add(record)
    return record
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
