/** The pool's metrics through libp2p's interface, with the implementations that people use. */

import type { Metrics } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { openTelemetryMetrics } from '@libp2p/opentelemetry-metrics'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { simpleMetrics } from '@libp2p/simple-metrics'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { PeerId } from '../../src/core/index.ts'
import { type MetricDefinition, type MetricName, metricTable } from '../../src/libp2p/metric-table.ts'
import { type MeasuredPool, measurePool } from '../../src/libp2p/pool-metrics.ts'
import { systemClock } from '../../src/libp2p/system.ts'
import { type PoolNode, plainNode, pointOf, poolNode } from './plain-nodes.ts'

/** On a busy machine. */
const patience = { timeout: 10_000 }

type MetricsFactory = (components: never) => Metrics

const running: { stop(): unknown }[] = []

afterEach(async () => {
  for (const node of running.splice(0)) await node.stop()
})

async function start(init: Parameters<typeof poolNode>[0] = {}, metrics?: MetricsFactory): Promise<PoolNode> {
  const node = await poolNode(init, metrics === undefined ? {} : { metrics: metrics as never })
  running.push(node)
  return node
}

/** A node whose metrics go to a registry of its own. */
async function scraped(init: Parameters<typeof poolNode>[0] = {}) {
  const registry = new Registry()
  const node = await start(
    init,
    prometheusMetrics({ registry, collectDefaultMetrics: false, preserveExistingMetrics: false }) as MetricsFactory
  )
  return { node, pool: node.services.pool, registry, scrape: async () => seriesOf(await registry.metrics()) }
}

/** The figures of a Prometheus text by series. */
function seriesOf(text: string): Readonly<Record<string, number>> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

/** Of each series of the pool: its metric, and the value of its own label. */
function labelsOf(
  series: Readonly<Record<string, number>>
): { readonly name: string; readonly label: string | undefined; readonly value: string | undefined }[] {
  return Object.keys(series)
    .filter((key) => key.startsWith('p2p_pool_'))
    .map((key) => {
      const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})?$/.exec(key) ?? []
      const [, label, value] = /(?:^|,)(?!le=)(\w+)="([^"]*)"/.exec(labels) ?? []
      return { name, label, value }
    })
}

function expectBounded(series: Readonly<Record<string, number>>): void {
  for (const { name, label, value } of labelsOf(series)) {
    const definition: MetricDefinition | undefined = metricTable[name as MetricName]
    expect(definition, name).toBeDefined()
    expect(label, name).toBe(definition?.label?.[0])
    if (value !== undefined) expect([...(definition?.label?.[1] ?? []), 'other'], `${name}: ${value}`).toContain(value)
  }
}

