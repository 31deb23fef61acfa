/** How many bytes an introducer passes on, beside what one introduction may carry: two peers that work together could send anything through it. Used by `introducer.ts`. */
import type { Clock } from '../core/values/ports.ts'

/** A page needs some 12 kB for a connection, and asks ten times, then once in 6 s: 120 kB, then 2 kB a second. */
export const bytesOfAsker = { capacity: 262_144, perSecond: 2_048 } as const
/** Of all askers together that have just come: without it one that comes again and again would have as much each time. */
export const bytesOfNewAskers = { capacity: 1_048_576, perSecond: 32_768 } as const
/** From then on an asker has its own bytes whatever others do, ms: their number is that of our connections. */
const settledAfterMs = 60_000
/** With less than that no introduction begins. */
const minBytes = 16_384

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

/** The budgets of one introducer. */
export class Budgets {
  readonly #clock: Clock
  readonly #ofNewAskers: ByteBudget
  readonly #ofAskers = new WeakMap<object, ByteBudget>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#ofNewAskers = new ByteBudget(clock, bytesOfNewAskers)
  }

  /** What pays for an introduction that this connection asks for. `undefined`: too little is left. */
  of(asker: { readonly timeline: { readonly open: number } }): readonly ByteBudget[] | undefined {
    const own = this.#ofAskers.get(asker) ?? new ByteBudget(this.#clock, bytesOfAsker)
    this.#ofAskers.set(asker, own)
    const isSettled = this.#clock.date() - asker.timeline.open >= settledAfterMs
    const budgets = isSettled ? [own] : [own, this.#ofNewAskers]
    return budgets.every(({ left }) => left >= minBytes) ? budgets : undefined
  }
}
