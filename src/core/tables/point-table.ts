/**
 * The known points: which there are, who may come in, and who goes when the table is full. Owned by `pool-state.ts`, which
 * changes the records through `point-state.ts` and calls `reindex` after each change. Shares and caps are kept by
 * `point-shares.ts`, the order of listings by `point-listing.ts`. Bans, own points and events are the owner's matter.
 *
 * Collection happens before an insertion that finds `max` points, down to `target`: untried points first, of the source
 * that has the most; then tried ones, the least recently seen first. A stranger's newcomer takes the place of a tried
 * point only where the tried ones hold more than their half, and then of one alone. Points that are trusted or not
 * disconnected never go, so if nothing can go the newcomer is refused, unless it is trusted.
 */
import { groupOf, groupOfHost, groupOfTeller, hostOf, targetOf } from '../values/address.ts'
import type { TableSize } from '../values/config.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import { HostShares } from './host-shares.ts'
import type { Medium } from './point-info.ts'
import { type ListQuery, PointListing } from './point-listing.ts'
import { keyOfGroup, PointRecord } from './point-record.ts'
import { PointShares } from './point-shares.ts'
import { isUncapped } from './point-weight.ts'
import type { SavedPoint } from './saved-fields.ts'

/** Where a newcomer comes from. */
export interface PointNews {
  /** Who told us; none: operator, storage, a local discovery. For the point that a Hello names: the peer itself. */
  readonly source: PeerId | undefined
  /** The address group where the source is seen, as `groupOfTeller` has it. */
  readonly sourceGroup?: string
  readonly medium: Medium
  /** Only ever set by the operator: a trusted point is taken whatever the caps say, and above `max`. */
  readonly trusted: boolean
  /** The peer that names the point is seen at its very host. */
  readonly isOwn?: boolean
  /** Wall clock, ms. */
  readonly discoveredAt: number
}

export class PointTable {
  readonly #bounds: TableSize | null
  readonly #records = new Map<Point, PointRecord>()
  readonly #shares: PointShares
  readonly hosts = new HostShares()
  readonly #listing = new PointListing()
  /** Hosts of trusted points, with how many of these each has; grows by the operator's word alone. */
  readonly #trustedHosts = new Map<Host, number>()
  /** Grows by the operator's word alone. */
  readonly #trusted = new Set<PointRecord>()
  #collected = 0

  /** `size` null: no bound, no caps, no collection. */
  constructor({ size }: { size: TableSize | null }) {
    this.#bounds = size
    this.#shares = new PointShares(size?.max ?? Number.POSITIVE_INFINITY)
  }

  get size(): number {
    return this.#records.size
  }

  /** Points removed to make room since the table was made; the owner tells of the difference as `gc-points`. */
  get collected(): number {
    return this.#collected
  }

  has(point: Point): boolean {
    return this.#records.has(point)
  }

  get(point: Point): PointRecord | undefined {
    return this.#records.get(point)
  }

  /** Is a trusted point on this host? Asked for every incoming link. */
  hasTrustedHost(host: Host): boolean {
    return this.#trustedHosts.has(host)
  }

  /** Is this the peer of a trusted point on the host, or may it be, since nobody was met there yet? */
  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean {
    if (!this.hasTrustedHost(host)) return false
    for (const record of this.#trusted) {
      const there = record.expectedPeerId ?? record.lastEstablished?.peerId
      if (record.host === host && (there === undefined || there === peerId)) return true
    }
    return false
  }

