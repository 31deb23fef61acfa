import { describe, expect, it } from 'vitest'
import { memoryStorage, type Point, pagePreset } from '../../../src/core/index.ts'
import { type Member, World } from '../../support/pools.ts'

const trusts = (...members: readonly Member[]) => members.map(({ network }) => ({ point: network.point, expectedPeerId: undefined }))

/** A page as the preset has it, reached over that relay. */
function page(world: World, name: string, relay: Member): Promise<Member> {
  const point = `${relay.network.point}/p2p/${relay.pool.peerId}/p2p-circuit/webrtc/p2p/${name}`
  return world.start(name, { ...pagePreset, maintenanceIdleMs: 120_000, trustedPoints: trusts(relay), point })
}

/** What it knows, but for trusted points. */
const heardOf = ({ pool }: Member): Point[] => [...pool.points.known()].flatMap(([point, { trusted }]) => (trusted ? [] : [point]))

/** Nothing gets to it or from it any more, and the others see that. */
function vanish(world: World, { network }: Member): Promise<void> {
  const { reaches } = world.hub
  world.hub.reaches = (from, to) => from !== network && to !== network && reaches(from, to)
  world.hub.breakSilentLinks()
  return Promise.resolve()
}

describe('what is gone', () => {
  for (const [how, leave] of [
    ['say goodbye', (_: World, { pool }: Member) => pool.stop()],
    ['leave without a word', vanish]
  ] as const) {
    it(`pages that ${how} are not advertised to a newcomer`, async () => {
      const world = new World(3)
      const relay = await world.start('relay')
      const servers = [relay, await world.start('other', { trustedPoints: trusts(relay), minConnections: 1, expectedConnections: 1 })]
      await world.clock.advance(1_000)
      const stays = await page(world, 'stays', relay)
      const gone: Member[] = []
      for (let n = 0; n < 12; n++) {
        const visitor = await page(world, `visitor${n}`, relay)
        await world.clock.advance(10_000)
        expect(visitor.pool.activeConnections, visitor.pool.peerId).toBeGreaterThanOrEqual(2)
        await world.clock.until(leave(world, visitor))
        gone.push(visitor)
        await world.clock.advance(5_000)
      }
      const newcomer = await page(world, 'newcomer', relay)
      await world.clock.advance(5_000)
      expect(heardOf(newcomer)).toContain(stays.network.point)
      expect(heardOf(newcomer).filter((point) => gone.some(({ network }) => network.point === point))).toEqual([])
      expect(newcomer.pool.connections.findByPeerId(stays.pool.peerId)).toBeDefined()
      expect(servers.flatMap(({ complaints }) => complaints)).toEqual([])
    })
  }

  it('a pool that restarts advertises no point that it only read, and those where a peer is connected again', async () => {
    const world = new World(4)
    const storage = memoryStorage()
    const relay = await world.start('relay', { storage })
    const [stays, leaves] = [await world.start('stays'), await world.start('leaves')]
    for (const { pool } of [stays, leaves]) await world.clock.until(pool.connect(relay.network.point))
    await world.clock.until(leaves.pool.stop())
    await world.clock.until(relay.pool.stop())
    const again = await world.start('relay', { storage, point: '/ip4/192.0.2.77/tcp/4001' })
    expect([again.pool.points.info(stays.network.point)?.isPublic, again.pool.points.info(leaves.network.point)?.isPublic]).toEqual([
      true,
      true
    ])
    const ask = async (name: string): Promise<Point[]> => {
      const asker = await world.start(name, { trustedPoints: trusts(again), minConnections: 3, expectedConnections: 3 })
      await world.clock.advance(2_000)
      const heard = heardOf(asker)
      await world.clock.until(asker.pool.destroy())
      return heard.filter((point) => !point.startsWith(asker.network.point))
    }
    expect(await ask('first')).toEqual([])
    await world.clock.until(stays.pool.connect(again.network.point))
    expect(await ask('second')).toContain(stays.network.point)
    expect(await ask('third')).not.toContain(leaves.network.point)
  })
})
