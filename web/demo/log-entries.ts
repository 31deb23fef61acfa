/** The entries of the log: the newest first, a repeated one folded into one line with its count. Pure. */
import type { Sentence } from './sentences.ts'

/** Per list; the oldest goes first. */
export const maxEntries = 200
/** What happened again within the last few lines is the same line once more. */
const foldWithin = 12

export interface Entry {
  readonly id: number
  readonly name: string
  /** When it happened last; wall clock, ms. */
  readonly at: number
  readonly firstAt: number
  readonly count: number
  readonly sentence: Sentence
  /** What is the same when it happens again. */
  readonly fold: string
  /** Lower case, full ids: what the filter looks in. */
  readonly text: string
}

export type Happening = Pick<Entry, 'name' | 'at' | 'sentence' | 'fold' | 'text'>

/** `id`: of a new line. */
export function withEntry(entries: readonly Entry[], happening: Happening, id: number): readonly Entry[] {
  const before = entries.slice(0, foldWithin).find(({ fold }) => fold === happening.fold)
  if (before === undefined) return [{ ...happening, id, firstAt: happening.at, count: 1 }, ...entries.slice(0, maxEntries - 1)]
  return [{ ...before, ...happening, count: before.count + 1 }, ...entries.filter((entry) => entry !== before)]
}
