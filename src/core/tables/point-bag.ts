/** Points in no order, to be drawn from at random. Owned by `point-listing.ts`; a point may be in several bags. */
import type { PointEntry } from './point-entry.ts'
import type { PointRecord } from './point-state.ts'

export class PointBag {
  /** The field in which entries keep their place here. */
  readonly #place: 'index' | 'openIndex'
  readonly #entries: PointEntry[] = []
  /** The same again: a draw reads a place far away in memory, and each step on the way to the record costs as much again. */
  readonly #records: PointRecord[] = []

  constructor(place: 'index' | 'openIndex') {
    this.#place = place
  }

  get size(): number {
    return this.#entries.length
  }

  /** Also if it is in here already. */
  add(entry: PointEntry): void {
    if (entry[this.#place] >= 0) return
    entry[this.#place] = this.#entries.push(entry) - 1
    this.#records.push(entry.record)
  }

  /** Also if it is not in here. */
  remove(entry: PointEntry): void {
    const place = entry[this.#place]
    if (place < 0) return
    const last = this.#entries.pop()
    const record = this.#records.pop()
    if (last !== undefined && record !== undefined && last !== entry) {
      this.#entries[place] = last
      this.#records[place] = record
      last[this.#place] = place
    }
    entry[this.#place] = -1
  }

  has(entry: PointEntry): boolean {
    const place = entry[this.#place]
    return this.#entries[place] === entry && this.#records[place] === entry.record
  }

  /** What is at a place from 0 to `size` - 1. */
  at(place: number): PointRecord | undefined {
    return this.#records[place]
  }

  /** The place of an entry; -1: it is not in here. */
  placeOf(entry: PointEntry): number {
    return entry[this.#place]
  }

  /**
   * Looks at what will be read at these places. The processor fetches independent places at once, so that a listing from a
   * million points waits for memory once and not once per point. Returns how many have a host.
   */
  warm(places: readonly number[]): number {
    let hosts = 0
    for (const place of places) if (this.#records[place]?.host?.length) hosts++
    return hosts
  }
}
