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
import { Chain } from './chain.ts'
import { PointBag } from './point-bag.ts'
import { isTried, lastSeenAt } from './point-info.ts'
import { Place, type PointRecord } from './point-record.ts'
import { Draws } from './sampling.ts'

export interface ListQuery {
  /** True: public points only. */
  readonly ignorePrivate: boolean
  /** At most so many; whole, not negative. */
  readonly size: number
  readonly random: Random
  /** The good part is drawn from so many times as many of the best, so that not all who ask are told the same. @default 1 */
  readonly spread?: number
  readonly isBanned: (record: PointRecord) => boolean
  /** Which points the asker can use at all. */
  readonly accept?: (record: PointRecord) => boolean
}

/** So many points are looked at for the good part, and for the random part; a table up to this size is searched whole. */
const maxExamined = 1_024

export class PointListing {
  /** The longest established first. */
  readonly #running = new Chain<Place>()
  /** Tried and not running, the most recently seen first. */
  readonly #tried = new Chain<Place>()
  /** Seen, never established: a peer answered there and one of us refused. The most recently seen first. */
  readonly #answered = new Chain<Place>()
  readonly #all = new PointBag((record) => record)
  /** The public ones. */
  readonly #open = new PointBag((record) => record.life)

  add(record: PointRecord): void {
    this.#all.add(record)
    this.refresh(record)
  }

  remove(record: PointRecord): void {
    this.#all.remove(record)
    this.#open.remove(record)
    const { sighting } = record.life
    sighting?.chain?.remove(sighting)
  }

  /** Puts the record where it says that it belongs. */
  refresh(record: PointRecord): void {
    if (record.isPublic) this.#open.add(record)
    else this.#open.remove(record)
    const { sighting, seenAt } = record.life
    const chain = this.#chainOf(record)
    const at = lastSeenAt(record.life)
    if (sighting?.chain === chain && seenAt === at) return
    const life = record.fromProof()
    life.seenAt = at
    if (chain === undefined) {
      sighting?.chain?.remove(sighting)
      return
    }
    life.sighting ??= new Place(record)
    if (chain === this.#running) chain.pushBack(life.sighting)
    else chain.pushFront(life.sighting)
  }

  /** The tried point to collect first: the least recently seen one that may go at all. A try in vain is no sighting. */
  worstTried(): PointRecord | undefined {
    for (let place = this.#tried.last; place !== undefined; place = place.previous) {
      const { record } = place
      if (!record.trusted && record.state.kind === 'disconnected') return record
    }
    return undefined
  }

  /** The first 3/5 of `size` in order, then random others; all if no more than `size` may be told. */
  list({ ignorePrivate, size, random, spread = 1, isBanned, accept }: ListQuery): Point[] {
    if (!Number.isInteger(size) || size < 0) throw new RangeError(`size: expected a whole number of 0 or more, got ${String(size)}`)
    const known = ignorePrivate ? this.#open : this.#all
    const skip = known.size <= size ? 0 : 1 - 1 / spread
    const goodSize = known.size <= size ? size : Math.floor((size * 3) / 5)
    const may = (record: PointRecord): boolean => !isBanned(record) && (accept === undefined || accept(record))
    const chosen: Point[] = []
    const taken = new Set<number>()
    const order = this.#inOrder()
    for (let examined = 0; chosen.length < goodSize && examined < maxExamined; examined++) {
      const record = order()
      if (record === undefined) break
      const place = known.placeOf(record)
      if (place < 0 || (skip > 0 && random.next() < skip) || !may(record)) continue
      chosen.push(record.point)
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

  /** All that were seen, in the order of listings: connected before disconnected, then the most recently seen first. */
  seen(): PointRecord[] {
    const next = this.#inOrder()
    const seen: PointRecord[] = []
    for (let record = next(); record !== undefined; record = next()) seen.push(record)
    return seen
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return { all: this.#all, open: this.#open, order: this.#inOrder(), chainOf: (record: PointRecord) => this.#chainOf(record) }
  }

  /** Gives one record per call: connected before disconnected, the longest connected first, then the most recently seen first. */
  #inOrder(): () => PointRecord | undefined {
    let running = this.#running.first
    let tried = this.#tried.first
    let answered = this.#answered.first
    return () => {
      const place = running ?? (answered === undefined || (tried !== undefined && isSeenLater(tried, answered)) ? tried : answered)
      if (place === running) running = running?.next
      else if (place === tried) tried = tried?.next
      else answered = answered?.next
      return place?.record
    }
  }

  #chainOf({ life }: PointRecord): Chain<Place> | undefined {
    if (life.state.kind === 'running') return this.#running
    if (isTried(life)) return this.#tried
    return lastSeenAt(life) === undefined ? undefined : this.#answered
  }
}

function isSeenLater(a: Place, b: Place): boolean {
  return (a.record.life.seenAt ?? 0) >= (b.record.life.seenAt ?? 0)
}
