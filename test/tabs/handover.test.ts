import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PeerId, PeerPool, Point, PoolSnapshot } from '../../src/core/index.ts'
import { hostOfIp } from '../../src/core/values/address.ts'
import type { Host } from '../../src/core/values/ids.ts'
import { inherit } from '../../web/handover.ts'
import { World } from '../support/pools.ts'

const at = (n: number): Point => `/ip4/203.0.113.${n}/tcp/4001` as Point
const minute = 60_000

/** What a pool without a storage showed last. */
async function lastOf(arrange: (pool: PeerPool, world: World) => Promise<unknown> | undefined): Promise<PoolSnapshot> {
  const world = new World()
  const { pool } = await world.start('a')
  await arrange(pool, world)
  const shown = pool.snapshot()
  return { ...shown, storage: { ...shown.storage, mode: 'memory' } }
}

describe('the next owner of a pool without a storage', () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  beforeEach(() => process.on('unhandledRejection', note))
  afterEach(() => process.off('unhandledRejection', note))

  it('takes over the bans that go on, and leaves out one that has ended', async () => {
    const last = await lastOf(async (pool, world) => {
      const [soon, late] = [world.clock.date() + minute, world.clock.date() + 10 * minute]
      await pool.peers.ban('soon' as PeerId, { endsAt: soon })
      await pool.points.banHost(hostOfIp('192.0.2.1') as Host, { endsAt: soon })
      await pool.points.banRange('198.51.100.0/24', { endsAt: soon })
      await pool.peers.ban('late' as PeerId, { endsAt: late })
      await pool.points.banRange('203.0.113.0/24')
      await pool.peers.ban('for good' as PeerId)
    })
    const world = new World(2)
    await world.clock.advance(5 * minute)
    const { pool } = await world.start('b')
    inherit(pool, last)
    await world.clock.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
    expect(pool.snapshot().blocks.map(({ peerId, host }) => peerId ?? host)).toEqual(['late', 'for good', '203.0.113.0/24'])
  })

  it('takes over trust and expected ids, but for points of its config, and the points where a peer was connected', async () => {
    const last = await lastOf(async (pool) => {
      pool.peers.trust('friend' as PeerId)
      pool.registerPoint(at(1), { trusted: true, expectedPeerId: 'one' as PeerId })
      pool.registerPoint(at(2), { trusted: true, expectedPeerId: 'two' as PeerId })
      pool.registerPoint(at(3), { expectedPeerId: 'three' as PeerId })
      pool.registerPoint(at(4))
    })
    const world = new World(2)
    const { pool } = await world.start('b', { trustedPoints: [{ point: at(2), expectedPeerId: undefined }] })
    inherit(pool, last)
    await world.clock.advance(1)
    expect(pool.peers.isTrusted('friend' as PeerId)).toBe(true)
    const seen = [...pool.points.known()].map(([point, { trusted, expectedPeerId }]) => [point, trusted, expectedPeerId])
    expect(seen.sort()).toEqual([
      [at(1), true, 'one'],
      [at(2), true, undefined],
      [at(3), false, 'three']
    ])
  })

  it('takes what fits when its tables are full', async () => {
    const last = await lastOf((pool) => {
      for (let i = 0; i < 30; i++) pool.registerPoint(at(i), { expectedPeerId: `peer${i}` as PeerId })
      return undefined
    })
    const world = new World(2)
    const { pool } = await world.start('b', { maxKnownPoints: { max: 10, target: 10 } })
    inherit(pool, last)
    await world.clock.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
    expect([...pool.points.known()].length).toBeLessThanOrEqual(10)
  })
})
