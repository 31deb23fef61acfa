/** A copy in random order. */
import type { Random } from '../../src/core/values/ports.ts'

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    const [one, other] = [copy[i] as T, copy[j] as T]
    copy[i] = other
    copy[j] = one
  }
  return copy
}
