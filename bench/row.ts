/** One row of the table of benchmarks, how it is judged, and how numbers are written. Filled by the row files, printed by `run.ts`. */

/** What one row file measured, ready for the table and for JSON. */
export interface Row {
  readonly work: string
  readonly against: string
  readonly bar: string
  readonly baseline: string
  readonly ours: string
  readonly result: string
  /** None: there is no bar. */
  readonly met: boolean | undefined
  /** How the cost changes with the size. */
  readonly growth: string
  /** What must be known to read the row; for a bar that is not met, the reason that a profile showed. */
  readonly note: string
}

/** Nanoseconds as a person reads them. */
export function duration(ns: number): string {
  if (ns < 1_000) return `${significant(ns)} ns`
  if (ns < 1_000_000) return `${significant(ns / 1_000)} µs`
  return ns < 1_000_000_000 ? `${significant(ns / 1_000_000)} ms` : `${significant(ns / 1_000_000_000)} s`
}

export function bytes(count: number): string {
  return count < 10_240 ? `${Math.round(count)} B` : `${significant(count / 1_024)} KiB`
}

export function times(ratio: number): string {
  return `${significant(ratio)}×`
}

/** 1e3 for a thousand; others as they are. */
export function power(size: number): string {
  const exponent = Math.log10(size)
  return Number.isInteger(exponent) ? `1e${exponent}` : String(size)
}

/** `[1000, '1×']` … as one cell. */
export function growthOf(steps: readonly (readonly [number, string])[]): string {
  return steps.map(([size, text]) => `${power(size)}: ${text}`).join(' · ')
}

export function significant(value: number): string {
  return value >= 100
    ? value.toFixed(0)
    : value
        .toPrecision(value >= 1 || value === 0 ? 3 : 2)
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '')
}

export function toMarkdown(rows: readonly Row[]): string {
  const head = ['work', 'against', 'bar', 'baseline', 'ours', 'result', 'met', 'growth', 'notes']
  const lines = rows.map(({ work, against, bar, baseline, ours, result, met, growth, note }) =>
    [work, against, bar, baseline, ours, result, met === undefined ? '–' : met ? 'yes' : '**no**', growth, note].map((cell) =>
      cell.replaceAll('|', '\\|')
    )
  )
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
