import { expect, it } from 'vitest'
import { record, World } from '../support/pools.ts'

it('forty peers that know only a full node ask it twice a minute at most, and no end counts a connection that the other end does not have', async () => {
  const world = new World(1)
  const host = await world.start('host', { minConnections: 3, expectedConnections: 4, maxConnections: 5 })
  const knocks = record(host.pool, 'handshake-started')
  const guests = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      world.make(`guest${i}`, { minConnections: 1, expectedConnections: 2, maxConnections: 4, listens: false })
    )
  )
  for (const { pool } of guests) pool.registerPoint(host.network.point)
  await world.clock.until(Promise.all(guests.map(({ pool }) => pool.start())))
  const oneSided: string[] = []
  const perMinute: number[] = []
  for (let minute = 0; minute < 10; minute++) {
    for (let second = 0; second < 60; second++) {
      await world.clock.advance(1_000)
      expect(host.pool.activeConnections).toBeLessThanOrEqual(5)
      for (const { pool } of guests) {
        const there = host.pool.connections.findByPeerId(pool.peerId) !== undefined
        const here = pool.connections.findByPeerId(host.pool.peerId) !== undefined
        if (there !== here) oneSided.push(`${pool.peerId} in minute ${minute}`)
      }
    }
    perMinute.push(knocks.splice(0).length)
  }
  expect(oneSided).toEqual([])
  expect(host.pool.activeConnections).toBeGreaterThanOrEqual(3)
  for (const count of perMinute.slice(1)) expect(count, `in each minute: ${perMinute}`).toBeLessThanOrEqual(2 * 40)
})

it('who asks a full node again at once, again and again, keeps no trusted peer out', async () => {
  const world = new World(2)
  const host = await world.start('host', { minConnections: 0, expectedConnections: 4, maxConnections: 5 })
  const pushing = await Promise.all(Array.from({ length: 12 }, (_, i) => world.start(`pushing${i}`)))
  let isOver = false
  const push = async ({ pool }: (typeof pushing)[number]): Promise<void> => {
    while (!isOver) {
      await pool.connect(host.network.point).catch(() => undefined)
      await new Promise((resolve) => world.clock.schedule(100, () => resolve(undefined)))
    }
  }
  for (const one of pushing) void push(one)
  await world.clock.advance(2_000)
  for (let i = 0; i < 3; i++) {
    const friend = await world.start(`friend${i}`)
    host.pool.peers.trust(friend.pool.peerId)
    await world.clock.until(friend.pool.connect(host.network.point), 10_000)
    await world.clock.advance(1_000)
    expect(host.pool.connections.findByPeerId(friend.pool.peerId)).toBeDefined()
    expect(host.pool.activeConnections).toBeLessThanOrEqual(5)
  }
  isOver = true
  await world.clock.advance(1_000)
})
