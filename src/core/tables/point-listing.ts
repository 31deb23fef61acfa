/**
 * In which order known points are told to others, and random ones among them. Owned by `point-table.ts`, which tells of
 * every change.
 *
 * A listing must not look at a million points to tell fifty. So the order is kept, not computed: three chains (running,
 * tried, and points that answered and never ran), where a point moves to its place when it is sighted, and an array of
 * all points and one of the public ones for drawing at random. The order is that of the sightings as they happened, so
 * that it is total and a jump of the clock does not change it; among points never seen chance decides.
 */
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { Chain, Link } from './chain.ts'
import { PointBag } from './point-bag.ts'
import type { PointEntry } from './point-entry.ts'
import { isTried, lastSeenAt, type PointRecord } from './point-state.ts'
import { Draws } from './sampling.ts'

export interface ListQuery {
  /** True: public points only. */
  readonly ignorePrivate: boolean
  /** At most so many; whole, not negative. */
  readonly size: number
  readonly random: Random
  readonly isBanned: (record: PointRecord) => boolean
  /** Which points the asker can use at all. */
  readonly accept?: (record: PointRecord) => boolean
}

/** So many points are looked at for the good part, and for the random part; a table up to this size is searched whole. */
const maxExamined = 1_024

export class PointListing {
  /** The longest established first. */
  readonly #running = new Chain<PointEntry>()
  /** Tried and not running, the most recently seen first. */
  readonly #tried = new Chain<PointEntry>()
  /** Seen, never established: a peer answered there and one of us refused. The most recently seen first. */
  readonly #answered = new Chain<PointEntry>()
  readonly #all = new PointBag('index')
  /** The public ones. */
  readonly #open = new PointBag('openIndex')

  add(entry: PointEntry): void {
    this.#all.add(entry)
    this.refresh(entry)
  }

  remove(entry: PointEntry): void {
    this.#all.remove(entry)
    this.#open.remove(entry)
    entry.sighting?.chain?.remove(entry.sighting)
  }

  /** Puts the entry where its record says that it belongs. */
  refresh(entry: PointEntry): void {
    const { record } = entry
    if (record.isPublic) this.#open.add(entry)
    else this.#open.remove(entry)
    const seenAt = lastSeenAt(record)
    const chain = this.#chainOf(record)
    if (entry.sighting?.chain === chain && entry.seenAt === seenAt) return
    entry.seenAt = seenAt
    if (chain === undefined) {
      entry.sighting?.chain?.remove(entry.sighting)
      return
    }
    entry.sighting ??= new Link(entry)
    if (chain === this.#running) chain.pushBack(entry.sighting)
    else chain.pushFront(entry.sighting)
  }

  /** The tried point to collect first: the least recently seen one that may go at all. A try in vain is no sighting. */
  worstTried(): PointEntry | undefined {
    for (let link = this.#tried.last; link !== undefined; link = link.previous) {
      const { record } = link.item
      if (!record.trusted && record.state.kind === 'disconnected') return link.item
    }
    return undefined
  }

  /** The first 3/5 of `size` in order, then random others; all in order if no more than `size` may be told. */
  list({ ignorePrivate, size, random, isBanned, accept }: ListQuery): Point[] {
    if (!Number.isInteger(size) || size < 0) throw new RangeError(`size: expected a whole number of 0 or more, got ${String(size)}`)
    const known = ignorePrivate ? this.#open : this.#all
    const goodSize = known.size <= size ? size : Math.floor((size * 3) / 5)
    const may = (record: PointRecord): boolean => !isBanned(record) && (accept === undefined || accept(record))
    const chosen: Point[] = []
    const taken = new Set<number>()
    const order = this.#inOrder()
    for (let examined = 0; chosen.length < goodSize && examined < maxExamined; examined++) {
      const entry = order()
      if (entry === undefined) break
      const place = known.placeOf(entry)
      if (place < 0 || !may(entry.record)) continue
      chosen.push(entry.record.point)
      taken.add(place)
    }
    const draws = new Draws(known.size, random)
    for (let left = maxExamined; chosen.length < size && left > 0; ) {
      const places = draws.take(Math.min(size - chosen.length, left))
      if (places.length === 0) break
      left -= places.length
      known.warm(places)
      for (const place of places) {
        const record = known.at(place)
        if (record !== undefined && !taken.has(place) && may(record)) chosen.push(record.point)
      }
    }
    return chosen
  }

  /** Tried points that are not running, the most recently seen first. The table must not change meanwhile. */
  *tried(): Generator<PointRecord> {
    for (const entry of this.#tried) yield entry.record
  }

  /** Disconnected points that never ran, in random order. The table must not change meanwhile. */
  *untried(random: Random): Generator<PointRecord> {
    const draws = new Draws(this.#all.size, random)
    for (let record = this.#all.at(draws.next()); record !== undefined; record = this.#all.at(draws.next())) {
      if (!isTried(record) && record.state.kind === 'disconnected') yield record
    }
  }

  /** What is wrong with order and places, given all entries. */
  check(entries: readonly PointEntry[]): string[] {
    const wrong: string[] = []
    for (const entry of entries) {
      const { record, sighting } = entry
      if (!this.#all.has(entry)) wrong.push(`${record.point} is not at its place among all points`)
      if (this.#open.has(entry) !== record.isPublic) wrong.push(`${record.point} is not at its place among public points`)
      if (sighting?.chain !== this.#chainOf(record)) wrong.push(`${record.point} is in the wrong order of listing`)
    }
    const open = entries.filter((entry) => entry.record.isPublic).length
    const seen = entries.filter((entry) => this.#chainOf(entry.record) !== undefined).length
    if (this.#all.size !== entries.length) wrong.push(`${this.#all.size} points in the array of all, there are ${entries.length}`)
    if (this.#open.size !== open) wrong.push(`${this.#open.size} points in the array of public ones, there are ${open}`)
    const order = this.#inOrder()
    let ordered = 0
    while (order() !== undefined) ordered++
    if (ordered !== seen) wrong.push(`${ordered} points in order of listing, ${seen} were seen`)
    return wrong
  }

  /** Gives one entry per call: connected before disconnected, the longest connected first, then the most recently seen first. */
  #inOrder(): () => PointEntry | undefined {
    let running = this.#running.first
    let tried = this.#tried.first
    let answered = this.#answered.first
    return () => {
      const link = running ?? (answered === undefined || (tried !== undefined && isSeenLater(tried.item, answered.item)) ? tried : answered)
      if (link === running) running = running?.next
      else if (link === tried) tried = tried?.next
      else answered = answered?.next
      return link?.item
    }
  }

  #chainOf(record: PointRecord): Chain<PointEntry> | undefined {
    if (record.state.kind === 'running') return this.#running
    if (isTried(record)) return this.#tried
    return lastSeenAt(record) === undefined ? undefined : this.#answered
  }
}

function isSeenLater(a: PointEntry, b: PointEntry): boolean {
  return (a.seenAt ?? 0) >= (b.seenAt ?? 0)
}
