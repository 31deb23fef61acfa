/**
 * What Prometheus reads of a running peer: metrics of libp2p, the pool and the process, in a registry of this peer. The text is made anew
 * once a second at most, so that a program that asks often costs little. Used by `running-peer.ts`; shown at `/metrics` and by the verb `metrics`.
 *
 * `@libp2p/prometheus-metrics` keeps one list of metrics for a whole process, so a process has one peer with metrics.
 */
import type { ComponentLogger, Metrics } from '@libp2p/interface'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'

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
  let last: { readonly at: number; readonly text: Promise<string> } | undefined
  return {
    metrics: prometheusMetrics({ registry }),
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
