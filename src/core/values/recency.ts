/** A set in order of insertion that can also be read backwards and at random, each at a cost that does not depend on its size. */
import type { Random } from './ports.ts'
import { inRandomOrder } from './random-order.ts'

/** Gaps that are not worth a new array. */
const minGaps = 32

export class RecencySet<T> {
  /** With gaps where something was removed; at most half are gaps. */
  #order: (T | undefined)[] = []
  readonly #places = new Map<T, number>()

  get size(): number {
    return this.#places.size
  }

  has(item: T): boolean {
    return this.#places.has(item)
  }

  /** At the end; one that is there already keeps its place. */
  add(item: T): void {
    if (this.#places.has(item)) return
    this.#places.set(item, this.#order.length)
    this.#order.push(item)
  }

  delete(item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    this.#order[place] = undefined
    if (this.#order.length < 2 * this.size + minGaps) return
    this.#order = [...this.#places.keys()]
    for (const [i, kept] of this.#order.entries()) this.#places.set(kept as T, i)
  }

  /** The first inserted first. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#places.keys()
  }

  /** The last inserted first. Only while the set does not change. */
  *backwards(): Generator<T> {
    for (let place = this.#order.length - 1; place >= 0; place--) {
      const item = this.#order[place]
      if (item !== undefined) yield item
    }
  }

  /** Each once. Only while the set does not change. */
  *shuffled(random: Random): Generator<T> {
    for (const item of inRandomOrder(this.#order, random)) if (item !== undefined) yield item
  }
}
