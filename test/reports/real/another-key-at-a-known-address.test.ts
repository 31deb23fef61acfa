import { afterEach, expect, test } from 'vitest'
import { record } from '../../support/pools.ts'
import { addressOf, pointOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

const soon = { minConnections: 1, expectedConnections: 1, maxConnections: 3, reconnection: { initialDelayMs: 200, afterConnectionMs: 300 } }

test.each(['learned', 'trusted'])('a %s address where a peer with another key answers now: it is taken', async (how) => {
  const before = await startPeer()
  const point = pointOf(before)
  const me = await startPeer({ ...soon, trustedPoints: how === 'trusted' ? [point] : [] })
  if (how === 'learned') me.pool.registerPoint(point)
  await expect.poll(() => me.pool.connections.findByPoint(point)?.peerId, { timeout: 5_000 }).toBe(before.pool.peerId)
  await before.stop()
  const after = await startPeer({ listen: [point] })
  await expect.poll(() => me.pool.connections.findByPoint(point)?.peerId, { timeout: 5_000 }).toBe(after.pool.peerId)
})

test('a trusted address with an id where a peer with another key answers now: it is refused, and both ids are said', async () => {
  const before = await startPeer()
  const [point, address] = [pointOf(before), addressOf(before)]
  const me = await startPeer({ ...soon, trustedPoints: [address] })
  await expect.poll(() => me.pool.activeConnections, { timeout: 5_000 }).toBe(1)
  await before.stop()
  const failed = record(me.pool, 'authentication-failed')
  const after = await startPeer({ listen: [point] })
  await expect.poll(() => failed.length, { timeout: 5_000 }).toBeGreaterThan(0)
  expect(failed[0]?.detail.rejection).toEqual({ kind: 'unexpected-peer-id', expected: before.pool.peerId, received: after.pool.peerId })
  expect(me.pool.activeConnections).toBe(0)
  expect(me.pool.points.info(point)?.expectedPeerId).toBe(before.pool.peerId)
})
