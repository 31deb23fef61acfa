import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/core/index.ts'
import { record, rejectionOf, World } from '../../support/pools.ts'

const band = { minConnections: 2, expectedConnections: 4, maxConnections: 8, timeBetweenSearchesMs: 1_000, maintenanceIdleMs: 10_000 }

/** Takes whoever comes, and dials nobody. */
const still = { minConnections: 0, expectedConnections: 0, maxConnections: 8, maintenanceIdleMs: null }

describe('a pool on its own', () => {
  it('pools that know one point only reach their band, and come back to it after half of them died', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new World(seed, (random) => 1 + Math.floor(random() * 30))
      const first = await world.start('peer0', band)
      const others = await Promise.all(
        Array.from({ length: 19 }, (_, i) =>
          world.start(`peer${i + 1}`, { ...band, trustedPoints: [{ point: first.network.point, expectedPeerId: undefined }] })
        )
      )
      const all = [first, ...others]
      await world.clock.advance(60_000)
      for (const { pool } of all) {
        expect(pool.activeConnections, `seed ${seed}, ${pool.peerId}`).toBeGreaterThanOrEqual(pool.snapshot().bounds.minThreshold)
        expect(pool.activeConnections, `seed ${seed}, ${pool.peerId}`).toBeLessThanOrEqual(pool.config.maxConnections)
      }
      for (const { network } of others.slice(0, 10)) network.crash()
      await world.clock.advance(90_000)
      for (const { pool } of [first, ...others.slice(10)]) {
        expect(pool.activeConnections, `seed ${seed}, ${pool.peerId} after the loss`).toBeGreaterThanOrEqual(
          pool.snapshot().bounds.minThreshold
        )
      }
      expect(all.flatMap(({ complaints }) => complaints)).toEqual([])
    }
  })

  it('with nothing to dial it waits; it does not spin', async () => {
    const world = new World()
    const { pool, network } = world.make('a', band)
    pool.registerPoint('/ip4/10.9.9.9/tcp/1' as Point)
    await world.clock.until(pool.start())
    await world.clock.advance(600_000)
    expect(network.dials).toBeLessThan(60)
    await world.stop()
    await world.clock.advance(1_000)
    expect(world.clock.pending).toBe(0)
  })

  it('when the network is away no peer is blamed, and awake again it is back at once', async () => {
    const world = new World(4)
    const a = await world.start('a', band)
    const others = await Promise.all(Array.from({ length: 4 }, (_, i) => world.start(`b${i}`)))
    for (const { network } of others) await world.clock.until(a.pool.connect(network.point))
    world.hub.reaches = () => false
    for (const link of [...world.hub.links]) link.breakBoth()
    await world.clock.advance(600_000)
    for (const { network } of others) expect(a.pool.points.info(network.point)?.failures).toBeLessThanOrEqual(1)
    world.hub.reaches = () => true
    a.pool.resume()
    await world.clock.advance(5_000)
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(a.pool.snapshot().bounds.minThreshold)
  })

  it('when all links break at once there is no pause after a connection: all are dialed again at once', async () => {
    const world = new World(5)
    const a = await world.start('a', band)
    const others = await Promise.all(Array.from({ length: 4 }, (_, i) => world.start(`b${i}`, still)))
    for (const { network } of others) await world.clock.until(a.pool.connect(network.point))
    await world.clock.advance(70_000)
    for (const link of [...a.network.links]) link.breakBoth()
    await world.clock.advance(2_000)
    expect(a.pool.activeConnections).toBe(4)
  })

  /** `peers` connections, the first `lost` of which have broken. */
  async function lose(lost: number, { peers, min, ranMs }: { peers: number; min: number; ranMs: number }) {
    const world = new World(6)
    const a = await world.start('a', { ...band, minConnections: min, expectedConnections: peers })
    const others = await Promise.all(Array.from({ length: peers }, (_, i) => world.start(`b${i}`, still)))
    for (const { network } of others) await world.clock.until(a.pool.connect(network.point))
    await world.clock.advance(ranMs)
    for (const link of [...a.network.links].slice(0, lost)) link.breakBoth()
    return { world, a, others, dials: a.network.dials }
  }

  it.each([
    { name: 'one link of two', lost: 1, peers: 2, ranMs: 70_000 },
    { name: 'the only link soon after it was made', lost: 1, peers: 1, ranMs: 50_000 },
    { name: 'three links of five', lost: 3, peers: 5, ranMs: 15_000 }
  ])('below the minimum a broken link is back within ten seconds: $name', async ({ lost, peers, ranMs }) => {
    const { world, a, dials } = await lose(lost, { peers, min: peers, ranMs })
    await world.clock.advance(3_000)
    expect(a.network.dials).toBe(dials)
    await world.clock.advance(7_000)
    expect(a.pool.activeConnections).toBe(peers)
  })

  it('above the minimum the pause after a connection is kept', async () => {
    const { world, a, dials } = await lose(1, { peers: 4, min: 1, ranMs: 70_000 })
    await world.clock.advance(40_000)
    expect(a.network.dials).toBe(dials)
  })

  it('a peer that said goodbye is left alone for a while, also below the minimum', async () => {
    const { world, a, others, dials } = await lose(0, { peers: 1, min: 1, ranMs: 70_000 })
    await others[0]?.pool.connections.findByPeerId(a.pool.peerId)?.disconnect({ kind: 'explicit', text: 'enough' })
    await world.clock.advance(39_000)
    expect(a.network.dials).toBe(dials)
    await world.clock.advance(30_000)
    expect(a.pool.activeConnections).toBe(1)
  })
})

