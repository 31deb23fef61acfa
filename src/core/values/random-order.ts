/** Random order, for listings, samples and dials. */
import type { Random } from './ports.ts'

/**
 * Each item once, in uniformly random order, drawn as it is asked for (Fisher and Yates' shuffle). The list is not copied: what a draw
 * moves is noted beside it.
 */
export function* drawn<T extends NonNullable<unknown>>(items: readonly T[], random: Random): Generator<T> {
  const moved = new Map<number, T>()
  for (let left = items.length; left > 0; ) {
    const place = Math.floor(random.next() * left--)
    yield (moved.get(place) ?? items[place]) as T
    moved.set(place, (moved.get(left) ?? items[left]) as T)
  }
}

/** All items in uniformly random order. */
export function shuffled<T extends NonNullable<unknown>>(items: readonly T[], random: Random): T[] {
  return [...drawn(items, random)]
}
