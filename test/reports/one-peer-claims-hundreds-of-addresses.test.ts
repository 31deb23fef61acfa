import { describe, expect, it } from 'vitest'
import type { Point } from '../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../support/hostile-peer.ts'
import { World } from '../support/pools.ts'

const honestCount = 20
/** What one peer may have in the table, however often it comes back. */
const fewPoints = 40

async function amongHonest() {
  const world = new World(1)
  const me = await world.start('me', { minConnections: 0, expectedConnections: 5, maxConnections: 60 })
  const honest = await Promise.all(Array.from({ length: honestCount }, (_, i) => world.start(`honest${i}`)))
  for (const { network } of honest) {
    await world.clock.until(me.pool.connect(network.point))
    await world.clock.until(
      me.pool.connections.findByPoint(network.point)?.disconnect({ kind: 'explicit', text: 'later' }) ?? Promise.resolve()
    )
  }
  const isKept = (): number => honest.filter(({ network }) => me.pool.points.info(network.point) !== undefined).length
  const foreign = (): number => [...me.pool.points.known()].length - isKept()
  return { world, me, isKept, foreign }
}

describe('one peer that gives hundreds of addresses as its own', () => {
  let next = 0
  /** At ever new hosts. */
  const addresses = (count: number): Point[] =>
    Array.from({ length: count }, () => `/ip4/${100 + (next >> 8)}.${next++ & 255}.7.7/tcp/4001` as Point)

  it('in its Hello, at each of forty visits, has few of them known, and the honest stay', async () => {
    const { world, me, isKept, foreign } = await amongHonest()
    for (let visit = 0; visit < 40; visit++) {
      const liar = new HostilePeer(world, 'liar', '/ip4/99.1.1.1/tcp/4001')
      const link = await liar.dial(me.network.point)
      say(link, helloOf({ points: addresses(8), instance: Uint8Array.of(visit, 2, 3, 4, 5, 6, 7, 8) }))
      await world.clock.advance(100)
      say(link, { kind: 'ack' })
      await world.clock.advance(11_000)
      await link.close()
      await world.clock.advance(1_000)
    }
    expect(foreign()).toBeGreaterThan(0)
    expect(foreign()).toBeLessThanOrEqual(fewPoints)
    expect(isKept()).toBe(honestCount)
  })

  it('in message after message of one connection, has few of them known, and the honest stay', async () => {
    const { world, me, isKept, foreign } = await amongHonest()
    const liar = new HostilePeer(world, 'liar', '/ip4/99.1.1.1/tcp/4001')
    const link = await liar.dial(me.network.point)
    say(link, helloOf())
    await world.clock.advance(100)
    say(link, { kind: 'ack' })
    for (let message = 0; message < 200; message++) {
      await world.clock.advance(3_000)
      say(link, { kind: 'advertise', points: addresses(24), ownPoints: addresses(8) })
    }
    await world.clock.advance(1_000)
    expect(liar.end).toBe('open')
    expect(foreign()).toBeGreaterThan(0)
    expect(foreign()).toBeLessThanOrEqual(fewPoints)
    expect(isKept()).toBe(honestCount)
  })
})
