/** Where all that a newcomer knows are full, it gets in by those who come to meet it. */
import { describe, expect, it } from 'vitest'
import { hostOf } from '../../../src/core/values/address.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, rejectionOf, World } from '../../support/pools.ts'

const minutes = 60_000
const band = { minConnections: 3, expectedConnections: 5, maxConnections: 10, maintenanceIdleMs: 2 * minutes }

/** How many of them each connected part of the network has. */
function partsOf(members: readonly Member[]): number[] {
  const byId = new Map<PeerId, Member>(members.map((member) => [member.pool.peerId, member]))
  const seen = new Set<PeerId>()
  return members.flatMap(({ pool }) => {
    const before = seen.size
    const queue = seen.has(pool.peerId) ? [] : [pool.peerId]
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id)) continue
      seen.add(id)
      queue.push(...(byId.get(id)?.pool.connectedPeerIds.keys() ?? []))
    }
    return seen.size > before ? [seen.size - before] : []
  })
}

describe('a network in which everybody is full', () => {
  it('forty pools that start at one moment and know one other are one network within two minutes, all with their minimum', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const world = new World(seed)
      const root = await world.start('root', band)
      const trustedPoints = [{ point: root.network.point, expectedPeerId: undefined }]
      const pools = [root]
      for (let i = 0; i < 40; i++) pools.push(await world.start(`pool${i}`, { ...band, trustedPoints }))
      await world.clock.advance(2 * minutes)
      expect(partsOf(pools), `seed ${seed}`).toEqual([41])
      expect(
        pools.filter(({ pool }) => pool.activeConnections < band.minConnections),
        `seed ${seed}`
      ).toEqual([])
    }
  })

  it('lets a newcomer in that knows one of its members', async () => {
    const world = new World(5)
    const members: Member[] = []
    for (let i = 0; i < 9; i++) members.push(await world.start(`member${i}`, band))
    for (const [i, { pool }] of members.entries())
      for (const { network } of members.slice(i + 1)) await world.clock.until(pool.connect(network.point).catch(() => undefined))
    await world.clock.advance(minutes)
    for (const { pool } of members) expect(pool.activeConnections).toBeGreaterThanOrEqual(7)
    const newcomer = await world.start('newcomer', band)
    newcomer.pool.registerPoint(members[0]?.network.point as never)
    await world.clock.advance(5 * minutes)
    expect(newcomer.pool.activeConnections).toBeGreaterThan(0)
    await world.clock.advance(15 * minutes)
    expect(newcomer.pool.activeConnections).toBeGreaterThanOrEqual(band.minConnections)
  })
})

describe('a peer that finds no place', () => {
  it('gets the refusal, and does not take it for an outage of its network', async () => {
    const world = new World(7)
    const none = { minConnections: 0, expectedConnections: 0, maxConnections: 0 }
    const full = await Promise.all(Array.from({ length: 12 }, (_, i) => world.start(`full${i}`, none)))
    const guest = await world.start('guest', band)
    for (const { network } of full) guest.pool.registerPoint(network.point)
    await world.clock.advance(10 * minutes)
    expect(guest.pool.explainBand().step).not.toBe('probing')
    for (const { network } of full) expect(guest.pool.explain(network.point).text).toMatch(/the peer refused/)
    expect(guest.network.dials).toBeLessThanOrEqual(12 * 11)
  })

  async function fullPool() {
    const world = new World(6)
    const full = await world.start('full', { maxConnections: 1, expectedConnections: 1 })
    await world.clock.until(full.pool.connect((await world.start('first')).network.point))
    return { world, full }
  }

  it('stays known where it was seen, and is not advertised', async () => {
    const { world, full } = await fullPool()
    const guest = await world.start('guest')
    expect(await rejectionOf(world.clock.until(guest.pool.connect(full.network.point)))).toMatchObject({ kind: 'rejected-by-peer' })
    const info = full.pool.points.info(guest.network.point)
    expect(info).toMatchObject({ trusted: false, expectedPeerId: undefined, lastEstablished: undefined })
    expect(full.pool.listKnownPoints({ ignorePrivate: true })).not.toContain(guest.network.point)
  })

  it('does not stay known at hosts of which it only speaks', async () => {
    const { world, full } = await fullPool()
    const liar = new HostilePeer(world, 'liar', '/ip4/99.1.1.1/tcp/4001')
    const link = await liar.dial(full.network.point)
    say(link, helloOf({ points: ['/ip4/100.1.1.1/tcp/4001', '/ip4/99.1.1.1/tcp/5001'] }))
    await world.clock.advance(1_000)
    expect(liar.kinds()).toContain('nack')
    const hosts = [...full.pool.points.known()].map(([point]) => hostOf(point))
    expect(hosts).toContain(hostOf('/ip4/99.1.1.1/tcp/5001' as never))
    expect(hosts).not.toContain(hostOf('/ip4/100.1.1.1/tcp/4001' as never))
  })
})
