/**
 * What Prometheus reads of a running peer: metrics of libp2p, the pool and the process, in a registry of this peer. The text is made anew
 * once a second at most, so that a program that asks often costs little. Used by `running-peer.ts`; shown at `/metrics` and by the verb `metrics`.
 *
 * `@libp2p/prometheus-metrics` keeps one list of metrics for a whole process, so a process has one peer with metrics.
 */
import { performance } from 'node:perf_hooks'
import type { ComponentLogger, Metrics } from '@libp2p/interface'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Counter, Gauge, Registry } from 'prom-client'

/** Prometheus asks every 15 s or so; ms. */
const maxAgeMs = 1_000

export interface PrometheusText {
  /** For libp2p's option `metrics`. */
  readonly metrics: (components: { logger: ComponentLogger }) => Metrics
  /** The HTTP header. */
  readonly contentType: string
  /** The text, at most a second old. Rejects if a metric cannot be collected. */
  read(): Promise<string>
}

export function prometheusText(): PrometheusText {
  const registry = new Registry()
  measureProcess(registry)
  let last: { readonly at: number; readonly text: Promise<string> } | undefined
  return {
    metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
    contentType: registry.contentType,
    read() {
      const now = performance.now()
      if (last === undefined || now - last.at >= maxAgeMs) {
        last = { at: now, text: registry.metrics() }
        last.text.catch(() => {
          last = undefined
        })
      }
      return last.text
    }
  }
}

/**
 * The figures that people watch of any process, by their usual names. Those of prom-client itself look at the event loop a hundred times a
 * second, which costs more than an idle peer.
 */
function measureProcess(registry: Registry): void {
  const processorTime = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process.',
    registers: [],
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    }
  })
  const memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers: [],
    collect() {
      this.set(process.memoryUsage.rss())
    }
  })
  let before = performance.eventLoopUtilization()
  const busy = new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'The share of time that the event loop was busy since the last collection, 0 to 1.',
    registers: [],
    collect() {
      const now = performance.eventLoopUtilization()
      this.set(performance.eventLoopUtilization(now, before).utilization)
      before = now
    }
  })
  const startedAt = new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, seconds since 1970.',
    registers: []
  })
  startedAt.set(Math.round(performance.timeOrigin / 1_000))
  for (const metric of [processorTime, memory, busy, startedAt]) registry.registerMetric(metric)
}
