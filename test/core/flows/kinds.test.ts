import { describe, expect, it } from 'vitest'
import { pagePreset } from '../../../src/core/index.ts'
import { type Member, World } from '../../support/pools.ts'

/** A page as the preset has it, reached over the first server. */
function page(world: World, name: string, servers: readonly Member[]): Member {
  const [relay] = servers
  const point = `${relay?.network.point}/p2p/${relay?.pool.peerId}/p2p-circuit/webrtc/p2p/${name}`
  const trustedPoints = servers.slice(0, 1).map(({ network }) => ({ point: network.point, expectedPeerId: undefined }))
  return world.make(name, { ...pagePreset, maintenanceIdleMs: 120_000, trustedPoints, point })
}

async function network(count: number): Promise<{ world: World; servers: Member[] }> {
  const world = new World(7)
  const servers: Member[] = []
  for (let n = 0; n < count; n++) servers.push(await world.start(`server${n}`))
  for (const { pool } of servers.slice(1)) await world.clock.until(pool.connect(servers[0]?.network.point as never))
  return { world, servers }
}

const knows = ({ pool }: Member, other: Member): boolean => pool.connections.findByPeerId(other.pool.peerId) !== undefined

describe('pages among servers', () => {
  for (const count of [3, 4, 6, 12]) {
    it(`a page that is opened meets one that is hidden, among ${count} servers, within 10 s`, async () => {
      const { world, servers } = await network(count)
      const first = page(world, 'first', servers)
      await world.clock.until(first.pool.start())
      await world.clock.advance(15_000)
      await world.clock.until(first.pool.suspend())
      await world.clock.advance(2_000)
      expect(first.pool.activeConnections).toBeLessThanOrEqual(3)
      const second = page(world, 'second', servers)
      await world.clock.until(second.pool.start())
      await world.clock.advance(10_000)
      expect([knows(first, second), knows(second, first)]).toEqual([true, true])
      const kinds = first.pool.connections.list().map(({ transport }) => transport)
      expect(kinds.filter((transport) => transport !== 'webrtc').length).toBeGreaterThanOrEqual(1)
      expect(kinds.length).toBeLessThanOrEqual(3)
    })
  }

  it('what is explained says that a page is looked for, and dialed though the count is in the band', async () => {
    const { world, servers } = await network(6)
    const first = page(world, 'first', servers)
    await world.clock.until(first.pool.start())
    await world.clock.advance(15_000)
    const { step, text } = first.pool.explainBand()
    expect([step, text]).toEqual([
      'content',
      expect.stringMatching(/are right, but it needs a page: no point of one can be dialed; it asks 5 peers for more (now|in \d+ s)$/)
    ])
    await world.clock.until(first.pool.suspend())
    await world.clock.advance(5_000)
    expect(first.pool.explainBand().text).toMatch(/nothing to do$/)
  })

  it('two pages that are content with six servers meet, and stay together', async () => {
    const { world, servers } = await network(6)
    const [first, second] = [page(world, 'first', servers), page(world, 'second', servers)]
    await world.clock.until(first.pool.start())
    await world.clock.until(second.pool.start())
    await world.clock.advance(20_000)
    for (let minute = 0; minute < 30; minute++) {
      expect(knows(first, second), `minute ${minute}`).toBe(true)
      await world.clock.advance(60_000)
    }
  })

  it('a page whose servers are lost while pages fill its band connects to a server that is back', async () => {
    const { world, servers } = await network(1)
    const pages = Array.from({ length: 6 }, (_, n) => page(world, `page${n}`, servers))
    for (const { pool } of pages) await world.clock.until(pool.start())
    await world.clock.advance(120_000)
    const [first] = pages
    const [server] = servers
    expect(first?.pool.connections.list().some(({ transport }) => transport === 'webrtc')).toBe(true)
    await world.clock.until(server?.pool.stop() ?? Promise.resolve())
    await world.clock.advance(30_000)
    expect(pages.map((one) => knows(one, server as Member))).not.toContain(true)
    await world.clock.until(server?.pool.start() ?? Promise.resolve())
    await world.clock.advance(70_000)
    expect(pages.map((one) => knows(one, server as Member))).not.toContain(false)
  })

  it('a hidden page alone among servers runs no timer', async () => {
    const { world, servers } = await network(5)
    const first = page(world, 'first', servers)
    await world.clock.until(first.pool.start())
    await world.clock.advance(15_000)
    for (const { pool } of servers) await world.clock.until(pool.suspend())
    await world.clock.until(first.pool.suspend())
    await world.clock.advance(60_000)
    expect([first.pool.activeConnections > 0, world.clock.pending]).toEqual([true, 0])
  })
})
