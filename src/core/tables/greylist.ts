/**
 * The greylist of hosts from which the protocol was broken: unknown peers from there are refused for 15/16 of the clean-up delay at most. A
 * fading filter that never grows holds all of them, a bounded readable list the latest. `access.ts` owns it, says when time
 * passes, and keeps trusted ones out. In memory only, since the filter's key is drawn per start.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { freshLevel } from '../values/bounds.ts'
import type { Host } from '../values/ids.ts'
import { formatIp, type IpGroups, lastIPv4, mapIPv4, octetsOf, parseIp, prefixOf } from '../values/ip.ts'
import { FadingFilter, hashCount, indexBitsFor } from './fading-filter.ts'

/** Above this share of set cells each step of fading counts twice: one unknown host in 100,000 would be taken for a listed one. */
const crowdedFill = 0.1
/** Above this one (one host in 1,000) the oldest are forgotten at once, until the filter is no longer crowded. */
const fullFill = 0.25

export interface AddressGreylistOptions {
  /** Size of the filter at most, in KiB, and the number of entries in the readable list. */
  readonly sizeKiB: number
  /** Secret of this start. */
  readonly key: Uint8Array
}

/** A host that the pool keeps out after a fault. */
export interface GreylistedHost {
  /** As it was last seen; an IPv6 host stands for its whole /64. */
  readonly host: Host
  /** When a peer there committed its last fault; ms since 1970. */
  readonly since: number
}

/** How full the greylist of hosts is. */
export interface GreylistFigures {
  /** Hosts in force: exact while the list is reliable, else an upper bound. */
  readonly count: number
  /** Share of the filter's cells that are set, 0 to 1. */
  readonly fill: number
  /** Chance that another host is taken for a listed one; 0 while the readable list is complete. */
  readonly falsePositiveRate: number
  /** Number of cells that will live so many steps, by index 0 to 15. */
  readonly lifeExpectancy: readonly number[]
  /** More than a tenth of the cells is set, so each step counts twice. */
  readonly isFadingFaster: boolean
  /** Steps that passed early because the filter was full, since the start or the last clearing. */
  readonly forcedSteps: number
}

interface Entry extends GreylistedHost {
  readonly cells: readonly number[]
  /** The generation in which its cells become zero. */
  readonly fadesAt: number
}

export class AddressGreylist {
  readonly #filter: FadingFilter
  readonly #maxEntries: number
  /** By `nameOf`, the oldest first, which is also the order of fading; at most `#maxEntries`, the oldest goes first. */
  readonly #entries = new Map<string, Entry>()
  #generation = 0
  /** The last generation in which a host can be in force that had to leave the list. */
  #lostUntil = 0
  #unreliableSince: number | undefined
  #forcedSteps = 0

  constructor({ sizeKiB, key }: AddressGreylistOptions) {
    this.#filter = new FadingFilter({ indexBits: indexBitsFor(sizeKiB), hash: keyedHash(key) })
    this.#maxEntries = sizeKiB
  }

  /** Date of the first drop from the list, as long as such a dropped host may still be in force. */
  get unreliableSince(): number | undefined {
    return this.#unreliableSince
  }

  /** No host is greylisted. */
  get isEmpty(): boolean {
    return this.#filter.isEmpty
  }

