/** The points that are our own: never known, never dialed. Part of `pool-state.ts`. */
import type { Point } from '../values/ids.ts'

/** Points learned to be our own, beside those the network announces. The original keeps 7; pages have more addresses. */
const maxLearned = 16

export class OwnPoints {
  /** Where others can reach us now, as the network says. */
  announced: ReadonlySet<Point> = new Set()
  /** At most `maxLearned`, the oldest goes first. */
  readonly #learned = new Set<Point>()

  has(point: Point): boolean {
    return this.announced.has(point) || this.#learned.has(point)
  }

  /** A point that turned out to be our own, e.g. since a dial there reached ourselves. */
  learn(point: Point): void {
    this.#learned.delete(point)
    this.#learned.add(point)
    for (const oldest of this.#learned) {
      if (this.#learned.size <= maxLearned) break
      this.#learned.delete(oldest)
    }
  }
}
