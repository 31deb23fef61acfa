/**
 * How many circuits a relay lends, counted by the address group of the peer that asks for them. A circuit may carry so many bytes, so
 * that a relay is no free carrier. Used by `relay.ts`.
 */
import { TokenBucket } from '../src/core/flows/token-bucket.ts'
import type { Host } from '../src/core/values/ids.ts'
import type { Clock } from '../src/core/values/ports.ts'
import { groupOfNewcomer } from '../src/libp2p/place-shares.ts'

/** Circuits from one public address: a page dials some others when it comes. With 128 KiB each, half a Mbit/s in the long run. */
const memberCircuits = { capacity: 64, perSecond: 0.5 }
/** From peers that are not known to be of this pool. A page dials others through relays to which it has no other connection. */
const unknownCircuits = { capacity: 16, perSecond: 0.1 }
/** Many peers may stand behind a host that is not public. */
const localFactor = 8
const maxGroups = 4_096

export class CircuitAllowance {
  readonly #clock: Clock
  /** What each group has left; at most `maxGroups`. */
  readonly #groups = new Map<string, { readonly bucket: TokenBucket; readonly capacity: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Groups that have used some of theirs. */
  get size(): number {
    return this.#groups.size
  }

  /** Takes one for a peer at this host, if there is one left. */
  take(host: Host | undefined, { asMember }: { asMember: boolean }): boolean {
    const { key, local } = groupOfNewcomer(host)
    const { capacity, perSecond } = asMember ? memberCircuits : unknownCircuits
    const factor = local ? localFactor : 1
    return (
      this.#of(`${asMember ? 'member' : 'unknown'} ${key}`, { capacity: factor * capacity, perSecond: factor * perSecond })?.take(1) === 1
    )
  }

  /** Forgets the groups that have all of theirs again. */
  sweep(): void {
    for (const [key, { bucket, capacity }] of this.#groups) if (bucket.left >= capacity) this.#groups.delete(key)
  }

  #of(key: string, size: { capacity: number; perSecond: number }): TokenBucket | undefined {
    const known = this.#groups.get(key)
    if (known !== undefined) return known.bucket
    if (this.#groups.size >= maxGroups) this.sweep()
    if (this.#groups.size >= maxGroups) return undefined
    const bucket = new TokenBucket(this.#clock, size)
    this.#groups.set(key, { bucket, capacity: size.capacity })
    return bucket
  }
}
