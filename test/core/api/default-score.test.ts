import { expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { World } from '../../support/pools.ts'

const hour = 3_600_000

it('without a score of the application a peer has one of the pool, with its reasons, which lasts over a restart', async () => {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(3 * hour)
  for (let i = 0; i < 3; i++)
    await world.clock.until(b.pool.connections.findByPeerId(a.pool.peerId)?.send(new Uint8Array(1)) ?? Promise.reject())
  await world.clock.advance(100)
  const reasons = a.pool.peers.scoreReasons(b.pool.peerId)
  expect(reasons.map(({ of, amount }) => [of, Math.round(amount)])).toEqual([
    ['service', 3],
    ['time', 3],
    ['latency', 10]
  ])
  expect(a.pool.peers.getScore(b.pool.peerId)).toBeCloseTo(1 + 4 + 5, 3)
  expect(b.pool.peers.scoreReasons(a.pool.peerId).map(({ of, amount }) => [of, Math.round(amount)])).toEqual([
    ['time', 3],
    ['latency', 10]
  ])
  await world.clock.until(a.pool.stop())
  const again = await world.start('a', { storage: a.pool.config.storage, point: '/ip4/10.9.9.9/tcp/4001' })
  const [service, time] = again.pool.peers.scoreReasons(b.pool.peerId)
  expect([service?.amount, Math.round(time?.amount ?? 0)]).toEqual([3, 3])
})

it('points that were new to us count as service', async () => {
  const world = new World()
  const a = await world.start('a')
  const teller = new HostilePeer(world, 'teller')
  const points = ['/ip4/10.8.0.1/tcp/4001', '/ip4/10.8.0.2/tcp/4001', '/ip4/10.8.0.2/tcp/4001', a.network.point]
  say(await teller.dial(a.network.point), helloOf(), { kind: 'ack' }, { kind: 'advertise', points, ownPoints: undefined })
  await world.clock.advance(100)
  expect(a.pool.peers.info('teller' as PeerId)?.served).toBe(2)
})

it('when the table of peers is full the one with the lowest score goes', async () => {
  const world = new World()
  const a = await world.start('a', { maxKnownPeers: { max: 3, target: 2 } })
  for (const [name, hours] of [
    ['b', 5],
    ['c', 1],
    ['d', 9]
  ] as const) {
    const { network, pool } = await world.start(name)
    await world.clock.until(a.pool.connect(network.point))
    await world.clock.advance(hours * hour)
    await world.clock.until(a.pool.disconnect(pool.peerId))
  }
  a.pool.registerPeer('e' as PeerId)
  expect([...a.pool.peers.known()].map(([peerId]) => peerId)).toEqual(['b', 'd', 'e'])
})

it('the score of the application is the only part', async () => {
  const world = new World()
  const a = await world.start('a', { peerMetadata: { initial: () => 7, toJson: Number, fromJson: Number, score: Number } })
  const b = await world.start('b')
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(hour)
  expect(a.pool.peers.scoreReasons(b.pool.peerId)).toEqual([{ of: 'application', amount: 7, score: 7 }])
  expect([a.pool.peers.getScore(b.pool.peerId), a.pool.score(3)]).toEqual([7, 3])
  expect(a.pool.peers.scoreReasons('nobody' as PeerId)).toEqual([])
})

it('a failed dial counts against the peer that was expected there, while others work', async () => {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  a.pool.registerPeer('gone' as PeerId)
  const dial = (): Promise<unknown> =>
    world.clock
      .until(a.pool.connect('/ip4/10.7.7.7/tcp/4001' as Point, { expectedPeerId: 'gone' as PeerId }))
      .catch((error: unknown) => error)
  await dial()
  expect(a.pool.peers.info('gone' as PeerId)?.failures).toBe(0)
  await world.clock.until(a.pool.connect(b.network.point))
  await dial()
  expect(a.pool.peers.scoreReasons('gone' as PeerId)).toEqual([{ of: 'failures', amount: 1, score: -1 }])
})
