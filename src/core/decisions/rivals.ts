/**
 * Which untrusted peer makes room for another where slots are scarce: a newcomer of a small address group displaces the newest of the
 * largest. Pure; called by `admission-hello.ts` for connections and by `handshake-places.ts` for handshakes. A page loads it beside its start.
 */
import type { AddressShare } from '../values/attempt.ts'
import { tally } from './eviction.ts'
import { type Holder, minFree, shareAmong } from './group-shares.ts'

/**
 * The holder that makes room for the newcomer: the newest of the largest group, if that is still larger with the newcomer in; else
 * the newest of a wider group that has more than half of all slots. `priorOf`: what else a group's size counts, beside its slots.
 */
export function chooseRival<T extends Holder>(
  holders: readonly T[],
  newcomer: AddressShare,
  priorOf: (group: string) => number = () => 0
): T | undefined {
  const slotsIn = tally(holders, ({ group }) => group)
  const sizeOf = (group: string): number => slotsIn(group) + priorOf(group)
  const largest = newestOfLargest(holders, ({ group }) => sizeOf(group))
  if (largest !== undefined && sizeOf(largest.group) > sizeOf(newcomer.group) + 1) return largest
  const slotsOf = tally(holders, ({ wider }) => wider)
  const widest = newestOfLargest(holders, ({ wider }) => slotsOf(wider))
  if (widest === undefined || slotsOf(widest.wider) <= holders.length / 2) return undefined
  return slotsOf(widest.wider) > slotsOf(newcomer.wider) + 1 ? widest : undefined
}

/** The share of all slots that goes to the first peers that come. */
const freeShare = 1 / 4

/** What happens to a newcomer while a slot is free. */
export type Fairness<T> = { readonly kind: 'refuse' } | { readonly kind: 'take'; readonly evicts: T | undefined }

/**
 * No group has more than a fifth of the untrusted peers: a newcomer of such a group is refused, one of another group takes the slot of its
 * newest.
 */
export function judgeShare<T extends Holder>(holders: readonly T[], newcomer: AddressShare): Fairness<T> {
  const sizeOf = tally(holders, ({ group }) => group)
  const share = shareAmong(holders.length + 1)
  if (sizeOf(newcomer.group) + 1 > share) return { kind: 'refuse' }
  const largest = newestOfLargest(holders, ({ group }) => sizeOf(group))
  return { kind: 'take', evicts: largest !== undefined && sizeOf(largest.group) > share ? largest : undefined }
}

/** Where fewer peers came in, of at most `slots`, no group has too many of them, and `judgeShare` need not be asked. */
export function sharedFrom(slots: number): number {
  return Math.max(minFree, Math.floor(slots * freeShare))
}

function newestOfLargest<T extends Holder>(holders: readonly T[], sizeOf: (holder: T) => number): T | undefined {
  return holders
    .filter(({ mayGo }) => mayGo)
    .toSorted((a, b) => sizeOf(b) - sizeOf(a) || Number(a.isUsed) - Number(b.isUsed) || b.startedAt - a.startedAt)[0]
}