  /** Is this the peer that a trusted point expects? */
  isExpectedAtTrusted(peerId: PeerId): boolean {
    for (const { expectedPeerId } of this.#trusted) if (expectedPeerId === peerId) return true
    return false
  }

  /** Is the address group of the point, or its host, at its cap, so that no stranger's word adds it? */
  isGroupFull(point: Point): boolean {
    if (this.hosts.placeFor(point, { isOwn: false }) === 'full') return true
    return this.#bounds !== null && this.#shares.placeIn(keyOfGroup(groupOf(point)), hostOf(point)) === 'full'
  }

  /** Who its points are put down to: `PointShares.nameOf`. */
  nameOf(peerId: PeerId, group: string | undefined): PeerId | undefined {
    return this.#shares.nameOf(peerId, group)
  }

  /** All of them, in order of insertion. Entries removed meanwhile are left out, added ones come at the end. */
  [Symbol.iterator](): IterableIterator<PointRecord> {
    return this.#records.values()
  }

  /**
   * The record of a new point, or of a known one, unchanged. `undefined`: its source or address group is at its cap, or
   * nothing in the full table may go for it.
   */
  insert(point: Point, news: PointNews): PointRecord | undefined {
    const known = this.#records.get(point)
    if (known !== undefined) return known
    const { medium, trusted, discoveredAt, sourceGroup, isOwn = false } = news
    const source = this.#shares.nameOf(news.source, sourceGroup)
    const byOperator = trusted || isUncapped(medium)
    // The source first: a stranger over its cap, who may send a flood, costs no look at the address.
    const own = byOperator || this.#bounds === null ? 'free' : this.#shares.placeFor(source, medium, { known: this.size, at: discoveredAt })
    if (own === 'full') return undefined
    const host = hostOf(point)
    const group = keyOfGroup(host === undefined ? groupOf(point) : groupOfHost(host))
    const atHost = byOperator ? 'free' : this.hosts.placeFor(point, { isOwn })
    const near = byOperator || this.#bounds === null ? 'free' : this.#shares.placeIn(group, host)
    const victims = new Set([own, atHost].filter((place) => typeof place === 'object'))
    const isGroupServed = [...victims].some(({ groupKey }) => groupKey === group)
    if (atHost === 'full' || (near === 'full' && !isGroupServed)) return undefined
    if (typeof near === 'object' && !isGroupServed) victims.add(near)
    for (const victim of victims) this.#collect(victim)
    if (!this.#makeRoom(byOperator) && !trusted) return undefined
    const record = new PointRecord(point, group, { source, medium, discoveredAt })
    if (trusted) record.fromOperator().trusted = true
    this.#add(record, sourceGroup)
    return record
  }

  /**
   * Takes a saved point back, with no regard to caps, which it passed when it came. The order of calls becomes the order of sightings: the
   * last seen one last. A point that is known gets whatever it has not seen since: the operator named it, or it was met
   * before the storage was read. `undefined`: it is new, and the table is full.
   */
  restore(saved: SavedPoint, join: (record: PointRecord, saved: SavedPoint) => void): PointRecord | undefined {
    const known = this.get(saved.point)
    if (known === undefined) {
      if (this.#bounds !== null && this.size >= this.#bounds.max && !saved.trusted) return undefined
      const record = new PointRecord(saved.point, keyOfGroup(groupOf(saved.point)), saved)
      if (saved.trusted) record.fromOperator().trusted = true
      join(record, saved)
      // Where the source said that it is, and somebody was met, its group is: it comes back to the share that it had.
      const isProvenOwn = saved.medium === 'hello' && saved.lastEstablished !== undefined
      this.#add(record, isProvenOwn ? groupOfTeller(record.host) : undefined)
      return record
    }
    join(known, saved)
    this.reindex(known)
    if (saved.trusted) this.setTrusted(known, true)
    return known
  }

  /**
   * To be called after every change of a record: state, instants, `isPublic`. When a point has just become a tried one and
   * its group holds too many of these, others of the group are collected. A record that is no longer here is left alone.
   */
  reindex(record: PointRecord): void {
    if (this.get(record.point) !== record) return
    this.#listing.refresh(record)
    if (!this.#shares.refresh(record) || this.#bounds === null) return
    for (;;) {
      const surplus = this.#shares.surplusBeside(record)
      if (surplus === undefined) return
      this.#collect(surplus)
    }
  }

  /** A point that is no longer trusted may have to go at once, when the table was above its `max` for trusted ones' sake. */
  setTrusted(record: PointRecord, trusted: boolean): void {
    if (record.trusted === trusted || this.get(record.point) !== record) return
    record.fromOperator().trusted = trusted
    this.#noteTrust(record)
    this.reindex(record)
    if (this.#bounds !== null && this.size > this.#bounds.max + this.#trusted.size) {
      const victim = this.#shares.worstUntried() ?? this.#listing.worstTried()
      if (victim !== undefined) this.#collect(victim)
    }
  }

  /** The operator registers or connects to a point that came otherwise. */
  setRegistered(record: PointRecord): void {
    record.fromOperator().registered = true
  }

  /** The operator says who must answer there. A relayed point says so by itself. */
  setExpectedPeerId(record: PointRecord, peerId: PeerId): void {
    if (peerId !== targetOf(record.point)) record.fromOperator().expectedPeerId = peerId
  }

  /** A dial to it led to nobody, while others work: `PointShares.missed`. */
  missed(record: PointRecord, now: number): void {
    this.#shares.missed(record, now)
  }

  /** Forgets the point, whatever its state; false if it is not known. */
  remove(point: Point): boolean {
    const record = this.get(point)
    if (record !== undefined) this.#drop(record)
    return record !== undefined
  }

  /** Points to tell others; throws `RangeError` for a size that is negative or no whole number. */
  list(query: ListQuery): Point[] {
    return this.#listing.list(query)
  }

  /** All of them as `restore` wants them: those never seen, then the others, the last seen one last. */
  bySighting(): PointRecord[] {
    return [...this].filter(({ life }) => life.seenAt === undefined).concat(this.#listing.seen().toReversed())
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return {
      bounds: this.#bounds,
      shares: this.#shares,
      listing: this.#listing,
      trusted: this.#trusted.size,
      trustedHosts: this.#trustedHosts
    }
  }

  /** Collects if the table is full; is there a place now? */
  #makeRoom(byOperator: boolean): boolean {
    if (this.#bounds === null || this.size < this.#bounds.max) return true
    const { max, target } = this.#bounds
    const goal = Math.min(target, max - 1)
    while (this.size > goal) {
      const mayTakeTried = byOperator || (this.size >= max && this.#shares.hasSurplusTried)
      const victim = this.#shares.worstUntried() ?? (mayTakeTried ? this.#listing.worstTried() : undefined)
      if (victim === undefined) break
      this.#collect(victim)
    }
    return this.size < max
  }

  #add(record: PointRecord, sourceGroup: string | undefined): void {
    this.#records.set(record.point, record)
    this.hosts.add(record)
    if (record.trusted) this.#noteTrust(record)
    this.#shares.add(record, sourceGroup)
    this.#listing.add(record)
  }

  /** Called after a trusted record came or a record's trust changed, and with false when a trusted record goes. */
  #noteTrust(record: PointRecord, isTrusted = record.trusted): void {
    const { host } = record
    if (isTrusted) this.#trusted.add(record)
    else this.#trusted.delete(record)
    if (host === undefined) return
    const count = (this.#trustedHosts.get(host) ?? 0) + (isTrusted ? 1 : -1)
    if (count === 0) this.#trustedHosts.delete(host)
    else this.#trustedHosts.set(host, count)
  }

  #collect(record: PointRecord): void {
    this.#drop(record)
    this.#collected++
  }

  #drop(record: PointRecord): void {
    this.#records.delete(record.point)
    this.hosts.remove(record)
    if (record.trusted) this.#noteTrust(record, false)
    this.#shares.remove(record)
    this.#listing.remove(record)
  }
}
