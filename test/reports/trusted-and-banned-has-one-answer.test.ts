import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/core/index.ts'
import type { Host } from '../../src/core/values/ids.ts'
import { type Member, record, World } from '../support/pools.ts'

const hostOf = ({ network }: Member): Host => `::ffff:${network.point.split('/')[2]}` as Host
type Verb = (me: Member, peer: Member) => unknown

const trusts: Record<string, Verb> = {
  'its id': (me, peer) => me.pool.peers.trust(peer.pool.peerId),
  'its point': (me, peer) => me.pool.registerPoint(peer.network.point, { trusted: true }),
  'its point with its id': (me, peer) => me.pool.registerPoint(peer.network.point, { trusted: true, expectedPeerId: peer.pool.peerId }),
  'id and point': (me, peer) => {
    me.pool.peers.trust(peer.pool.peerId)
    me.pool.registerPoint(peer.network.point, { trusted: true })
  }
}
const bans: Record<string, Verb> = {
  'its id': (me, peer) => me.pool.peers.ban(peer.pool.peerId),
  'its host': (me, peer) => me.pool.points.banHost(hostOf(peer))
}
const orders = ['trusted, then banned', 'banned, then trusted', 'connected meanwhile'] as const

describe('who is trusted and banned is banned, at every door', () => {
  for (const order of orders) {
    for (const [trusted, trust] of Object.entries(trusts)) {
      for (const [banned, ban] of Object.entries(bans)) {
        it(`${order}: trusted by ${trusted}, banned by ${banned}`, async () => {
          const world = new World(1)
          const storage = memoryStorage()
          const band = { minConnections: 1, expectedConnections: 2, maxConnections: 4, maintenanceIdleMs: 10_000, storage }
          const peer = await world.start('peer')
          const me = await world.start('me', band)
          const steps = order === 'banned, then trusted' ? [ban, trust] : [trust, ban]
          if (order === 'connected meanwhile') {
            trust(me, peer)
            await world.clock.until(me.pool.connect(peer.network.point))
            await world.clock.advance(100)
          }
          for (const step of steps) await world.clock.until(Promise.resolve(step(me, peer)))
          await world.clock.advance(100)
          expect(me.pool.activeConnections).toBe(0)
          await outAtEachDoor(world, me, peer)
          // And after a restart, from what was stored.
          await world.clock.until(me.pool.stop())
          const again = await world.start('me', { ...band, point: me.network.point })
          await outAtEachDoor(world, again, peer)
        })
      }
    }
  }
})

async function outAtEachDoor(world: World, me: Member, peer: Member): Promise<void> {
  const came = record(me.pool, 'connection-opened')
  const other = await world.start(`other${world.members.length}`)
  me.pool.peers.unban(other.pool.peerId)
  await expect(world.clock.until(me.pool.connect(peer.network.point))).rejects.toThrow()
  await expect(world.clock.until(peer.pool.connect(me.network.point))).rejects.toThrow()
  // A third peer that is connected to both tells of it, and maintenance looks for somebody.
  other.pool.registerPoint(peer.network.point)
  await world.clock.until(other.pool.connect(peer.network.point))
  await world.clock.until(other.pool.connect(me.network.point))
  await world.clock.advance(120_000)
  expect(came.map(({ detail }) => detail.peerId)).toEqual([other.pool.peerId])
  expect(me.pool.explain(peer.network.point).text).toMatch(/banned/)
  await world.clock.until(other.pool.stop())
}
