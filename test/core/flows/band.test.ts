import { describe, expect, it } from 'vitest'
import { type ConnectionBand, memoryStorage, type Point, PoolError } from '../../../src/core/index.ts'
import { type Member, record, World } from '../../support/pools.ts'

const wide = { minConnections: 4, expectedConnections: 6, maxConnections: 8, maintenanceIdleMs: 10_000 }
const hidden = { min: 1, expected: 2, max: 3 }

/** A pool in a world of `others`, all of which it knows; it has filled its band. */
async function filled(options: Parameters<World['make']>[1], others = 12): Promise<{ world: World; a: Member }> {
  const world = new World(11)
  const trustedPoints: { point: Point; expectedPeerId: undefined }[] = []
  for (let i = 0; i < others; i++)
    trustedPoints.push({ point: (await world.start(`b${i}`, { keepAliveIntervalMs: null })).network.point, expectedPeerId: undefined })
  const a = world.make('a', options)
  for (const { point } of trustedPoints) a.pool.registerPoint(point)
  await world.clock.until(a.pool.start())
  await world.clock.advance(5_000)
  return { world, a }
}

describe('pool.setBand', () => {
  it('a smaller band is closed down to, a larger one is filled, each with one event and in the snapshot', async () => {
    const { world, a } = await filled(wide)
    const told = record(a.pool, 'band-changed')
    expect(a.pool.band).toEqual({ min: 4, expected: 6, max: 8 })
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(4)
    a.pool.setBand({ min: 0, expected: 1, max: 2 })
    await world.clock.advance(5_000)
    expect([a.pool.band, a.pool.activeConnections]).toEqual([{ min: 0, expected: 1, max: 2 }, 2])
    expect(a.pool.snapshot()).toMatchObject({ band: { max: 2 }, bounds: { maxThreshold: 2 }, active: 2 })
    a.pool.setBand({ min: 9, expected: 10, max: 12 })
    await world.clock.advance(70_000)
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(9)
    a.pool.setBand({ min: 9, expected: 10, max: 12 })
    expect(told.map(({ detail }) => detail.band.max)).toEqual([2, 12])
  })

  it('no dial and no guest is let in above the new max', async () => {
    const { world, a } = await filled(wide)
    a.pool.setBand({ min: 0, expected: 4, max: 4 })
    await world.clock.advance(1_000)
    const guest = await world.start('guest')
    await expect(world.clock.until(guest.pool.connect(a.network.point))).rejects.toThrow(/refused/)
    await expect(world.clock.until(a.pool.connect(guest.network.point))).rejects.toThrow(/slot/)
    expect(a.pool.activeConnections).toBe(4)
  })

  it('a trusted peer stays whatever the band, and comes back in when it has lost its connection', async () => {
    const { world, a } = await filled(wide)
    const before = a.pool.activeConnections
    for (const { peerId } of a.pool.connections.list()) a.pool.peers.trust(peerId)
    a.pool.setBand({ min: 0, expected: 1, max: 2 })
    await world.clock.advance(5_000)
    expect(a.pool.activeConnections).toBe(before)
    const friend = world.members.find(({ pool }) => pool !== a.pool && pool.activeConnections > 0)
    if (friend === undefined) throw new Error('no friend')
    const links = [...friend.network.links]
    world.hub.reaches = () => false
    await world.clock.until(friend.pool.tearDownConnections({ kind: 'lost' }))
    for (const link of links) link.cut()
    await world.clock.advance(20_000)
    world.hub.reaches = () => true
    expect(a.pool.connections.findByPeerId(friend.pool.peerId)).toBeDefined()
    await world.clock.until(friend.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(before)
  })

  const senseless: readonly (readonly [unknown, RegExp])[] = [
    [{ min: -1, expected: 1, max: 2 }, /band\.min: .* from 0 .* got -1/],
    [{ min: 3, expected: 2, max: 4 }, /band\.expected: .* from 3 .* got 2/],
    [{ min: 1, expected: 2, max: 1.5 }, /band\.max: .*whole number.* got 1.5/],
    [{ min: 1, expected: 2 }, /band\.max: .* got undefined/],
    [null, /band: expected \{ min, expected, max \}, got null/]
  ]
  it('a band that makes no sense is refused naming field, value and range, and changes nothing', () => {
    const { pool } = new World().make('a', wide)
    for (const [band, message] of senseless) {
      expect(() => pool.setBand(band as ConnectionBand)).toThrow(message)
      expect(() => pool.setBand(band as ConnectionBand)).toThrow(PoolError)
    }
    expect(pool.band).toEqual({ min: 4, expected: 6, max: 8 })
  })

  it('a copy is taken, which no caller can change', () => {
    const { pool } = new World().make('a', wide)
    const band = { min: 1, expected: 2, max: 3 }
    pool.setBand(band)
    band.max = 1
    expect(pool.band.max).toBe(3)
    expect(Object.isFrozen(pool.band)).toBe(true)
  })
})

describe('pool.suspend', () => {
  it('keeps the smaller band, saved, and without a timer while it is full; resume fills the ordinary one', async () => {
    const storage = memoryStorage()
    const { world, a } = await filled({ ...wide, suspendedBand: hidden, storage })
    await world.clock.until(a.pool.suspend())
    await world.clock.advance(40_000)
    expect(a.pool.snapshot()).toMatchObject({ status: 'suspended', band: hidden, active: 3, storage: { unsavedChanges: false } })
    expect(world.clock.pending).toBe(0)
    await world.clock.advance(8 * 3_600_000)
    expect([a.pool.activeConnections, world.clock.pending]).toEqual([3, 0])
    a.pool.resume()
    await world.clock.advance(10_000)
    expect([a.pool.status, a.pool.band.max]).toEqual(['running', 8])
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(4)
  })

  it('a loss below the smaller band is made good while suspended', async () => {
    const { world, a } = await filled({ ...wide, suspendedBand: hidden })
    await world.clock.until(a.pool.suspend())
    await world.clock.advance(1_000)
    for (const link of [...world.hub.links]) link.breakBoth()
    await world.clock.advance(120_000)
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(1)
  })

  it('the narrower of the two bands holds, and setBand counts from resume on', async () => {
    const { world, a } = await filled({ ...wide, suspendedBand: hidden })
    await world.clock.until(a.pool.suspend())
    a.pool.setBand({ min: 0, expected: 1, max: 2 })
    expect(a.pool.band).toEqual({ min: 0, expected: 1, max: 2 })
    a.pool.setBand({ min: 2, expected: 5, max: 6 })
    expect(a.pool.band).toEqual(hidden)
    a.pool.resume()
    expect(a.pool.band).toEqual({ min: 2, expected: 5, max: 6 })
  })

  it('without a suspended band, or asked to keep all, it keeps what it has and makes no more', async () => {
    const { world, a } = await filled({ ...wide, suspendedBand: null })
    const [before, { dials }] = [a.pool.activeConnections, a.network]
    await world.clock.until(a.pool.suspend())
    expect([a.pool.band.max, a.pool.activeConnections]).toEqual([8, before])
    for (const link of [...world.hub.links]) link.breakBoth()
    await world.clock.advance(300_000)
    expect([a.pool.activeConnections, a.network.dials]).toEqual([0, dials])
  })

  it('asked to keep none it sends going-away, takes no peer in, and comes back on resume', async () => {
    const { world, a } = await filled({ ...wide, suspendedBand: hidden })
    const before = a.pool.activeConnections
    const heard = world.members.flatMap(({ pool }) => (pool === a.pool ? [] : [record(pool, 'connection-lost')]))
    await world.clock.until(a.pool.suspend({ keep: 'none' }))
    await world.clock.advance(60_000)
    expect(heard.flat().map(({ detail }) => detail.ending)).toEqual(Array(before).fill({ by: 'them', reason: { kind: 'going-away' } }))
    const guest = await world.start('guest')
    await expect(world.clock.until(guest.pool.connect(a.network.point))).rejects.toBeInstanceOf(PoolError)
    expect(a.pool.activeConnections).toBe(0)
    a.pool.resume()
    await world.clock.advance(10_000)
    expect(a.pool.activeConnections).toBeGreaterThanOrEqual(4)
  })
})
