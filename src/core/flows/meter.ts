/** Bytes per second from a growing total, smoothed; computed when asked, so that nothing ticks. */
import type { Clock } from '../values/ports.ts'

/** The weight of what is older fades with this time constant. */
const smoothingMs = 10_000

/** Asking more often than this gives the figure of before. */
const minStepMs = 200

export class Meter {
  readonly #clock: Clock
  #at: number
  #total = 0
  #rate = 0

  /** `since`: when the total was 0, monotonic. */
  constructor(clock: Clock, since: number) {
    this.#clock = clock
    this.#at = since
  }

  /** The rate, given the total of now. */
  rate(total: number): number {
    const now = this.#clock.now()
    const passedMs = now - this.#at
    if (passedMs < minStepMs) return this.#rate
    const recent = ((total - this.#total) * 1_000) / passedMs
    const weight = 1 - Math.exp(-passedMs / smoothingMs)
    this.#rate += (recent - this.#rate) * weight
    this.#at = now
    this.#total = total
    return this.#rate
  }
}
