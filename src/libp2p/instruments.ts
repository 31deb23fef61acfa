/**
 * The pool's metrics as libp2p's `Metrics` interface takes them. Values that are in no list count as `other`. What an implementation throws
 * is logged once for each metric, which is then left alone: it costs figures and nothing else. Made by `pool-metrics.ts`.
 */
import type { Metrics } from '@libp2p/interface'
import type { Log } from '../core/values/ports.ts'
import { type MetricDefinition, type MetricName, type MetricOf, metricTable, otherValue } from './metric-table.ts'

/** A gauge's figures by label value; a gauge without a label has one number. */
export type Figures = number | Readonly<Record<string, number>>

export class Instruments {
  readonly #metrics: Metrics
  readonly #log: Log
  /** By metric; none where it could not be made or threw. */
  readonly #feeds = new Map<MetricName, (amount: number, value: string) => void>()

  /** Metrics whose failure was logged. */
  readonly #failed = new Set<MetricName>()

  constructor(metrics: Metrics, log: Log) {
    this.#metrics = metrics
    this.#log = log
    for (const name of Object.keys(metricTable) as MetricName[]) {
      const { type } = metricTable[name]
      if (type !== 'gauge')
        this.#attempt(name, () => this.#feeds.set(name, type === 'counter' ? this.#counter(name) : this.#histogram(name)))
    }
  }

  /** `read` is called at each collection. `undefined`: nothing is known; then, or if it throws, the figures are 0. */
  gauge(name: MetricOf<'gauge'>, read: () => Figures | undefined): void {
    const { label, help }: MetricDefinition = metricTable[name]
    const calculate = (): Figures => {
      let figures: Figures | undefined
      this.#attempt(name, () => {
        figures = read()
      })
      return figures ?? (label === undefined ? 0 : tally(name, []))
    }
    this.#attempt(name, () => {
      if (label === undefined) this.#metrics.registerMetric(name, { help, calculate: calculate as () => number })
      else this.#metrics.registerMetricGroup(name, { help, label: label[0], calculate: calculate as () => Record<string, number> })
    })
  }

  /** Adds to a counter. `value` is that of its label. */
  count(name: MetricOf<'counter'>, value = '', by = 1): void {
    this.#feed(name, by, value)
  }

  /** Adds a time in ms to a histogram, which has seconds. `value` is that of its label. */
  observe(name: MetricOf<'histogram'>, ms: number, value = ''): void {
    this.#feed(name, ms / 1_000, value)
  }

  #feed(name: MetricName, amount: number, value: string): void {
    const feed = this.#feeds.get(name)
    if (feed !== undefined) this.#attempt(name, () => feed(amount, value))
  }

  #attempt(name: MetricName, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#feeds.delete(name)
      if (this.#failed.has(name)) return
      this.#failed.add(name)
      this.#log.error(`the metric ${name} failed; this is said once`, error)
    }
  }

  /** Every value begins with 0, so that the first event of a kind is a rise and no new series. */
  #counter(name: MetricName): (amount: number, value: string) => void {
    const { label, help }: MetricDefinition = metricTable[name]
    if (label === undefined) {
      const counter = this.#metrics.registerCounter(name, { help })
      counter.increment(0)
      return (by) => counter.increment(by)
    }
    const [title, values] = label
    const group = this.#metrics.registerCounterGroup(name, { help, label: title })
    group.increment(Object.fromEntries(values.map((value) => [value, 0])))
    return (by, value) => group.increment({ [listed(values, value)]: by })
  }

  #histogram(name: MetricName): (amount: number, value: string) => void {
    const { label, help, buckets = [] }: MetricDefinition = metricTable[name]
    const options = { help, buckets: [...buckets] }
    if (label === undefined) {
      const histogram = this.#metrics.registerHistogram(name, options)
      return (seconds) => histogram.observe(seconds)
    }
    const [title, values] = label
    const group = this.#metrics.registerHistogramGroup(name, { ...options, label: title })
    return (seconds, value) => group.observe({ [listed(values, value)]: seconds })
  }
}

function listed(values: readonly string[], value: string): string {
  return values.includes(value) ? value : otherValue
}

/** How many items have each value of the metric's label; 0 where none has. */
export function tally(name: MetricOf<'gauge'>, found: Iterable<string>): Readonly<Record<string, number>> {
  const { label }: MetricDefinition = metricTable[name]
  const values = label?.[1] ?? []
  const counts: Record<string, number> = Object.fromEntries(values.map((value) => [value, 0]))
  for (const one of found) {
    const value = listed(values, one)
    counts[value] = (counts[value] ?? 0) + 1
  }
  return counts
}
