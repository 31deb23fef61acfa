import { describe, expect, it } from 'vitest'
import { type Member, record, World } from '../support/pools.ts'

const reloads = 25

/** How the old page goes. */
const departures: Record<string, (page: Member, world: World) => Promise<void> | void> = {
  'with a goodbye': (page, world) => world.clock.until(page.pool.stop()),
  'by a reset': (page) => page.network.kill({ resets: true }),
  'without a word, and the old link breaks late': (page) => page.network.kill({ resets: false })
}

describe('a peer that is reloaded and joins again at once is seen to leave and join in turn, and stays', () => {
  for (const [how, leave] of Object.entries(departures)) {
    it(how, async () => {
      const world = new World(1, (random) => 1 + Math.floor(random() * 200))
      const watcher = await world.start('watcher')
      const news = record(watcher.pool, 'connection-opened', 'connection-closed', 'connection-lost')
      const point = '/ip4/99.1.1.1/tcp/4001'
      let page = await world.start('page', { point })
      await world.clock.until(page.pool.connect(watcher.network.point))
      for (let reload = 0; reload < reloads; reload++) {
        // Handshakes of its own are over: a younger connection of the same peer would count as the same attempt.
        await world.clock.advance(11_000 + watcher.random.next() * 5_000)
        await leave(page, world)
        await world.clock.advance(watcher.random.next() * 3_000)
        page = await world.start('page', { point })
        await world.clock.until(page.pool.connect(watcher.network.point))
        // What is left of the old one breaks after the new one is there.
        await world.clock.advance(watcher.random.next() * 3_000)
        world.hub.breakSilentLinks()
        await world.clock.advance(2_000)
        expect(watcher.pool.connections.list().map(({ peerId }) => peerId)).toEqual(['page'])
        expect(watcher.pool.connections.findByPeerId(page.pool.peerId)?.ending).toBeUndefined()
        expect(page.pool.activeConnections).toBe(1)
      }
      const order = news.map(({ type }) => (type === 'connection-opened' ? 'joins' : 'leaves'))
      expect(order).toEqual(Array.from({ length: 2 * reloads + 1 }, (_, i) => (i % 2 === 0 ? 'joins' : 'leaves')))
    })
  }
})
