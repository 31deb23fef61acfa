/** Where machines are: an address in a group of its own, a place on a map, and how long bytes take from one to the other. */
import type { Random } from '../../src/core/values/ports.ts'
import type { LinkOwner } from '../../src/testing/memory-link.ts'

/** What the way adds whatever the distance, ms: two access networks. */
const nearMs = 4
/** From one edge of the map to the other, ms one way: half around the earth. */
const acrossMs = 140
/** A piece takes up to this much longer than the last one, as a share. */
const jitter = 0.2
/** A piece that was lost is sent again after this, doubling with each loss, ms (the least that TCP waits). */
const resendMs = 200
const maxResends = 6

/** Addresses that are nobody's are skipped: every first number is of public addresses only. */
const firstNumbers = 88

/** Public IPv4 addresses, all different, over all groups. */
export function addressOf(index: number): string {
  // An odd multiplier modulo 2^24: a walk that never meets itself.
  const place = Math.imul(index, 0x9e3779b1) & 0xffffff
  return `/ip4/${11 + (index % firstNumbers)}.${place >>> 16}.${(place >>> 8) & 255}.${place & 255}/tcp/4001`
}

export class WorldMap {
  readonly #random: Random
  // By `index`. A map by owner would be several reads from cold memory for each piece that is sent.
  readonly #x: number[] = []
  readonly #y: number[] = []
  /** Chance that a piece is lost and sent again. */
  loss = 0
  /** Everything takes so many times as long. */
  slowness = 1

  constructor(random: Random) {
    this.#random = random
  }

  settle(owner: LinkOwner): void {
    this.#x[owner.index] = this.#random.next()
    this.#y[owner.index] = this.#random.next()
  }

  /** From 0 to 1, east and north. */
  placeOf({ index }: LinkOwner): readonly [number, number] {
    return [this.#x[index] ?? 0, this.#y[index] ?? 0]
  }

  latencyMs(from: LinkOwner, to: LinkOwner): number {
    const east = (this.#x[from.index] ?? 0) - (this.#x[to.index] ?? 0)
    const north = (this.#y[from.index] ?? 0) - (this.#y[to.index] ?? 0)
    const way = nearMs + acrossMs * Math.hypot(east, north) * Math.SQRT1_2
    return way * this.slowness * (1 + this.#random.next() * jitter) + this.#resends()
  }

  #resends(): number {
    let ms = 0
    if (this.loss === 0) return ms
    for (let again = 0; again < maxResends && this.#random.next() < this.loss; again++) ms += resendMs * 2 ** again
    return ms
  }
}
