import { expect, it } from 'vitest'
import { World } from '../../support/pools.ts'

it('a score that throws is logged, and connections come and go as ever', async () => {
  const world = new World()
  const score = (): number => {
    throw new Error('no score today')
  }
  const a = await world.start('a', { peerMetadata: { initial: () => null, toJson: () => null, fromJson: () => null, score } })
  const b = await world.start('b')
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  await world.clock.until(b.pool.disconnect(a.pool.peerId))
  await world.clock.advance(100)
  expect([a.pool.activeConnections, a.pool.peers.info(b.pool.peerId)?.state.kind, a.pool.points.info(b.network.point)?.state.kind]).toEqual(
    [0, 'disconnected', 'disconnected']
  )
  a.pool.peers.getScore(b.pool.peerId)
  expect(a.complaints[0]).toContain('no score today')
})
