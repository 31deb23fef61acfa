import { afterEach, expect, test } from 'vitest'
import { record } from '../../support/pools.ts'
import { pointOf, portOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

test('our own address that an unknown peer gives as its own is dialed once; the peer is not blamed, and stays', async () => {
  const me = await startPeer({ listen: ['/ip4/0.0.0.0/tcp/0'], minConnections: 2, expectedConnections: 3, maxConnections: 6 })
  const { point } = me.pool.parsePoint(`/ip4/127.0.0.2/tcp/${portOf(me)}`)
  const dials = record(me.pool, 'dial-started')
  const stranger = await startPeer({ announce: [point] })
  await stranger.pool.connect(pointOf(me))
  await expect.poll(() => dials.map(({ detail }) => detail.point), { timeout: 5_000 }).toEqual([point])
  await expect.poll(() => me.pool.points.info(point)).toBeUndefined()
  // It is told again, by the application too.
  me.pool.registerNewPoint(point)
  await me.pool.maintain()
  expect(dials).toHaveLength(1)
  expect(me.pool.explain(point).text).toBe('cannot connect to self')
  expect(me.pool.connections.findByPeerId(stranger.pool.peerId)?.ending).toBeUndefined()
  expect(me.pool.peers.info(stranger.pool.peerId)?.failures).toBe(0)
  expect(me.pool.peers.isBanned(stranger.pool.peerId)).toBe(false)
})
