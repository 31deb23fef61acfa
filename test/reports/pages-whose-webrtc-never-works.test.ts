import { expect, it } from 'vitest'
import { pagePreset } from '../../src/core/index.ts'
import { type Member, World } from '../support/pools.ts'

it('two pages that can reach the relay but not each other try ever more rarely, keep the relay, and meet once it works', async () => {
  const world = new World(3)
  const relay = await world.start('relay')
  const page = (name: string): Member => {
    const point = `${relay.network.point}/p2p/relay/p2p-circuit/webrtc/p2p/${name}`
    return world.make(name, {
      ...pagePreset,
      maintenanceIdleMs: 120_000,
      trustedPoints: [{ point: relay.network.point, expectedPeerId: undefined }],
      point
    })
  }
  const pages = [page('one'), page('two')]
  world.hub.reaches = (from, to) => from.peerId === 'relay' || to.peerId === 'relay'
  for (const { pool } of pages) await world.clock.until(pool.start())
  const halves: number[] = []
  for (let half = 0; half < 4; half++) {
    const before = pages.map(({ network }) => network.dials)
    for (let minute = 0; minute < 30; minute++) {
      await world.clock.advance(60_000)
      for (const { pool } of pages) expect(pool.connections.findByPeerId(relay.pool.peerId)).toBeDefined()
    }
    halves.push(...pages.map(({ network }, i) => network.dials - (before[i] ?? 0)))
  }
  const [first = 0, second = 0] = halves
  expect(first, `dials in each half hour: ${halves}`).toBeGreaterThan(0)
  for (const dials of [first, second]) expect(dials).toBeLessThanOrEqual(60)
  for (const dials of halves.slice(-2)) expect(dials, `dials in each half hour: ${halves}`).toBeLessThanOrEqual(10)
  world.hub.reaches = () => true
  await world.clock.advance(60 * 60_000)
  for (const { pool } of pages) expect(pool.activeConnections).toBe(2)
})
