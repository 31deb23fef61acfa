import { expect, it } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import { record, World } from '../support/pools.ts'

const band = { minConnections: 1, expectedConnections: 1, maxConnections: 3, maintenanceIdleMs: null }

/** A peer that was connected, and another one that now answers at its address. */
async function replaced(how: 'learned' | 'trusted' | 'trusted with its id') {
  const world = new World(1)
  const before = await world.start('before')
  const { point } = before.network
  const me = await world.start('me', {
    ...band,
    trustedPoints: how === 'learned' ? [] : [{ point, expectedPeerId: how === 'trusted' ? undefined : ('before' as PeerId) }]
  })
  if (how === 'learned') me.pool.registerPoint(point)
  await world.clock.advance(70_000)
  expect(me.pool.connections.findByPoint(point)?.peerId).toBe('before')
  await world.clock.until(before.pool.stop())
  const after = await world.start('after', { point })
  const dialsBefore = me.network.dials
  return { world, me, point, after, dials: () => me.network.dials - dialsBefore }
}

it.each(['learned', 'trusted'] as const)('a %s address without an expected id: the new peer is taken at the first dial', async (how) => {
  const { world, me, point, dials } = await replaced(how)
  await world.clock.advance(75_000)
  expect(me.pool.connections.findByPoint(point)?.peerId).toBe('after')
  expect(dials()).toBe(1)
})

it('a trusted address with an expected id: the new peer is refused each time, it is said who was expected and who came, and dials grow rare', async () => {
  const { world, me, point, dials } = await replaced('trusted with its id')
  const failed = record(me.pool, 'authentication-failed')
  await world.clock.advance(10 * 60_000)
  expect(me.pool.activeConnections).toBe(0)
  expect(me.pool.points.info(point)?.expectedPeerId).toBe('before')
  expect(me.pool.explain(point).text).toContain('before')
  expect(dials()).toBeLessThanOrEqual(40)
  expect(failed).toHaveLength(dials())
  const later = dials()
  await world.clock.advance(60 * 60_000)
  expect(dials() - later).toBeLessThanOrEqual(75)
  // The one that is expected is back: it is taken.
  await world.clock.until(world.members[2]?.pool.stop() ?? Promise.resolve())
  await world.start('before', { point })
  await world.clock.advance(61_000)
  expect(me.pool.connections.findByPoint(point)?.peerId).toBe('before')
})
