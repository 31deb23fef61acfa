/** A peer that the operator disconnected stays away for a while, whichever of the two would dial first. */
import { describe, expect, test } from 'vitest'
import type { Point } from '../../../src/core/index.ts'
import { type Member, World } from '../../support/pools.ts'

const band = { minConnections: 1, expectedConnections: 1, maxConnections: 4 }
const awayMs = 60_000
/** Jitter takes a fifth, and below the minimum the wait is 50 s. */
const leastMs = 40_000

describe.each([
  { whose: 'both keep a band', trusted: false, theirs: {} },
  { whose: 'it is trusted', trusted: true, theirs: {} },
  { whose: 'the other side would come back after a second', trusted: false, theirs: { reconnection: { afterConnectionMs: 1_000 } } }
])('a peer that is disconnected by hand, where $whose', ({ trusted, theirs }) => {
  async function pair(): Promise<{ world: World; a: Member; b: Member; to: Point }> {
    const world = new World()
    const a = await world.start('a', band)
    const b = await world.start('b', { ...band, ...theirs })
    const to = b.network.ownPoints()[0] as Point
    await world.clock.until(a.pool.connect(to))
    if (trusted) a.pool.points.trust(to)
    await world.clock.advance(20_000)
    return { world, a, b, to }
  }

  test('is dialed by neither side for most of a minute, and then again', async () => {
    const { world, a, b } = await pair()
    await world.clock.until(a.pool.disconnect(b.pool.peerId))
    await world.clock.advance(leastMs - 1_000)
    expect([a.pool.activeConnections, b.pool.activeConnections]).toEqual([0, 0])
    expect(a.pool.explain(b.pool.peerId).nextTryInMs).toBeGreaterThan(0)
    await world.clock.advance(2 * awayMs)
    expect(a.pool.activeConnections).toBe(1)
    await world.stop()
  })

  test('is back at once when the operator connects to it', async () => {
    const { world, a, b, to } = await pair()
    await world.clock.until(a.pool.disconnect(b.pool.peerId))
    await world.clock.until(a.pool.connect(to))
    expect(a.pool.connections.findByPeerId(b.pool.peerId)).toBeDefined()
    await world.stop()
  })
})
