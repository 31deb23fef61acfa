/** Random order, for listings, samples and dials. */
import type { Random } from './ports.ts'

/**
 * Each item once, in uniformly random order, drawn as it is asked for (Fisher and Yates' shuffle). The list is not copied: what a draw
 * moves is noted beside it.
 */
export function* drawn<T extends object>(items: readonly T[], random: Random): Generator<T> {
  const moved = new Map<number, T>()
  for (let left = items.length; left > 0; ) {
    const place = Math.floor(random.next() * left--)
    yield (moved.get(place) ?? items[place]) as T
    moved.set(place, (moved.get(left) ?? items[left]) as T)
  }
}

/** All items in uniformly random order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    const [one, other] = [order[i] as T, order[j] as T]
    order[i] = other
    order[j] = one
  }
  return order
}
