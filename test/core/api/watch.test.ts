import { expect, it } from 'vitest'
import { World } from '../../support/pools.ts'

it('watch: each line of the history of a point or peer is delivered as it is written, and not after the watch ended', async () => {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  const told: string[] = []
  const endPoint = a.pool.points.watch(b.network.point, ({ kind, other }) => told.push(`${kind} ${other}`))
  const endPeer = a.pool.peers.watch(b.pool.peerId, ({ kind, other }) => told.push(`${kind} ${other}`))
  a.pool.points.watch(a.network.point, () => told.push('another point'))
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.until(a.pool.disconnect(b.pool.peerId))
  await world.clock.advance(100)
  expect(told.toSorted()).toEqual([
    `connection-closed ${b.network.point}`,
    'connection-closed b',
    `connection-opened ${b.network.point}`,
    'connection-opened b'
  ])
  endPoint()
  endPeer()
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  expect(told).toHaveLength(4)
  expect(a.pool.points.info(b.network.point)?.events).toHaveLength(3)
})
