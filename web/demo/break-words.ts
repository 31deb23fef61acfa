/** What the stopwatches say. Pure. */
import type { BreakKind } from './break-run.ts'
import { formatCount } from './format.ts'
import type { ServerState } from './server-words.ts'
import type { Progress } from './stopwatch.ts'

/** To a tenth of a second: 0.3 s, 12.0 s. */
export function formatSeconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
}

/** Why nothing can be killed now; empty: it can. */
export function stoppedWords(servers: ServerState | undefined): string {
  if (servers === 'servers-stopped') return 'The servers are stopped. Start them first.'
  return servers === 'relay-stopped' ? 'The relay is stopped. Start the servers first.' : ''
}

export interface Outcome {
  readonly kind: BreakKind
  readonly progress: Progress
  readonly enough: number
  /** Else it is plain libp2p. */
  readonly isPool: boolean
}

/** What the server starts again. */
const killedWords = { relay: 'the relay', half: 'the Node peers' } as const

/** What the clock beside the words shows. A page that was frozen has nothing to recover from: how long that took is no time of recovery. */
export function timeWords({ kind, progress }: Pick<Outcome, 'kind' | 'progress'>, elapsedMs: number): string {
  if (kind === 'freeze' && progress.kind === 'held') return 'none lost'
  return formatSeconds(progress.kind === 'runs' ? elapsedMs : progress.tookMs)
}

/** What became of one of the two, in a few words. */
export function outcomeWords({ kind, progress, enough, isPool }: Outcome): string {
  const { working, fewest, before, lost } = progress
  const lostWords = `lost ${lost === 0 ? 'none' : lost} of ${before}`
  const isKill = kind === 'relay' || kind === 'half'
  if (progress.kind === 'runs' && kind === 'liar') return isPool ? 'the liar is here' : 'still holds the liar'
  if (progress.kind === 'runs' && isKill && fewest >= enough && before > 0)
    return `${lostWords}, ${enough} are enough; waits for ${killedWords[kind]}`
  if (progress.kind === 'runs') return `${formatCount(working, 'connection')} ${working === 1 ? 'works' : 'work'}, ${enough} are enough`
  if (progress.kind === 'back') return `${lost === 0 ? '' : `${lostWords}; `}had fallen to ${fewest}, back with ${working}`
  if (kind === 'liar') return isPool ? 'threw the liar out; always in its band' : 'until the liar left by itself'
  if (kind === 'freeze') return `the freeze took ${formatSeconds(progress.tookMs)}; no connection was lost`
  const after = isKill ? `; ${killedWords[kind]} ${kind === 'relay' ? 'was' : 'were'} back after ${formatSeconds(progress.tookMs)}` : ''
  return `${lostWords}; never below the minimum of ${enough}${after}`
}