describe('with @libp2p/prometheus-metrics', () => {
  it('a scrape has the figures of a connection, a message, a refused handshake and a ban', async () => {
    const { node, pool, scrape } = await scraped()
    const friend = await start()
    const connection = await pool.connect(pointOf(friend))
    await connection.send(new Uint8Array(1_000))
    await expect.poll(scrape, patience).toMatchObject({
      'p2p_pool_connections{direction="outgoing"}': 1,
      'p2p_pool_connections{direction="incoming"}': 0,
      'p2p_pool_connections_by_transport{transport="tcp"}': 1,
      'p2p_pool_connections_by_transport{transport="webrtc"}': 0,
      'p2p_pool_connections_by_kind{kind="pool"}': 1,
      'p2p_pool_band{bound="max"}': 10,
      'p2p_pool_points{state="running"}': 1,
      'p2p_pool_peers{state="running"}': 1,
      'p2p_pool_dials_total{outcome="opened"}': 1,
      'p2p_pool_dials_total{outcome="dial-refused"}': 0,
      'p2p_pool_dial_seconds_count{outcome="accepted"}': 1,
      'p2p_pool_messages_total{direction="sent"}': 1
    })
    const figures = await scrape()
    expect(figures['p2p_pool_bytes_total{direction="sent"}']).toBeGreaterThan(1_000)
    // Of the handshake; liveness checks may have added more.
    expect(figures.p2p_pool_round_trip_seconds_count).toBeGreaterThanOrEqual(1)

    const stranger = await start({ network: 'another' })
    await expect(stranger.services.pool.connect(pointOf(node))).rejects.toThrow()
    await expect.poll(scrape, patience).toMatchObject({ 'p2p_pool_handshakes_total{outcome="unknown-network"}': 1 })

    await pool.peers.ban(friend.services.pool.peerId)
    await pool.points.banRange('192.0.2.0/24')
    await expect.poll(scrape, patience).toMatchObject({
      'p2p_pool_connections{direction="outgoing"}': 0,
      'p2p_pool_blocked{kind="banned-peer"}': 1,
      'p2p_pool_blocked{kind="banned-range"}': 1,
      'p2p_pool_endings_total{reason="peer-banned"}': 1,
      'p2p_pool_endings_by_total{by="us"}': 1,
      p2p_pool_connection_age_seconds_count: 1,
      'p2p_pool_messages_total{direction="sent"}': 1
    })
    expectBounded(await scrape())
  })

  it('two scrapes with nothing in between are the same', async () => {
    const { pool, scrape } = await scraped()
    await (await pool.connect(pointOf(await start()))).send(new Uint8Array(10))
    await expect.poll(scrape, patience).toMatchObject({ 'p2p_pool_messages_total{direction="sent"}': 1 })
    const [first, second] = [await scrape(), await scrape()]
    // What a liveness check or the clock moves.
    const moving = /below_minimum|bytes|round_trip/
    for (const [key, figure] of Object.entries(first))
      if (key.startsWith('p2p_pool_') && !moving.test(key)) expect(second[key], key).toBe(figure)
  })

  it('time below the minimum is a gauge while it lasts, and in the histogram once it is over', async () => {
    const { pool, scrape } = await scraped({ minConnections: 1, expectedConnections: 1, maxConnections: 5 })
    await expect.poll(async () => (await scrape()).p2p_pool_below_minimum_seconds, patience).toBeGreaterThan(0)
    expect((await scrape()).p2p_pool_time_below_minimum_seconds_count).toBe(0)
    await pool.connect(pointOf(await start()))
    await expect.poll(scrape, patience).toMatchObject({ p2p_pool_below_minimum_seconds: 0, p2p_pool_time_below_minimum_seconds_count: 1 })
  })

  it('what peers say of themselves makes no series', async () => {
    const { node, pool, scrape } = await scraped({ requiredProtocols: ['/x/1.0.0'] })
    const before = Object.keys(await scrape()).filter((key) => key.startsWith('p2p_pool_'))
    for (let i = 0; i < 3; i++) {
      const plain = await plainNode({ nodeInfo: { userAgent: `agent-${i}`, name: `name-${i}`, version: `${i}` } })
      running.push(plain)
      await plain.handle([`/x/1.0.0`, `/evil-${i}/1.0.0`], () => undefined)
      await plain.dial(node.getMultiaddrs())
      const other = await start({ network: `network-${i}` })
      await expect(other.services.pool.connect(pointOf(node))).rejects.toThrow()
      const friend = await start()
      const connection = await friend.services.pool.connect(pointOf(node))
      await connection.disconnect(`farewell ${i}`)
      await pool.peers.report(friend.services.pool.peerId, { kind: 'useless', reason: `reason-${i}` })
    }
    await expect.poll(scrape, patience).toMatchObject({
      'p2p_pool_connections_by_kind{kind="plain"}': 3,
      'p2p_pool_handshakes_total{outcome="unknown-network"}': 3,
      'p2p_pool_endings_total{reason="explicit"}': 3,
      'p2p_pool_reports_total{kind="useless"}': 3
    })
    const after = await scrape()
    expectBounded(after)
    // A histogram with a label has no series before its first figure.
    const fresh = Object.keys(after).filter((key) => key.startsWith('p2p_pool_') && !before.includes(key))
    expect(fresh).toEqual([])
    expect(Object.keys(after).length).toBeLessThan(400)
  })
})

it('a value that is in no list counts as other: a port of the user may make up anything', async () => {
  const registry = new Registry()
  const metrics = (prometheusMetrics({ registry, collectDefaultMetrics: false }) as MetricsFactory)({ logger: defaultLogger() } as never)
  const listeners: ((event: never) => void)[] = []
  const nobody = { connections: { list: () => [] }, status: 'running', activeConnections: 0, band: { min: 0, expected: 0, max: 0 } }
  const snapshot = () => ({
    connections: [{ direction: 'sideways', transport: 'pigeon', kind: 'odd' }],
    ...{ points: [{ state: 'lost' }], peers: [], blocks: [{ kind: 'cursed', host: null }] },
    ...{ ownPoints: [], outgoingAttempts: 0, incomingHandshakes: 0, band: nobody.band, storage: { mode: 'stone' } }
  })
  const addEventListener = (_: string, listener: (event: never) => void) => void listeners.push(listener)
  measurePool({ ...nobody, snapshot, addEventListener } as unknown as MeasuredPool, {
    ...{ metrics, clock: systemClock },
    log: { error: (message) => expect.fail(message) }
  })
  for (let i = 0; i < 50; i++) {
    const detail = {
      ...{ attempt: i, direction: 'outgoing', rejection: { kind: 'dial-failed', failure: `evil-${i}` } },
      ...{ failure: `evil-${i}`, kind: `evil-${i}`, points: 1, taken: 1, removed: 1, tookMs: 1 },
      ending: { by: `evil-${i}`, reason: { kind: `evil-${i}` } }
    }
    for (const listener of listeners) listener({ detail } as never)
  }
  const series = seriesOf(await registry.metrics())
  expectBounded(series)
  expect(series).toMatchObject({
    'p2p_pool_dials_total{outcome="other"}': 100,
    'p2p_pool_endings_total{reason="other"}': 100,
    'p2p_pool_storage_failures_total{failure="other"}': 50,
    'p2p_pool_connections_by_transport{transport="other"}': 1
  })
})