describe('a full pool', () => {
  const full = { minConnections: 0, expectedConnections: 20, maxConnections: 20, maxIncomingPerHost: 20 }

  it('unknown peers that come in leave a tenth of the slots to our own dials', async () => {
    const world = new World(5)
    const a = await world.start('a', full)
    for (let i = 0; i < 25; i++) {
      const guest = await world.start(`guest${i}`)
      await rejectionOf(world.clock.until(guest.pool.connect(a.network.point)))
    }
    await world.clock.advance(1_000)
    expect(a.pool.activeConnections).toBe(18)
    const chosen = await world.start('chosen')
    await world.clock.until(a.pool.connect(chosen.network.point))
    expect(a.pool.activeConnections).toBe(19)
  })

  it('a trusted peer always finds a slot, at the cost of an unknown peer, and never loses it to the band', async () => {
    const world = new World(6)
    const a = await world.start('a', full)
    const friend = await world.start('friend')
    a.pool.peers.trust(friend.pool.peerId)
    const peers = await Promise.all(Array.from({ length: 20 }, (_, i) => world.start(`p${i}`)))
    for (const { network } of peers) await world.clock.until(a.pool.connect(network.point))
    expect(a.pool.activeConnections).toBe(20)
    await world.clock.until(friend.pool.connect(a.network.point))
    await world.clock.advance(1_000)
    expect(a.pool.activeConnections).toBe(20)
    expect(a.pool.connections.findByPeerId(friend.pool.peerId)).toBeDefined()
  })
})

describe('swaps', () => {
  const content = { minConnections: 0, expectedConnections: 30, maxConnections: 60, maxIncomingPerHost: 20, maintenanceIdleMs: 5_000 }

  it('an ack without a request changes nothing', async () => {
    const world = new World(7)
    const a = await world.start('a', content)
    const evil = world.hub.node('evil')
    const failed = record(a.pool, 'swap-failure', 'dial-started')
    const b = await world.start('b')
    const connection = await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    connection.sendExchange({ kind: 'swap-ack', point: evil.point, peerId: 'evil' })
    await world.clock.advance(1_000)
    expect(failed.map((event) => event.type)).toEqual(['swap-failure'])
  })

  it('hostile peers that offer a swap whenever they may get a twentieth of the connections, no more, and never a trusted one', async () => {
    const world = new World(8)
    const a = await world.start('a', content)
    const honest = await Promise.all(Array.from({ length: 30 }, (_, i) => world.start(`honest${i}`)))
    for (const { network } of honest) await world.clock.until(a.pool.connect(network.point))
    const trusted = honest.slice(0, 5).map(({ pool }) => pool.peerId)
    for (const peerId of trusted) a.pool.peers.trust(peerId)
    const hostile = await Promise.all(Array.from({ length: 60 }, (_, i) => world.start(`hostile${i}`)))
    const [asker] = hostile
    if (asker === undefined) throw new Error('no asker')
    const connection = await world.clock.until(asker.pool.connect(a.network.point))
    await world.clock.advance(100)
    for (let i = 1; i < hostile.length; i++) {
      const offer = hostile[i]
      if (offer !== undefined) connection.sendExchange({ kind: 'swap-request', point: offer.network.point, peerId: offer.pool.peerId })
      await world.clock.advance(31_000)
    }
    const held = a.pool.connections.list().map(({ peerId }) => String(peerId))
    expect(held.filter((peerId) => peerId.startsWith('hostile')).length - 1).toBeLessThanOrEqual(held.length / 20)
    expect(held).toEqual(expect.arrayContaining(trusted))
  })
})
