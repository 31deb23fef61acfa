/** Random order, for listings and samples. */
import type { Random } from './ports.ts'

/** Each item once, in uniformly random order, drawn as it is asked for (Fisher and Yates' shuffle). */
export function* inRandomOrder<T>(items: readonly T[], random: Random): Generator<T> {
  const left = [...items]
  while (left.length > 0) {
    const place = Math.floor(random.next() * left.length)
    const item = left[place] as T
    left[place] = left.at(-1) as T
    left.pop()
    yield item
  }
}
