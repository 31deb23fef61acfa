/** Random order, for listings, samples and dials. */
import type { Random } from './ports.ts'

/** Each item once, in uniformly random order, drawn as it is asked for (Fisher and Yates' shuffle). */
export function* drawn<T>(items: Iterable<T>, random: Random): Generator<T> {
  const left = [...items]
  while (left.length > 0) {
    const place = Math.floor(random.next() * left.length)
    const last = left.pop() as T
    yield left[place] ?? last
    if (place < left.length) left[place] = last
  }
}

/** All items in uniformly random order. */
export function shuffled<T>(items: Iterable<T>, random: Random): T[] {
  return [...drawn(items, random)]
}
