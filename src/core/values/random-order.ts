/** Random order, for listings, samples and dials. */
import type { Random } from './ports.ts'

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
