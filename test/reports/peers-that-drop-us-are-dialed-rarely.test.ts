import { describe, expect, it } from 'vitest'
import { record, World } from '../support/pools.ts'

const application = '/app/1.0.0'
const hours = 3_600_000

describe('peers that take each connection and end it a second later, when their own handshake fails', () => {
  it.each([
    { name: 'plain ones, politely', kind: 'plain', end: 'close' },
    { name: 'plain ones, by a reset', kind: 'plain', end: 'abort' },
    { name: 'ones with a pool', kind: 'pool', end: 'close' }
  ] as const)('are dialed sixty times in eight hours at most, and said to have done so: $name', async ({ kind, end }) => {
    const world = new World(1)
    const droppers = await Promise.all(
      Array.from({ length: 3 }, async (_, i) => {
        if (kind === 'pool') {
          const { pool, network } = await world.start(`dropper${i}`)
          pool.addEventListener('connection-opened', ({ detail: { peerId } }) =>
            world.clock.schedule(1_000, () => void pool.disconnect(peerId))
          )
          return network.point
        }
        const network = world.hub.node(`dropper${i}`, { speaks: [application] })
        await network.start({
          incoming: (link) => void world.clock.schedule(1_000, () => (end === 'close' ? void link.close() : link.abort('no'))),
          ownPointsChanged: () => undefined,
          discovered: () => undefined
        })
        return network.point
      })
    )
    const good = Array.from({ length: 3 }, (_, i) => world.plain(`good${i}`, application).point)
    const me = await world.start('me', {
      minConnections: 4,
      expectedConnections: 5,
      maxConnections: 8,
      maintenanceIdleMs: 120_000,
      plainPeers: 'admit',
      requiredProtocols: [application]
    })
    const dials = record(me.pool, 'dial-started')
    for (const point of [...droppers, ...good]) me.pool.registerPoint(point)
    await world.clock.advance(8 * hours)
    const dialsTo = (point: string): number => dials.filter(({ detail }) => detail.point === point).length
    expect(good.map(dialsTo)).toEqual([1, 1, 1])
    for (const point of droppers) {
      expect(dialsTo(point)).toBeLessThanOrEqual(60)
      if (me.pool.connections.findByPoint(point) === undefined)
        expect(me.pool.explain(point).text).toMatch(/the last \d+ connections ended within 10 s/)
    }
  })
})