  /** Lists the host, or makes its listing fresh. */
  add(host: Host, date: number): void {
    if (this.#filter.fill > fullFill) this.#makeRoom()
    const name = nameOf(host)
    if (!this.#entries.delete(name) && this.#entries.size >= this.#maxEntries) this.#dropOldest(date)
    const cells = this.#filter.cellsOf(itemOf(host))
    this.#filter.add(cells)
    this.#entries.set(name, { host, since: date, cells, fadesAt: this.#generation + freshLevel })
  }

  /**
   * While the list is complete it answers alone: exactly, and without the cost of a hash. Afterwards the filter does, and
   * takes some other hosts for listed ones (`figures().falsePositiveRate`).
   */
  has(host: Host): boolean {
    if (this.#filter.isEmpty) return false
    if (this.#entries.has(nameOf(host))) return true
    return this.#unreliableSince !== undefined && this.#filter.has(itemOf(host))
  }

  /**
   * Takes the host off. Listed ones that share a cell with it stay; of those that had to leave the list, about one in
   * `cellCount / 25` is forgotten too. Returns false if it was not greylisted.
   */
  remove(host: Host): boolean {
    if (!this.has(host)) return false
    this.#entries.delete(nameOf(host))
    this.#filter.remove(this.#filter.cellsOf(itemOf(host)))
    for (const entry of this.#entries.values()) this.#filter.raise(entry.cells, entry.fadesAt - this.#generation)
    return true
  }

  /** So many sixteenths of the clean-up delay have passed; one pass over the filter, whatever their number. */
  fade(steps = 1): void {
    let generations = 0
    for (let i = 0; i < steps && generations < freshLevel; i++) {
      generations += this.#filter.fillAfter(generations) > crowdedFill ? 2 : 1
    }
    this.#age(generations)
  }

  clear(): void {
    this.#filter.clear()
    this.#entries.clear()
    this.#unreliableSince = undefined
    this.#forcedSteps = 0
  }

  /** What is known to be in force, the newest last. */
  list(): GreylistedHost[] {
    return Array.from(this.#entries.values(), ({ host, since }) => ({ host, since }))
  }

  figures(): GreylistFigures {
    const fill = this.#filter.fill
    const isComplete = this.#unreliableSince === undefined
    return {
      count: isComplete ? this.#entries.size : Math.max(this.#entries.size, this.#filter.approximateCount),
      fill,
      falsePositiveRate: isComplete ? 0 : fill ** hashCount,
      lifeExpectancy: this.#filter.lifeExpectancyHistogram(),
      isFadingFaster: fill > crowdedFill,
      forcedSteps: this.#forcedSteps
    }
  }

  #age(generations: number): void {
    if (this.#filter.isEmpty) return
    this.#filter.countdown(generations)
    this.#generation += generations
    for (const [name, entry] of this.#entries) {
      if (entry.fadesAt > this.#generation) break
      this.#entries.delete(name)
    }
    if (this.#lostUntil <= this.#generation) this.#unreliableSince = undefined
  }

  #makeRoom(): void {
    let generations = 1
    while (this.#filter.fillAfter(generations) > crowdedFill) generations++
    this.#forcedSteps += generations
    this.#age(generations)
  }

  #dropOldest(date: number): void {
    for (const [name, entry] of this.#entries) {
      this.#entries.delete(name)
      this.#lostUntil = entry.fadesAt
      this.#unreliableSince ??= date
      return
    }
  }
}

/**
 * SHA-256 of key and item, one after the other: unlike the original's BLAKE2b it is in every page with libp2p already, and
 * faster. No hash leaves the pool, so that nobody can go on from one to that of a longer item.
 */
export function keyedHash(key: Uint8Array): (item: Uint8Array) => Uint8Array {
  const keyed = sha256.create().update(key)
  return (item) => keyed.clone().update(item).digest()
}

/** What counts as one host in the list: IPv6 by /64, since the owner of one address has all of them. */
function nameOf(host: Host): string {
  if (host.includes('.') || !host.includes(':')) return host
  const groups = greylistedGroups(host)
  return groups === undefined ? host : formatIp(groups)
}

/** The same as bytes: sixteen octets of an address; the text of a name, which cannot equal them for want of zero bytes. */
function itemOf(host: Host): Uint8Array {
  const groups = host.includes(':') ? greylistedGroups(host) : undefined
  return groups === undefined ? utf8ToBytes(host) : octetsOf(groups)
}

/** 64:ff9b::/96 is all of IPv4 as IPv6-only networks see it: the IPv4 address behind counts, or one fault would hit all. */
function greylistedGroups(host: Host): IpGroups | undefined {
  const groups = parseIp(host)
  if (groups === undefined || host.includes('.')) return groups
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = groups
  return a === 0x64 && b === 0xff9b && (c | d | e | f) === 0 ? mapIPv4(lastIPv4(groups)) : prefixOf(groups, 64)
}