it('@libp2p/simple-metrics gives the same figures', async () => {
  let figures: Record<string, unknown> = {}
  const factory = simpleMetrics({ intervalMs: 20, onMetrics: (all) => (figures = all) })
  // Its 1.3.16 wraps the streams of libp2p 2, which those of libp2p 3 do not survive.
  const untracked = { trackMultiaddrConnection: () => undefined, trackProtocolStream: () => undefined }
  const node = await start({}, (components) => Object.assign(factory(components) as unknown as Metrics, untracked))
  const friend = await start()
  await (await node.services.pool.connect(pointOf(friend))).send(new Uint8Array(10))
  await expect
    .poll(() => figures)
    .toMatchObject({
      p2p_pool_connections: { outgoing: 1, incoming: 0 },
      p2p_pool_dials_total: { opened: 1, timeout: 0 },
      p2p_pool_messages_total: { sent: 1, received: 0 },
      p2p_pool_round_trip_seconds: { count: expect.any(Number) }
    })
  await node.services.pool.peers.ban(friend.services.pool.peerId)
  await expect
    .poll(() => figures, patience)
    .toMatchObject({ p2p_pool_blocked: { 'banned-peer': 1 }, p2p_pool_endings_total: { 'peer-banned': 1 } })
})

it('@libp2p/opentelemetry-metrics takes all that the pool registers', async () => {
  const node = await start({}, openTelemetryMetrics() as MetricsFactory)
  const connection = await node.services.pool.connect(pointOf(await start()))
  await connection.send(new Uint8Array(10))
  expect(node.services.pool.activeConnections).toBe(1)
})

describe('an implementation that is broken costs figures alone', () => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const broken: Readonly<Record<string, (metrics: Metrics) => void>> = {
    'one that refuses every metric': (metrics) => {
      const names = ['Metric', 'MetricGroup', 'Counter', 'CounterGroup', 'Histogram', 'HistogramGroup']
      for (const name of names) fail(metrics, `register${name}`, boom)
    },
    'one that lacks methods': (metrics) => {
      for (const name of ['registerMetricGroup', 'registerHistogram']) fail(metrics, name, undefined)
    },
    'one whose instruments throw': (metrics) => {
      for (const name of ['registerCounter', 'registerCounterGroup']) fail(metrics, name, () => ({ increment: boom }))
      for (const name of ['registerHistogram', 'registerHistogramGroup']) fail(metrics, name, () => ({ observe: boom }))
    },
    'one whose instruments throw later': (metrics) => {
      let calls = 0
      const increment = () => (++calls > 20 ? boom() : undefined)
      for (const name of ['registerCounter', 'registerCounterGroup']) fail(metrics, name, () => ({ increment }))
    },
    'one that makes nothing': (metrics) => {
      for (const name of ['registerCounter', 'registerCounterGroup', 'registerHistogram', 'registerHistogramGroup'])
        fail(metrics, name, () => undefined)
    }
  }
  /** For the pool's metrics alone: libp2p does not guard its own. */
  function fail(metrics: Metrics, method: string, instead: (() => unknown) | undefined): void {
    const original = Reflect.get(metrics, method) as (name: string, options: object) => unknown
    Reflect.set(metrics, method, (name: string, options: object) => {
      if (!name.startsWith('p2p_pool_')) return original.call(metrics, name, options)
      if (instead === undefined) throw new TypeError(`metrics.${method} is not a function`)
      return instead()
    })
  }
  for (const [name, breakIt] of Object.entries(broken)) {
    it(name, async () => {
      const factory = prometheusMetrics({ registry: new Registry(), collectDefaultMetrics: false }) as MetricsFactory
      const node = await start({}, (components) => {
        const metrics = factory(components)
        breakIt(metrics)
        return metrics
      })
      const friend = await start()
      const got = new Promise<PeerId>((resolve) =>
        friend.services.pool.addEventListener('connection-opened', ({ detail }) => resolve(detail.peerId))
      )
      const connection = await node.services.pool.connect(pointOf(friend))
      expect(await got).toBe(node.services.pool.peerId)
      await connection.send(new Uint8Array(10))
      await expect.poll(() => friend.services.pool.connections.list()[0]?.stat.messagesReceived, patience).toBe(1)
      await node.services.pool.disconnect(friend.services.pool.peerId)
      expect(node.services.pool.activeConnections).toBe(0)
    })
  }
})
