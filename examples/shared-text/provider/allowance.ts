/** Bounds how often something is done that others cause. */

const burst = 5

/** Five at once, and one a second in the long run. */
export class Allowance {
  #left = burst
  #at = performance.now()

  /** Whether it may be done now; if so, it counts as done. */
  take(): boolean {
    const now = performance.now()
    this.#left = Math.min(burst, this.#left + (now - this.#at) / 1_000)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
