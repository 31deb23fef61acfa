/**
 * How long a page stands still for its pool: 400 known points and peers, a full band, links that come and go, a message of
 * 100 points now and then, a view that takes a snapshot at each change, and saves to a real IndexedDB. A turn is measured from the
 * timer or the arrival that begins it until the browser comes to the next task, so whatever the pool does in microtasks
 * counts; so does what the machine does meanwhile to the page, which is why the slowest hundredth may be longer. It measures time, so
 * it is no part of `npm test`: `npm run turns`, on a quiet machine.
 */
import { afterEach, expect, it } from 'vitest'
import { memoryStorage, PeerPool, pagePreset, resolveConfig } from '../../src/core/index.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { Clock } from '../../src/core/values/ports.ts'
import { systemClock } from '../../src/libp2p/system.ts'
import { MemoryHub } from '../../src/testing/memory-network.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { indexedDbStorage } from '../../web/indexed-db.ts'

const known = 400
/** Connections kept. */
const held = 8
const maxTurnMs = 16
const forMs = 8_000
const stops: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

it('no turn of a pool with 400 known peers and churn is above 16 ms at the 99th percentile', async () => {
  const turns: number[] = []
  const { port1, port2 } = new MessageChannel()
  const begun: number[] = []
  port2.onmessage = () => turns.push(performance.now() - (begun.shift() ?? 0))
  const asTurn = (work: () => void): void => {
    begun.push(performance.now())
    port1.postMessage(undefined)
    work()
  }
  /** What pools do by themselves begins with a timer of this clock: their own, or the arrival of bytes. */
  const clock: Clock = {
    ...systemClock,
    schedule: (delayMs, fn) => systemClock.schedule(delayMs, () => asTurn(fn))
  }
  const random = seededRandom(5)
  const hub = new MemoryHub({ clock, random })
  const make = (name: string, min: number) => {
    const network = hub.node(name)
    const config = resolveConfig(
      {
        network: 'turns',
        allowPrivatePoints: true,
        minConnections: min,
        expectedConnections: Math.max(min, 5),
        maxConnections: 10
      },
      { preset: pagePreset, storage: min > 0 ? indexedDbStorage(`turns-${crypto.randomUUID()}`) : memoryStorage() }
    )
    const pool = new PeerPool(config, { network, clock, random: seededRandom(hub.nodes.size), log: { error: () => undefined } })
    network.gate = pool.gate
    stops.push(() => pool.stop())
    return { pool, network }
  }
  const others = Array.from({ length: 24 }, (_, i) => make(`other-${i}`, 0))
  for (const { pool } of others) await pool.start()
  const { pool } = make('page', 3)
  for (let i = 0; i < known; i++) {
    const real = others[i]?.network.point
    pool.registerPoint(real ?? (`/ip4/10.${1 + (i % 200)}.${i >> 4}.9/tcp/1` as Point))
    pool.registerPeer(`12D3KooW${i}` as PeerId)
  }
  await pool.start()
  let shown = 0
  let told = 0
  pool.addEventListener('change', () =>
    requestAnimationFrame(() =>
      asTurn(() => {
        shown += pool.snapshot().points.length
      })
    )
  )
  for (const { network } of others.slice(0, held)) await pool.connect(network.point)
  const churn = (round: number): void => {
    const next = others[(held + round / 4) % others.length]
    const [connection] = pool.connections.list()
    if (round % 4 === 0 && connection !== undefined && next !== undefined) {
      void pool.disconnect(connection.peerId)
      void pool.connect(next.network.point).catch(() => undefined)
    }
    if (round % 5 === 0) {
      const teller = others.find((other) => other.pool.connections.findByPeerId(pool.peerId) !== undefined)
      const points = Array.from({ length: 100 }, (_, i) => `/ip4/10.${i}.${round % 250}.7/tcp/2` as Point)
      if (teller?.pool.connections.findByPeerId(pool.peerId)?.sendExchange({ kind: 'advertise', points, ownPoints: [] })) told++
    }
    if (round % 20 === 0) void pool.savePeers()
    void pool.maintain()
  }
  const end = performance.now() + forMs
  for (let round = 0; performance.now() < end; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    asTurn(() => churn(round))
  }
  turns.sort((a, b) => a - b)
  const p99 = turns[Math.ceil(turns.length * 0.99) - 1] ?? Number.NaN
  console.info(
    `${turns.length} turns: median ${turns[turns.length >> 1]?.toFixed(2)} ms, 99th percentile ${p99.toFixed(2)} ms, longest ${turns.at(-1)?.toFixed(2)} ms`
  )
  expect(shown).toBeGreaterThan(known)
  expect(pool.snapshot().points.length).toBeGreaterThan(known / 2)
  expect(told).toBeGreaterThan(10)
  expect(turns.length).toBeGreaterThan(500)
  expect(p99).toBeLessThanOrEqual(maxTurnMs)
}, 60_000)
