/** Random order, for listings and samples. */
import type { Random } from './ports.ts'

/**
 * Each item once, in uniformly random order, drawn as it is asked for (Fisher and Yates' shuffle). The list is not copied: what a draw
 * moves is noted beside it.
 */
export function* inRandomOrder<T>(items: readonly T[], random: Random): Generator<T> {
  const moved = new Map<number, T>()
  const at = (place: number): T => (moved.has(place) ? moved.get(place) : items[place]) as T
  for (let left = items.length; left > 0; left--) {
    const place = Math.floor(random.next() * left)
    yield at(place)
    moved.set(place, at(left - 1))
  }
}
