/** The text for Prometheus: one collection a second, whoever asks. */
import { defaultLogger } from '@libp2p/logger'
import { afterEach, expect, it, vi } from 'vitest'
import { prometheusText } from '../../../node/command/prometheus-text.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function counting() {
  const text = prometheusText()
  const metrics = text.metrics({ logger: defaultLogger() })
  let collections = 0
  metrics.registerMetric('p2p_pool_collections', { calculate: () => ++collections })
  return { text, metrics }
}

it('is at most a second old, and is not collected more often', async () => {
  const { text } = counting()
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const asked = async () => /^p2p_pool_collections (\d+)$/m.exec(await text.read())?.[1]
  expect(await Promise.all([asked(), asked(), asked()])).toEqual(['1', '1', '1'])
  now = 999
  expect(await asked()).toBe('1')
  now = 1_000
  expect(await asked()).toBe('2')
})

it('has the usual figures of a process', async () => {
  const text = await prometheusText().read()
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  expect(figure('process_cpu_seconds_total')).toBeCloseTo((process.cpuUsage().user + process.cpuUsage().system) / 1e6, 0)
  expect(figure('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(Math.abs(figure('process_start_time_seconds') - (Date.now() / 1_000 - process.uptime()))).toBeLessThan(60)
  expect(figure('nodejs_eventloop_utilization')).toBeGreaterThanOrEqual(0)
  expect(figure('nodejs_eventloop_utilization')).toBeLessThanOrEqual(1)
})

it('is collected again after a collection that failed', async () => {
  const { text, metrics } = counting()
  let isBroken = true
  metrics.registerMetric('p2p_pool_broken', {
    calculate: () => {
      if (isBroken) throw new Error('broken')
      return 7
    }
  })
  await expect(text.read()).rejects.toThrow('broken')
  isBroken = false
  expect(await text.read()).toMatch(/^p2p_pool_broken 7$/m)
})
