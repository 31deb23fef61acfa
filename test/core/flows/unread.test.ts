import { expect, it } from 'vitest'
import { World } from '../../support/pools.ts'

it('a peer that leaves while its messages wait unread frees its place in five seconds, and what was taken in can still be read', async () => {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  const connection = await world.clock.until(b.pool.connect(a.network.point))
  await world.clock.advance(100)
  const [theirs] = a.pool.connections.list()
  for (let i = 0; i < 12; i++) await connection.send(Uint8Array.of(i))
  await world.clock.advance(100)
  b.network.crash()
  await world.clock.advance(4_000)
  expect(a.pool.activeConnections).toBe(1)
  await world.clock.advance(2_000)
  expect(a.pool.activeConnections).toBe(0)
  const read: number[] = []
  for await (const message of theirs?.messages ?? []) read.push(message[0] ?? -1)
  expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  await world.stop()
  await world.clock.advance(1_000)
  expect(world.clock.pending).toBe(0)
})
