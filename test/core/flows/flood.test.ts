/** A peer that sends more pool messages than a peer has reason to. */
import { describe, expect, it } from 'vitest'
import { maxRates } from '../../../src/core/flows/exchange.ts'
import type { PeerId, Point } from '../../../src/core/index.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, record, World } from '../../support/pools.ts'

type Link = Awaited<ReturnType<HostilePeer['dial']>>

const point = '/ip4/198.51.100.77/tcp/4001'
const kinds: Readonly<Record<string, PoolMessage>> = {
  'empty SwapRequests': { kind: 'swap-request', point: '', peerId: '' },
  SwapRequests: { kind: 'swap-request', point, peerId: 'other' },
  'empty SwapAcks': { kind: 'swap-ack', point: '', peerId: '' },
  SwapAcks: { kind: 'swap-ack', point, peerId: 'other' },
  Bootstraps: { kind: 'bootstrap', transports: ['tcp'] },
  'empty Bootstraps': { kind: 'bootstrap', transports: [] },
  Advertises: { kind: 'advertise', points: [point], ownPoints: undefined },
  'empty Advertises': { kind: 'advertise', points: [], ownPoints: undefined },
  'empty lists of own points': { kind: 'advertise', points: [], ownPoints: [] },
  'lists of eight own points that are none': { kind: 'advertise', points: [], ownPoints: Array(8).fill('') }
}

async function victim(options: Parameters<World['make']>[1] = {}): Promise<{ world: World; a: Member; peer: HostilePeer; link: Link }> {
  const world = new World()
  const a = await world.start('a', { point: '/ip4/203.0.113.9/tcp/1', allowPrivatePoints: false, ...options })
  const peer = new HostilePeer(world, 'peer', '/ip4/198.51.100.9/tcp/1')
  const link = await peer.dial(a.network.point)
  say(link, helloOf(), { kind: 'ack' })
  await world.clock.advance(100)
  expect(a.pool.activeConnections).toBe(1)
  return { world, a, peer, link }
}

describe('a flood of pool messages is a fault', () => {
  for (const [name, message] of Object.entries(kinds)) {
    for (const discovery of [true, false]) {
      it(`${name}, with discovery switched ${discovery ? 'on' : 'off'}`, async () => {
        const { world, a, peer, link } = await victim({ discovery })
        const { capacity, perSecond } = maxRates.messages
        say(link, ...Array(capacity - 5).fill(message))
        await world.clock.advance(10_000)
        say(link, ...Array(5 * perSecond).fill(message))
        await world.clock.advance(1_000)
        expect(a.pool.activeConnections).toBe(1)
        const ended = record(a.pool, 'connection-closed')
        say(link, ...Array(2 * capacity).fill(message))
        await world.clock.advance(1_000)
        expect(ended.map(({ detail }) => detail.ending)).toMatchObject([{ by: 'us', reason: { kind: 'fault' } }])
        expect(a.pool.peers.isBanned(a.pool.parsePeerId('peer'))).toBe(true)
        expect(peer.kinds().at(-1)).toBe('disconnect')
      })
    }
  }

  it('messages of unknown kinds', async () => {
    const { world, a, link } = await victim()
    const { capacity } = maxRates.messages
    const unknown = (count: number): Uint8Array => Uint8Array.from({ length: 3 * count }, (_, i) => [2, 0x78, 0][i % 3] ?? 0)
    link.send(unknown(capacity - 5))
    await world.clock.advance(1_000)
    expect(a.pool.activeConnections).toBe(1)
    const ended = record(a.pool, 'connection-closed')
    link.send(unknown(2 * capacity))
    await world.clock.advance(1_000)
    expect(ended.map(({ detail }) => detail.ending)).toMatchObject([{ by: 'us', reason: { kind: 'fault' } }])
  })

  it.each([
    [16, 1],
    [17, 0]
  ])('%i messages of unknown kinds before the Hello: %i connections', async (count, connections) => {
    const world = new World()
    const a = await world.start('a', { point: '/ip4/203.0.113.9/tcp/1' })
    const peer = new HostilePeer(world, 'peer', '/ip4/198.51.100.9/tcp/1')
    const link = await peer.dial(a.network.point)
    for (let i = 0; i < count; i++) link.send(Uint8Array.of(2, 0x78, 0))
    say(link, helloOf(), { kind: 'ack' })
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(connections)
  })

  it('while application messages have no bound but how fast they are read', async () => {
    const { world, a, link } = await victim()
    const connection = a.pool.connections.findByPeerId('peer' as PeerId)
    let read = 0
    const reading = (async () => {
      for await (const _ of connection?.messages ?? []) read++
    })()
    say(link, ...Array(5_000).fill({ kind: 'application', payload: Uint8Array.of(1) }))
    await world.clock.advance(1_000)
    expect([read, a.pool.activeConnections]).toEqual([5_000, 1])
    await world.stop()
    await reading
  })
})

describe('what exceeds the rate of its kind is dropped', () => {
  it('own points', async () => {
    const { world, a, link } = await victim()
    const own = (n: number): Point => `/ip4/198.51.100.9/tcp/${4000 + n}` as Point
    say(link, ...Array(maxRates.ownPoints.capacity).fill({ kind: 'advertise', points: [], ownPoints: [own(1)] }))
    say(link, { kind: 'advertise', points: [], ownPoints: [own(2)] })
    await world.clock.advance(100)
    expect([a.pool.points.info(own(1)) !== undefined, a.pool.points.info(own(2))]).toEqual([true, undefined])
    await world.clock.advance(10_000)
    say(link, { kind: 'advertise', points: [], ownPoints: [own(2)] })
    await world.clock.advance(100)
    expect(a.pool.points.info(own(2))).toBeDefined()
  })

  it('offers of swaps', async () => {
    const { world, a, link } = await victim()
    const offers = record(a.pool, 'swap-request-received')
    const offer: PoolMessage = { kind: 'swap-request', point, peerId: 'other' }
    say(link, ...Array(100).fill(offer))
    await world.clock.advance(100)
    expect(offers).toHaveLength(maxRates.swaps.capacity)
  })
})
