/**
 * How many connections there were, and the band they were held against: what the chart draws. It grows by one sample
 * with each change that counts, however long the page sleeps between two drawings.
 */
import type { PoolSnapshot } from '../../src/core/index.ts'

export type SeriesSource = Pick<PoolSnapshot, 'active' | 'band' | 'bounds'>

/** Columns of the same length, as a plot wants them: an instant and the values that hold from then on. */
export interface SeriesColumns {
  /** Seconds since 1970. */
  readonly at: number[]
  readonly active: number[]
  readonly min: number[]
  readonly max: number[]
  /** The targets: between these two the pool has what it wants. */
  readonly low: number[]
  readonly high: number[]
}

interface Sample {
  /** Wall clock, ms. */
  readonly at: number
  readonly active: number
  readonly min: number
  readonly max: number
  readonly low: number
  readonly high: number
}

/** The oldest go first: a change each second for over an hour. */
const maxSamples = 4_000

export class ConnectionSeries {
  #samples: Sample[] = []

  get startedAt(): number | undefined {
    return this.#samples[0]?.at
  }

  /** Does nothing if all is as before. A clock that was set back must not bend the line back. */
  add({ active, band, bounds }: SeriesSource, now: number): void {
    const last = this.#samples.at(-1)
    const at = Math.max(now, last?.at ?? 0)
    const sample = { at, active, min: band.min, max: band.max, low: bounds.minTarget, high: bounds.maxTarget }
    if (last !== undefined && isSame(last, sample)) return
    this.#samples.push(sample)
    if (this.#samples.length > maxSamples) this.#samples = this.#samples.slice(maxSamples / 4)
  }

  /** From `from` to `until`, ms: what held at the beginning, every change since, and what holds at the end. */
  columns(from: number, until: number): SeriesColumns {
    const first = Math.max(
      0,
      this.#samples.findLastIndex(({ at }) => at <= from)
    )
    const inside = this.#samples.slice(first).map((sample) => (sample.at < from ? { ...sample, at: from } : sample))
    const last = inside.at(-1)
    const all = last === undefined || last.at >= until ? inside : [...inside, { ...last, at: until }]
    const column = (key: Exclude<keyof Sample, 'at'>) => all.map((sample) => sample[key])
    return {
      at: all.map(({ at }) => at / 1_000),
      ...{ active: column('active'), min: column('min'), max: column('max'), low: column('low'), high: column('high') }
    }
  }
}

function isSame(a: Sample, b: Sample): boolean {
  return a.active === b.active && a.min === b.min && a.max === b.max && a.low === b.low && a.high === b.high
}
