/**
 * The greylist of peer ids: those who broke the protocol. Bounded, first in, first out; listing a peer again makes it the
 * newest, asking for it does not. Called by `acl.ts`, which says when time passes and keeps trusted ones out. In memory only.
 */
import type { PeerId } from '../values/ids.ts'
import { freshLevel } from './fresh-level.ts'

export interface GreylistedPeer {
  readonly peerId: PeerId
  /** When it last gave cause, as a date. */
  readonly since: number
}

export class PeerGreylist {
  readonly #maxPeers: number
  /** The oldest first, which is also the order of fading. */
  readonly #entries = new Map<PeerId, { readonly since: number; readonly fadesAt: number }>()
  /** Steps of fading so far. */
  #steps = 0

  /** `maxPeers` 0 keeps none. */
  constructor(maxPeers: number) {
    if (!Number.isInteger(maxPeers) || maxPeers < 0)
      throw new RangeError(`peer greylist size: expected a whole number from 0, got ${maxPeers}`)
    this.#maxPeers = maxPeers
  }

  get size(): number {
    return this.#entries.size
  }

  /** Lists the peer, or makes its listing fresh. */
  add(peerId: PeerId, date: number): void {
    this.#entries.delete(peerId)
    this.#entries.set(peerId, { since: date, fadesAt: this.#steps + freshLevel })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxPeers) return
      this.#entries.delete(oldest)
    }
  }

  has(peerId: PeerId): boolean {
    return this.#entries.has(peerId)
  }

  /** Returns false if it was not listed. */
  remove(peerId: PeerId): boolean {
    return this.#entries.delete(peerId)
  }

  /** So many sixteenths of the clean-up delay have passed: a listing lasts as long as that of a host. */
  fade(steps = 1): void {
    this.#steps += steps
    for (const [peerId, { fadesAt }] of this.#entries) {
      if (fadesAt > this.#steps) return
      this.#entries.delete(peerId)
    }
  }

  clear(): void {
    this.#entries.clear()
  }

  /** The newest last. */
  list(): GreylistedPeer[] {
    return Array.from(this.#entries, ([peerId, { since }]) => ({ peerId, since }))
  }
}
