/** One row of the table of benchmarks: how it is made of the rounds, how it is judged, and how numbers are written. */

/** One figure beside its baseline. Made by the row files, printed by `run.ts`. */
export interface Row {
  readonly figure: string
  /** What the baseline does. */
  readonly against: string
  readonly baseline: string
  readonly ours: string
  readonly measured: string
  /** Where the middle half of the rounds lies. */
  readonly spread: string
  readonly bar: string
  /** None: there is no bar. */
  readonly met: boolean | undefined
}

/** What each round measured, in the same order: baseline and subject took turns. */
export interface Rounds {
  readonly baseline: readonly number[]
  readonly ours: readonly number[]
}

export interface Bar {
  /** The ratio of ours to the baseline must not be more, or with `isLeast` not less. None: the row has no bar. */
  readonly ratio?: number
  /** @default false */
  readonly isLeast?: boolean
  /** How the figures are written. */
  readonly show: (value: number) => string
}

/** The ratio of the medians; the spread is that of the ratios of single rounds. */
export function ratioRow({ figure, against }: Pick<Row, 'figure' | 'against'>, rounds: Rounds, { ratio, isLeast = false, show }: Bar): Row {
  const [baseline, ours] = [median(rounds.baseline), median(rounds.ours)]
  const measured = ours / baseline
  const single = rounds.ours.map((value, i) => value / (rounds.baseline[i] ?? Number.NaN))
  return {
    figure,
    against,
    baseline: show(baseline),
    ours: show(ours),
    measured: times(measured),
    spread: single.length < 2 ? '–' : `${significant(quantile(single, 0.25))} to ${significant(quantile(single, 0.75))}`,
    bar: ratio === undefined ? '–' : `${isLeast ? 'at least' : 'at most'} ${ratio}`,
    met: ratio === undefined ? undefined : isLeast ? measured >= ratio : measured <= ratio
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN]
  return low + (high - low) * (place % 1)
}

/** Milliseconds as a person reads them. */
export function duration(ms: number): string {
  if (ms < 1e-3) return `${significant(ms * 1e6)} ns`
  if (ms < 1) return `${significant(ms * 1_000)} µs`
  return ms < 1_000 ? `${significant(ms)} ms` : `${significant(ms / 1_000)} s`
}

export function bytes(count: number): string {
  return count < 10_240 ? `${Math.round(count)} B` : `${significant(count / 1_024)} KiB`
}

export function times(ratio: number): string {
  return `${significant(ratio)}×`
}

/** Three significant digits, without trailing zeros. */
export function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** `command`: how to measure the row again. */
export function toMarkdown(rows: readonly (Row & { readonly command: string })[]): string {
  const head = ['figure', 'beside', 'bar', 'measured', 'half of the rounds', 'met', 'beside it', 'ours', 'command']
  const lines = rows.map(({ figure, against, bar, measured, spread, met, baseline, ours, command }) =>
    [figure, against, bar, measured, spread, met === undefined ? '–' : met ? 'yes' : '**no**', baseline, ours, `\`${command}\``].map(
      (cell) => cell.replaceAll('|', '\\|')
    )
  )
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
