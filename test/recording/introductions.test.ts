/** A pool that is recorded takes part in introductions in all three roles, and its recording replays. */
import { expect, it } from 'vitest'
import type { PeerPool } from '../../src/core/peer-pool.ts'
import type { PeerId } from '../../src/core/values/ids.ts'
import type { PoolOptions } from '../../src/core/values/settings.ts'
import { MemoryWorld } from '../../src/testing/index.ts'
import { recorded, replayed, saved, started } from './recorded-world.ts'

const band = { minConnections: 0, expectedConnections: 0, maxConnections: 10 }
const options: PoolOptions = { network: 'test', introductions: true, minByKind: null, timeBetweenSearchesMs: 2_000, ...band }

it.each(['middle', 'asking', 'asked'] as const)('a recording of a peer that is the %s one in an introduction replays', async (role) => {
  const world = new MemoryWorld({ seed: 5 })
  const life = recorded(world, { ...options, page: role !== 'middle' })
  await started(life)
  const { pool: other } = await world.start('other', { ...options, page: true })
  const { pool: third, network } = await world.start('third', { ...options, page: role === 'middle' })
  const middle = role === 'middle' ? life.pool : third
  const asking: PeerPool = role === 'asking' ? life.pool : other
  const asked: PeerPool = role === 'asked' ? life.pool : role === 'asking' ? other : third
  const point = role === 'middle' ? world.hub.nodeOf('recorded' as PeerId)?.point : network.point
  if (point === undefined) throw new Error('expected the recorded node')
  for (const pool of [asking, asked]) await world.clock.until(pool.connect(point))
  await world.clock.advance(1_000)
  asking.setBand({ min: 2, expected: 2, max: 10 })
  await world.clock.advance(30_000)
  const met = asking.snapshot().connections.find(({ peerId }) => peerId === asked.peerId)
  expect(met?.introducer).toBe(middle.peerId)
  const lines = await saved(life)
  await world.stop()
  const { divergence, hash, recordedHash, turns } = await replayed(lines)
  expect({ divergence, hash, turns }).toEqual({ divergence: undefined, hash: recordedHash, turns: lines.length - 1 })
  expect(lines.some((line) => line.includes('introductions.introduce'))).toBe(role !== 'asking')
})
