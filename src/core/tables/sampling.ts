/** Random order without shuffling a whole table. Called by the point table for listings and candidates. */
import type { Random } from '../values/ports.ts'

/**
 * Draws every whole number from 0 to `count` - 1 once, in uniformly random order: memory and time grow with the draws
 * made, not with `count`. It is Fisher and Yates' shuffle that remembers only the places it has touched. A class and no
 * generator, since a draw costs a third of a generator's step.
 */
export class Draws {
  readonly #count: number
  readonly #random: Random
  readonly #moved = new Map<number, number>()
  #drawn = 0

  constructor(count: number, random: Random) {
    this.#count = count
    this.#random = random
  }

  /** -1: all are drawn. */
  next(): number {
    const drawn = this.#drawn
    if (drawn >= this.#count) return -1
    const place = drawn + Math.floor(this.#random.next() * (this.#count - drawn))
    const value = this.#moved.get(place) ?? place
    if (place !== drawn) this.#moved.set(place, this.#moved.get(drawn) ?? drawn)
    this.#moved.delete(drawn)
    this.#drawn++
    return value
  }

  /** The next `count` numbers, fewer when all are drawn. */
  take(count: number): number[] {
    const numbers: number[] = []
    for (let number = 0; numbers.length < count; numbers.push(number)) {
      number = this.next()
      if (number < 0) break
    }
    return numbers
  }
}
