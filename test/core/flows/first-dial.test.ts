/** The first dial waits for nothing that a page loads beside its start. The tests share one gate, which the last of them opens. */
import { describe, expect, it, vi } from 'vitest'
import { memoryStorage, nodePreset, PeerPool, type Point, type PoolOptions, resolveConfig } from '../../../src/core/index.ts'
import { MemoryHub, type MemoryNetwork } from '../../../src/testing/memory-network.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const late = vi.hoisted(() => Promise.withResolvers<void>())
vi.mock('../../../src/core/api/late.ts', async (original) => {
  await late.promise
  return original()
})

class Pools {
  readonly clock = new VirtualClock()
  readonly hub = new MemoryHub({ clock: this.clock, random: seededRandom(1) })

  make(name: string, trusted: readonly Point[] = []): { pool: PeerPool; network: MemoryNetwork } {
    const network = this.hub.node(name)
    const trustedPoints = trusted.map((point) => ({ point, expectedPeerId: undefined }))
    const options: PoolOptions = { network: 'test', trustedPoints, allowPrivatePoints: true }
    const config = resolveConfig(options, { preset: nodePreset, storage: memoryStorage() })
    const pool = new PeerPool(config, { network, clock: this.clock, random: seededRandom(2), log: { error: () => undefined } })
    network.gate = pool.gate
    return { pool, network }
  }
}

/** Turns of the event loop, for what is loaded; a virtual clock knows nothing of it. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a pool whose late part cannot be loaded', () => {
  it('does not start, says so, and blames nobody', async () => {
    const pools = new Pools()
    const b = pools.make('b')
    const a = pools.make('a', [b.network.point])
    const starting = a.pool.start()
    starting.catch(() => undefined)
    await pools.clock.advance(31_000)
    await expect(starting).rejects.toMatchObject({ code: 'not-started' })
    expect(a.pool.status).toBe('stopped')
    expect(a.pool.points.info(b.network.point)).toMatchObject({ state: { kind: 'disconnected' } })
  })
})

describe('the first dial', () => {
  it('begins before the part is loaded that does handshakes, and its connection runs once that part is there', async () => {
    const pools = new Pools()
    const b = pools.make('b')
    const a = pools.make('a', [b.network.point])
    const starting = Promise.all([a.pool.start(), b.pool.start()])
    await pools.clock.advance(1_000)
    await turns()
    expect(a.pool.status).toBe('starting')
    expect(a.pool.points.info(b.network.point)?.state.kind).toBe('requested')
    expect(pools.hub.links.size).toBe(2)
    late.resolve()
    await starting
    await turns()
    await pools.clock.advance(1_000)
    expect([a.pool.status, a.pool.activeConnections, b.pool.activeConnections]).toEqual(['running', 1, 1])
    await Promise.all([pools.clock.until(a.pool.stop()), pools.clock.until(b.pool.stop())])
  })
})
