/** What the stopwatches say. Pure. */
import type { BreakKind } from './break-run.ts'
import { formatCount } from './format.ts'
import type { Progress } from './stopwatch.ts'

/** To a tenth of a second: 0.3 s, 12.0 s. */
export function formatSeconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
}

export interface Outcome {
  readonly kind: BreakKind
  readonly progress: Progress
  readonly enough: number
  /** Else it is plain libp2p. */
  readonly isPool: boolean
}

/** What became of one of the two, in a few words. */
export function outcomeWords({ kind, progress, enough, isPool }: Outcome): string {
  const { working, fewest } = progress
  if (progress.kind === 'runs' && kind === 'liar') return isPool ? 'the liar is here' : 'still holds the liar'
  if (progress.kind === 'runs') return `${formatCount(working, 'connection')} ${working === 1 ? 'works' : 'work'}, ${enough} are enough`
  if (progress.kind === 'back') return `had fallen to ${fewest}, back with ${working}`
  if (kind === 'liar') return isPool ? 'threw the liar out; always in its band' : 'until the liar left by itself'
  if (kind === 'freeze') return 'no connection was lost'
  return `always enough: never fewer than ${fewest}`
}
