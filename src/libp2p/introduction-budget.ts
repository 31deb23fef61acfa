/** How many bytes an introducer passes on, beside what one introduction may carry: two peers that work together could send anything through it. Used by `introducer.ts`. */
import type { Clock } from '../core/values/ports.ts'

/** A page needs some 12 kB for a connection, and asks ten times, then once in 6 s: 120 kB, then 2 kB a second. */
export const bytesOfAsker = { capacity: 262_144, perSecond: 4_096 } as const
export const bytesInAll = { capacity: 1_048_576, perSecond: 32_768 } as const
/** With less than that no introduction begins. */
const minBytes = 16_384
/** While less than that is left of all, only askers begin one that have used a quarter of theirs at most: a few that use up all they can leave it to others. */
const keptBytes = 524_288
const lightBytes = 0.75 * bytesOfAsker.capacity

export class ByteBudget {
  readonly #clock: Clock
  readonly #size: { readonly capacity: number; readonly perSecond: number }
  #left: number
  #at: number

  constructor(clock: Clock, size: { readonly capacity: number; readonly perSecond: number }) {
    this.#clock = clock
    this.#size = size
    this.#left = size.capacity
    this.#at = clock.now()
  }

  get left(): number {
    this.#fill()
    return this.#left
  }

  /** False: so many are not left. They count all the same. */
  take(bytes: number): boolean {
    this.#fill()
    this.#left -= bytes
    return this.#left >= 0
  }

  #fill(): void {
    const now = this.#clock.now()
    this.#left = Math.min(this.#size.capacity, this.#left + ((now - this.#at) / 1_000) * this.#size.perSecond)
    this.#at = now
  }
}

/** May an introduction begin, by what its asker and all together have left? */
export function mayPass(ofAsker: ByteBudget, inAll: ByteBudget): boolean {
  return ofAsker.left >= minBytes && inAll.left >= (ofAsker.left < lightBytes ? keptBytes : minBytes)
}
