/** How our dials went of late: written by `pool-state.ts` as attempts end, read by decisions through the view. Memory only. */

export interface DialFigures {
  /** The share of our dials that became connections, the latest counting most; above 0, up to 1. */
  readonly luck: number
  /** Outgoing attempts that failed one after the other, with no answer of a peer since. */
  readonly failuresInARow: number
  /** Monotonic instant of the last of them. */
  readonly lastFailureAt: number
}

/** What is expected of the first dials; under a third succeed where this was measured (Lodestar). */
const firstLuck = 0.33
/** The weight of the last dial. */
const weight = 1 / 8

export class DialRecord implements DialFigures {
  luck = firstLuck
  failuresInARow = 0
  lastFailureAt = Number.NEGATIVE_INFINITY

  failed(now: number): void {
    this.failuresInARow++
    this.lastFailureAt = now
    this.luck -= this.luck * weight
  }

  succeeded(): void {
    this.luck += (1 - this.luck) * weight
  }

  /** Somebody proved to be there, whoever dialed and whatever came of it: our network works. */
  answered(): void {
    this.failuresInARow = 0
  }
}
