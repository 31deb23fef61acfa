/** What a long run found out, and whether it is as it should be. */

export interface Finding {
  /** What was measured. */
  readonly what: string
  readonly measured: string
  /** How it should be. */
  readonly target: string
  readonly holds: boolean
}

export interface LongRun {
  readonly name: string
  /** One sentence, with how long it takes. */
  readonly about: string
  run(options: LongRunOptions): Promise<readonly Finding[]>
}

export interface LongRunOptions {
  /** The part of the whole that is run, up to 1. Less than 1 is for trying the run itself. */
  readonly scale: number
  /** Instead of the run's own. */
  readonly minutes?: number | undefined
  readonly pages?: number | undefined
  /** Of what happens by chance. */
  readonly seed: number
  /** One line, with the time. */
  say(line: string): void
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
