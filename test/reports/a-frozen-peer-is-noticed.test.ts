import { expect, it } from 'vitest'
import { record, World } from '../support/pools.ts'

/** Two peers, one of which stands still from now on: its sockets stay open, and nothing answers. */
async function frozen() {
  const world = new World(1)
  const one = await world.start('one', { minConnections: 1, expectedConnections: 1, maxConnections: 3 })
  const other = await world.start('other')
  one.pool.registerPoint(other.network.point)
  await world.clock.advance(90_000)
  expect(one.pool.activeConnections).toBe(1)
  const losses = record(one.pool, 'connection-lost')
  world.hub.reaches = () => false
  return { world, one, other, losses, connection: one.pool.connections.findByPeerId(other.pool.peerId) }
}

it('one that stands still for ten seconds keeps its connection', async () => {
  const { world, one, losses, connection } = await frozen()
  await world.clock.advance(10_000)
  world.hub.reaches = () => true
  await world.clock.advance(60_000)
  expect(losses).toEqual([])
  expect(connection?.ending).toBeUndefined()
  expect(one.pool.activeConnections).toBe(1)
})

it.each([70_000, 600_000])('one that stands still for %i ms is noticed within 50 s, and connected again, once', async (stillMs) => {
  const { world, one, other, losses } = await frozen()
  await world.clock.advance(50_000)
  expect(losses.map(({ detail }) => detail.ending.reason.kind)).toEqual(['lost'])
  expect(one.pool.activeConnections).toBe(0)
  await world.clock.advance(stillMs - 50_000)
  world.hub.reaches = () => true
  await world.clock.advance(35_000)
  for (const { pool } of [one, other]) expect(pool.activeConnections).toBe(1)
})
