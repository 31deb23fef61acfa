/** `rttMs` of a connection: measured by the handshake and by each liveness check. */
import { describe, expect, it } from 'vitest'
import { World } from '../../support/pools.ts'

const keepAliveIntervalMs = 60_000

/** Two connected pools on a network whose one-way delay the test sets. */
async function pair() {
  const network = { oneWayMs: 5 }
  const world = new World(1, () => network.oneWayMs)
  const [a, b] = [await world.start('a', { keepAliveIntervalMs }), await world.start('b', { keepAliveIntervalMs })]
  const connection = await world.clock.until(a.pool.connect(b.network.point))
  return { world, network, a, b, connection }
}

describe('the round trips of a connection', () => {
  it('are measured by the handshake, on both sides', async () => {
    const { a, b, world } = await pair()
    await world.clock.advance(100)
    for (const { pool } of [a, b]) expect(pool.snapshot().connections).toMatchObject([{ rttMs: { last: 10, least: 10 } }])
  })

  it('are measured again by each liveness check: the last one and the shortest one are kept', async () => {
    const { network, connection, world } = await pair()
    network.oneWayMs = 40
    await world.clock.advance(3 * keepAliveIntervalMs)
    expect(connection.rttMs).toEqual({ last: 80, least: 10 })
    network.oneWayMs = 2
    await world.clock.advance(3 * keepAliveIntervalMs)
    expect(connection.rttMs).toEqual({ last: 4, least: 4 })
  })

  it('are in the next snapshot, and not in the one of before', async () => {
    const { a, network, world } = await pair()
    await world.clock.advance(1_000)
    const before = a.pool.snapshot()
    network.oneWayMs = 40
    await world.clock.advance(3 * keepAliveIntervalMs)
    const after = a.pool.snapshot()
    expect(before.connections[0]?.rttMs).toEqual({ last: 10, least: 10 })
    expect(after.connections[0]?.rttMs).toEqual({ last: 80, least: 10 })
    expect(a.pool.snapshot()).toBe(after)
  })

  it('of a plain peer are unknown until the first liveness check', async () => {
    const world = new World(1, () => 5)
    const a = await world.start('a', { plainPeers: 'admit', requiredProtocols: ['/other/1.0.0'], keepAliveIntervalMs })
    const connection = await world.clock.until(a.pool.connect(world.plain('plain', '/other/1.0.0').point))
    expect(connection.rttMs).toBeNull()
    expect(a.pool.explain(connection.peerId).text).toMatch(/^connected, outgoing; kept, since /)
    await world.clock.advance(3 * keepAliveIntervalMs)
    expect(connection.rttMs).toEqual({ last: 10, least: 10 })
  })

  it('are named where a connected point or peer is explained', async () => {
    const { a, b } = await pair()
    expect(a.pool.explain(b.pool.peerId).text).toBe(
      `connected, outgoing, round trip 10 ms; kept, since up to ${a.pool.snapshot().bounds.maxTarget} are wanted`
    )
    expect(a.pool.explain(b.network.point).text).toBe(
      `connected with ${b.pool.peerId}, round trip 10 ms; kept, since up to ${a.pool.snapshot().bounds.maxTarget} are wanted`
    )
  })
})
