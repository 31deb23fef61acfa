import { expect, test } from 'vitest'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { band, meshBounds, runRoom } from './gossip-room.ts'

test('a Gossipsub room on pool connections loses no message while nodes come and go, and its mesh stays', { timeout: 60_000 }, async () => {
  const seed = 7
  const room = await runRoom({ nodes: 9, forMs: 5_000, churnMs: 2_000, sayMs: 100, random: seededRandom(seed) })
  const about = `seed ${seed}: ${JSON.stringify({ ...room, latencyMs: room.latencyMs.length, meshes: room.meshes.length })}`
  expect(room.said, about).toBeGreaterThan(20)
  expect(room.missed, about).toBe(0)
  expect(room.meshes.filter((size) => size < meshBounds.low).length / room.meshes.length, about).toBeLessThan(0.2)
  expect(room.mostConnections, about).toBeLessThanOrEqual(band.maxConnections)
})
