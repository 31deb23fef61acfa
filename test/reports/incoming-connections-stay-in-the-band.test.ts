import { expect, it } from 'vitest'
import { type Member, World } from '../support/pools.ts'

it('fifty peers that insist for six minutes push the count above its target for no second, and cost no connection of our choice', async () => {
  const world = new World(1)
  const chosen = await Promise.all(Array.from({ length: 4 }, (_, i) => world.start(`chosen${i}`)))
  const host = await world.start('host', { minConnections: 3, expectedConnections: 5, maxConnections: 9, maintenanceIdleMs: 120_000 })
  for (const { network } of chosen) await world.clock.until(host.pool.connect(network.point))
  const ours = chosen.map(({ network }) => host.pool.connections.findByPoint(network.point))
  const crowd = await Promise.all(Array.from({ length: 50 }, (_, i) => world.start(`insists${i}`)))
  let isOver = false
  const insist = async ({ pool }: Member): Promise<void> => {
    while (!isOver) {
      await pool.connect(host.network.point).catch(() => undefined)
      await new Promise((resolve) => world.clock.schedule(12_000, () => resolve(undefined)))
    }
  }
  for (const one of crowd) void insist(one)
  const { maxTarget } = host.pool.snapshot().bounds
  expect(maxTarget).toBe(7)
  const above: number[] = []
  for (let second = 0; second < 360; second++) {
    await world.clock.advance(1_000)
    if (host.pool.activeConnections > maxTarget) above.push(second)
  }
  isOver = true
  await world.clock.advance(2_000)
  expect(above).toEqual([])
  expect(host.pool.activeConnections).toBeGreaterThanOrEqual(5)
  expect(chosen.map(({ network }) => host.pool.connections.findByPoint(network.point))).toEqual(ours)
})
