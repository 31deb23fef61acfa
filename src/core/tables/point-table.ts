/**
 * The known points: which may come in, which go when the table is full, and in which order they are listed. A part of `pool-state.ts`: its
 * nouns change the records through `point.ts`, and call `reindex` after each change. Quotas are kept by `point-quota.ts`; bans, own points
 * and events by the nouns.
 *
 * Untried points go first, as `point-quota.ts` says; then tried ones, the least recently seen first. The order of sightings is that
 * in which they happened, so that a jump of the clock does not change it.
 */
import { type PointAddress, readPoint } from '../values/address.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { drawn } from '../values/random-order.ts'
import type { TableSize } from '../values/settings.ts'
import { BoundedTable, isCollectable, isTried, type Victims } from './bounded-table.ts'
import { lastSeenAt, type PointOrigin, PointRecord } from './point.ts'
import { HostQuota, isUncapped, PointQuota } from './point-quota.ts'

/** Where a new point comes from. For the point that a Hello names, the source is the peer itself. */
export interface PointNews extends PointOrigin {
  /** The address group where the source is seen, as `sourceGroupOf` has it. */
  readonly sourceGroup?: string | undefined
  /** Only ever set by the operator: a trusted point is taken whatever the quotas say, and above `max`. */
  readonly trusted?: boolean | undefined
  /** The peer that names the point is seen at its very host. */
  readonly isOwn?: boolean
  /** The point's text as it was read already. */
  readonly address?: PointAddress | undefined
}

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

/** So many points at most are judged for the good part of a listing, and for the random part. */
const maxExamined = 1_024

export class PointTable extends BoundedTable<Point, PointRecord> {
  readonly quota: PointQuota
  readonly hosts = new HostQuota()
  /** The longest connected first. */
  readonly #running = new Set<PointRecord>()
  /** Where a peer answered before, and is not connected. The least recently seen first. */
  readonly #seen = new Set<PointRecord>()
  /** All of them, for random draws; made anew when one came or went. */
  #all: readonly PointRecord[] | undefined

  /** `size` null: no bound, no quotas, no collection. */
  constructor({ size }: { size: TableSize | null }) {
    super(size)
    this.quota = new PointQuota(size?.max ?? Number.POSITIVE_INFINITY)
  }

  hasTrustedHost(host: Host): boolean {
    for (const record of this.trusted) if (record.host === host) return true
    return false
  }

  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean {
    for (const record of this.trusted) {
      const there = record.expectedPeerId ?? record.lastEstablished?.peerId
      if (record.host === host && (there === undefined || there === peerId)) return true
    }
    return false
  }

  isExpectedAtTrusted(peerId: PeerId): boolean {
    for (const { expectedPeerId } of this.trusted) if (expectedPeerId === peerId) return true
    return false
  }

  /** Is the address group of the point, or its host, at its quota, so that no unknown peer's word adds it? */
  isGroupFull(point: Point): boolean {
    const address = readPoint(point)
    return this.hosts.placeFor(address, { isOwn: false }) === 'full' || this.quota.placeIn(address.group, address.host) === 'full'
  }

  /**
   * The record of a new point, or of a known one, unchanged. `undefined`: its source or address group is at its quota, or
   * nothing in the full table may go for it.
   */
  insert(point: Point, news: PointNews): PointRecord | undefined {
    const known = this.get(point)
    if (known !== undefined) return known
    const { discoverySource, trusted = false, discoveredAt, sourceGroup, isOwn = false } = news
    const source = this.quota.nameOf(news.source, sourceGroup)
    const byOperator = trusted || isUncapped(discoverySource)
    // The source first: one over its quota, which may send a flood, costs no look at the address.
    const own = byOperator ? 'free' : this.quota.placeFor(source, discoverySource, { known: this.size, at: discoveredAt })
    if (own === 'full') return undefined
    const record = new PointRecord(news.address ?? readPoint(point), { source, discoverySource, discoveredAt })
    const atHost = byOperator ? 'free' : this.hosts.placeFor(record, { isOwn })
    const near = byOperator ? 'free' : this.quota.placeIn(record.group, record.host)
    const victims = new Set([own, atHost].filter((place) => typeof place === 'object'))
    const isGroupServed = [...victims].some(({ group }) => group === record.group)
    if (atHost === 'full' || (near === 'full' && !isGroupServed)) return undefined
    if (typeof near === 'object' && !isGroupServed) victims.add(near)
    this.collect([...victims])
    if (!this.makeRoom({ byOperator }) && !trusted) return undefined
    if (trusted) record.asOperator().trusted = true
    this.add(record, sourceGroup)
    return record
  }

  /**
   * To be called after every change of a record's state or instants. When a point has just become a tried one and its group holds too
   * many of these, others of the group are collected. A record that is no longer here is left alone.
   */
  reindex(record: PointRecord): void {
    if (this.get(record.point) !== record) return
    this.#noteSighting(record)
    if (this.quota.refresh(record)) this.collect(this.quota.surplusBeside(record))
  }

  /**
   * Points to advertise: the first 3/5 of `size` in order, then random others; all if no more than `size` may be listed. Connected ones
   * come first, the longest connected at the top, then the most recently seen. Whole sizes only: `verbs.ts` checks them.
   */
  list({ ignorePrivate, size, random, isBanned, accept = () => true }: ListQuery): Point[] {
    const may = (record: PointRecord): boolean => (record.isPublic || !ignorePrivate) && !isBanned(record) && accept(record)
    const chosen = new Set<PointRecord>()
    const choose = (records: Iterable<PointRecord>, goal: number): void => {
      let left = maxExamined
      for (const record of records) {
        if (chosen.size === goal || left-- === 0) return
        if (may(record)) chosen.add(record)
      }
    }
    const good = this.size <= size ? size : Math.floor((size * 3) / 5)
    choose(this.#running, good)
    choose([...this.#seen].reverse(), good)
    this.#all ??= [...this]
    choose(drawn(this.#all, random), size)
    return Array.from(chosen, ({ point }) => point)
  }

  /** All of them in the order of `restorePoint`: those never seen, then the others, the last seen one last. */
  bySighting(): PointRecord[] {
    return [...this].filter(({ sightedAt }) => sightedAt === undefined).concat([...this.#seen], [...this.#running].reverse())
  }

  protected override keyOf({ point }: PointRecord): Point {
    return point
  }

  protected override victims(): Victims<PointRecord> {
    return { untried: this.quota.untried(), tried: [...this.#seen].filter((record) => isTried(record) && isCollectable(record)) }
  }

  protected override removed(record: PointRecord): void {
    this.hosts.remove(record)
    this.quota.remove(record)
    this.#running.delete(record)
    this.#seen.delete(record)
    this.#all = undefined
  }

  /** `sourceGroup`: the address group where its source is seen. */
  override add(record: PointRecord, sourceGroup?: string): void {
    super.add(record)
    this.#all = undefined
    this.hosts.add(record)
    this.quota.add(record, sourceGroup)
    this.#noteSighting(record)
  }

  #noteSighting(record: PointRecord): void {
    const at = lastSeenAt(record)
    const place = record.state.kind === 'running' ? this.#running : this.#seen
    if (record.sightedAt === at && (at === undefined || place.has(record))) return
    record.sightedAt = at
    this.#running.delete(record)
    this.#seen.delete(record)
    place.add(record)
  }
}
