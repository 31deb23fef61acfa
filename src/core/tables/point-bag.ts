/** Points in no order, to be drawn from at random. Owned by `point-listing.ts`; a point may be in several bags. */
import type { PointRecord } from './point-record.ts'

export class PointBag {
  /** What keeps a record's place here. */
  readonly #holder: (record: PointRecord) => { index: number }
  readonly #records: PointRecord[] = []

  constructor(holder: (record: PointRecord) => { index: number }) {
    this.#holder = holder
  }

  get size(): number {
    return this.#records.length
  }

  /** Also if it is in here already. */
  add(record: PointRecord): void {
    const holder = this.#holder(record)
    if (holder.index < 0) holder.index = this.#records.push(record) - 1
  }

  /** Also if it is not in here. */
  remove(record: PointRecord): void {
    const holder = this.#holder(record)
    const { index } = holder
    if (index < 0) return
    const last = this.#records.pop()
    if (last !== undefined && last !== record) {
      this.#records[index] = last
      this.#holder(last).index = index
    }
    holder.index = -1
  }

  has(record: PointRecord): boolean {
    return this.#records[this.placeOf(record)] === record
  }

  /** What is at a place from 0 to `size` - 1. */
  at(place: number): PointRecord | undefined {
    return this.#records[place]
  }

  /** The place of a record; -1: it is not in here. */
  placeOf(record: PointRecord): number {
    return this.#holder(record).index
  }

  /**
   * Looks at what will be read at these places. The processor fetches independent places at once, so that a listing from a
   * million points waits for memory once and not once per point. Returns how many were never touched.
   */
  warm(places: readonly number[]): number {
    let touched = 0
    for (const place of places) if (this.#records[place]?.life.isPublic) touched++
    for (const place of places) if (this.#records[place]?.point.length) touched++
    return touched
  }
}
