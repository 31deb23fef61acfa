/**
 * The greylists: peers, and hosts from which the protocol was broken, each until an instant. `access.ts` owns them and keeps trusted ones
 * out. In memory only.
 */
import type { Host, PeerId } from '../values/ids.ts'
import type { Clock } from '../values/ports.ts'

/** A peer that the pool keeps out after a fault. */
export interface GreylistedPeer {
  readonly peerId: PeerId
  /** When it committed its last fault; ms since 1970. */
  readonly since: number
}

/** A host that the pool keeps out after a fault. */
export interface GreylistedHost {
  /** As it was last seen; an IPv6 host stands for its whole /64. */
  readonly host: Host
  /** When a peer there committed its last fault; ms since 1970. */
  readonly since: number
}

/** The part of the clean-up delay that a listing lasts, and the sixteenth by which Octez' `gc_greylist` shortens it. */
const lastingShare = 15 / 16
const stepShare = 1 / 16

/** How long a listing lasts, ms. */
export function greylistingMs(cleanupDelayMs: number): number {
  return cleanupDelayMs * lastingShare
}

interface Entry<Item> {
  readonly item: Item
  readonly since: number
  /** Monotonic, ms. */
  endsAt: number
}

export interface GreylistOptions<Item> {
  readonly clock: Pick<Clock, 'now' | 'date'>
  /** Entries at most; the oldest goes first. 0 keeps none. */
  readonly max: number
  readonly cleanupDelayMs: number
  /** What counts as one. */
  readonly nameOf: (item: Item) => string
}

export class Greylist<Item> {
  readonly #options: GreylistOptions<Item>
  /** The oldest first, which is also the order in which they end. */
  readonly #entries = new Map<string, Entry<Item>>()
  /** When the last one that had to make room would have ended; monotonic. */
  #lostUntil = Number.NEGATIVE_INFINITY
  #unreliableSince: number | undefined

  constructor(options: GreylistOptions<Item>) {
    this.#options = options
  }

  /** Date of the first entry that had to make room, as long as such an entry would still be in force. */
  get unreliableSince(): number | undefined {
    return this.#lostUntil > this.#options.clock.now() ? this.#unreliableSince : undefined
  }

  /** Lists it, or makes its listing fresh. */
  add(item: Item): void {
    const { clock, max, cleanupDelayMs, nameOf } = this.#options
    const since = clock.date()
    const name = nameOf(item)
    this.#expire()
    this.#entries.delete(name)
    this.#entries.set(name, { item, since, endsAt: clock.now() + greylistingMs(cleanupDelayMs) })
    for (const [oldest, { endsAt }] of this.#entries) {
      if (this.#entries.size <= max) return
      this.#entries.delete(oldest)
      this.#unreliableSince = this.unreliableSince ?? since
      this.#lostUntil = endsAt
    }
  }

  has(item: Item): boolean {
    const entry = this.#entries.size === 0 ? undefined : this.#entries.get(this.#options.nameOf(item))
    return entry !== undefined && entry.endsAt > this.#options.clock.now()
  }

  /** Returns false if it was not listed. */
  remove(item: Item): boolean {
    return this.has(item) && this.#entries.delete(this.#options.nameOf(item))
  }

  /** All of them end a sixteenth of the clean-up delay sooner. */
  shorten(): void {
    const stepMs = this.#options.cleanupDelayMs * stepShare
    for (const entry of this.#entries.values()) entry.endsAt -= stepMs
    this.#lostUntil -= stepMs
  }

  clear(): void {
    this.#entries.clear()
    this.#lostUntil = Number.NEGATIVE_INFINITY
  }

  /** Those in force, the newest last. */
  list(): { readonly item: Item; readonly since: number }[] {
    this.#expire()
    return [...this.#entries.values()]
  }

  #expire(): void {
    for (const [name, { endsAt }] of this.#entries) {
      if (endsAt > this.#options.clock.now()) return
      this.#entries.delete(name)
    }
  }
}
