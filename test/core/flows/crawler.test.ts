/** Somebody who asks a pool for its points as often as he can, to read off the whole table. */
import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/core/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, World } from '../../support/pools.ts'

const knownPoints = 400
const hourMs = 3_600_000

/** A pool that met 400 peers, each at a host of its own. */
async function wellConnected(options: Parameters<World['make']>[1] = {}): Promise<{ world: World; a: Member; known: Set<string> }> {
  const world = new World()
  const a = await world.start('a', { point: '/ip4/203.0.113.9/tcp/4001', allowPrivatePoints: false, ...options })
  for (let i = 0; i < knownPoints; i++) {
    const point = `/ip4/${20 + (i % 80)}.${1 + Math.floor(i / 80)}.7.1/tcp/4001`
    const link = await new HostilePeer(world, `peer${i}`, point).dial(a.network.point)
    say(link, helloOf({ points: [point] }), { kind: 'ack' })
    await world.clock.advance(50)
    await link.close()
  }
  await world.clock.advance(60_000)
  const known = new Set<string>(a.pool.listKnownPoints({ ignorePrivate: true, size: 1_000 }))
  expect(known.size).toBeGreaterThan(0.95 * knownPoints)
  return { world, a, known }
}

/** Keeps all points that were told, by whatever message. */
function takeDown(crawler: HostilePeer, told: Set<string>): void {
  for (const message of crawler.heard) {
    if (message.kind === 'advertise' || message.kind === 'nack') for (const point of message.points) told.add(point)
    if (message.kind === 'swap-ack' || message.kind === 'swap-request') told.add(message.point)
  }
}

describe('a crawler reads a quarter of the table in an hour at most', () => {
  it('over one connection, whatever it says that it can dial', async () => {
    const { world, a, known } = await wellConnected()
    const crawler = new HostilePeer(world, 'crawler', '/ip4/198.51.100.9/tcp/4001')
    const link = await crawler.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    const transports = [[], ['tcp'], ['ws', 'wss'], ['tcp', 'webrtc']]
    for (let spentMs = 0; spentMs < hourMs; spentMs += 5_000) {
      say(link, { kind: 'bootstrap', transports: transports[(spentMs / 5_000) % transports.length] ?? [] })
      await world.clock.advance(5_000)
    }
    const told = new Set<string>()
    takeDown(crawler, told)
    expect(told.size).toBeGreaterThan(0.15 * known.size)
    expect(told.size).toBeLessThanOrEqual(0.25 * known.size)
  })

  it('under ever new ids, from many hosts of its address group', async () => {
    const { world, a, known } = await wellConnected()
    const told = new Set<string>()
    for (let n = 0; n < 360; n++) {
      const crawler = new HostilePeer(world, `crawler${n}`, `/ip4/198.51.${n % 100}.${1 + (n % 200)}/tcp/4001`)
      const link = await crawler.dial(a.network.point)
      say(link, helloOf(), { kind: 'ack' }, ...Array(5).fill({ kind: 'bootstrap', transports: [] }))
      await world.clock.advance(hourMs / 360)
      takeDown(crawler, told)
      await link.close()
    }
    expect(told.size).toBeGreaterThan(0.15 * known.size)
    expect(told.size).toBeLessThanOrEqual(0.25 * known.size)
  })

  it('by being refused, also beside a peer that is connected', async () => {
    const { world, a, known } = await wellConnected({ minConnections: 0, expectedConnections: 0, maxConnections: 2 })
    const told = new Set<string>()
    const stays = new HostilePeer(world, 'stays', '/ip4/198.51.3.3/tcp/4001')
    const link = await stays.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    await world.clock.advance(100)
    await world.clock.until(a.pool.connect((await world.start('friend', { point: '/ip4/192.0.2.1/tcp/4001' })).network.point))
    let nacks = 0
    for (let n = 0; n < 360; n++) {
      const crawler = new HostilePeer(world, `crawler${n}`, `/ip4/198.51.${n % 100}.${1 + (n % 200)}/tcp/4001`)
      say(await crawler.dial(a.network.point), helloOf())
      say(link, { kind: 'bootstrap', transports: [] })
      await world.clock.advance(hourMs / 360)
      nacks += crawler.kinds().filter((kind) => kind === 'nack').length
      takeDown(crawler, told)
    }
    takeDown(stays, told)
    expect(nacks).toBeGreaterThan(300)
    expect(told.size).toBeLessThanOrEqual(0.25 * known.size)
  })

  it('and another address group gets other points', async () => {
    const { world, a } = await wellConnected()
    const heardAt = async (name: string, point: string): Promise<Set<string>> => {
      const peer = new HostilePeer(world, name, point)
      say(await peer.dial(a.network.point), helloOf(), { kind: 'ack' }, ...Array(5).fill({ kind: 'bootstrap', transports: [] }))
      await world.clock.advance(1_000)
      const told = new Set<string>()
      takeDown(peer, told)
      return told
    }
    const [here, there] = [await heardAt('here', '/ip4/198.51.1.1/tcp/4001'), await heardAt('there', '/ip4/192.0.2.1/tcp/4001')]
    expect(here.size).toBeGreaterThan(50)
    expect([...here].filter((point) => there.has(point as Point)).length).toBeLessThan(here.size / 2)
  })
})
