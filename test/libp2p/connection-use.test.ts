/** What counts as another protocol's use of a connection, on real sockets; and that pruning goes by it. */
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { KEEP_ALIVE, type ServiceMap, type StreamHandler } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { type Libp2pPeerPool, type PeerPoolInit, withPool } from '../../src/libp2p/index.ts'
import { plainNode, pointOf, until } from './plain-nodes.ts'

const exchange = '/blocks/1.0.0'
type Node = Libp2p<{ pool: Libp2pPeerPool }>

/** As bitswap does: a stream for each message, closed at once. */
const closes: StreamHandler = (stream) => void stream.close()
const holds: StreamHandler = () => undefined

describe('another protocol on a connection of the pool', () => {
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  const start = async (init: Partial<PeerPoolInit> = {}, services: ServiceMap = {}): Promise<Node> => {
    const node = await createLibp2p(
      withPool(
        {
          addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
          transports: [tcp()],
          services: { identify: identify(), ...(services as object) }
        },
        {
          network: 'test',
          ...{ minConnections: 0, expectedConnections: 0, maxConnections: 32, inboundConnectionThreshold: 1_000, ...init }
        }
      )
    )
    stops.push(async () => node.stop())
    return node as unknown as Node
  }
  const useOf = (node: Node, of: Libp2p) => node.services.pool.connections.list().find(({ peerId }) => peerId === of.peerId.toString())?.use
  const connected = async (a: Node, b: Node) => {
    await a.services.pool.connect(pointOf(b))
    await until(() => b.services.pool.activeConnections > 0)
  }

  test('is a use while a stream that we opened is open, and for a minute after; not for the side that only answers', async () => {
    const [a, b] = await Promise.all([start(), start()])
    await b.handle(exchange, closes)
    await connected(a, b)
    expect([useOf(a, b), useOf(b, a)]).toEqual([undefined, undefined])
    const stream = await a.dialProtocol(b.peerId, exchange)
    expect(useOf(a, b)).toBe('used')
    await stream.close()
    await until(() => a.getConnections()[0]?.streams.every(({ protocol }) => protocol !== exchange) === true)
    expect([useOf(a, b), useOf(b, a)]).toEqual(['used', undefined])
  })

  test('is none by what the other side opens, nor by streams of libp2p itself', async () => {
    const [a, b] = await Promise.all([start(), start()])
    await a.handle(exchange, holds)
    await connected(a, b)
    await b.dialProtocol(a.peerId, exchange)
    await a.services.pool.connections.list()[0]?.probe(AbortSignal.timeout(5_000))
    await until(() => a.getConnections()[0]?.streams.some(({ protocol }) => protocol === exchange) === true)
    expect(useOf(a, b)).toBeUndefined()
  })

  test('a tag of libp2p by which the application keeps a peer counts, before and after it is connected', async () => {
    const [a, b, c] = await Promise.all([start(), start(), start()])
    await a.peerStore.merge(b.peerId, { tags: { [`${KEEP_ALIVE}-mine`]: {} } })
    await connected(a, b)
    await connected(a, c)
    await until(() => useOf(a, b) === 'kept')
    await a.peerStore.merge(c.peerId, { tags: { [KEEP_ALIVE]: {}, other: {} } })
    await until(() => useOf(a, c) === 'kept')
    await a.peerStore.merge(c.peerId, { tags: { [KEEP_ALIVE]: undefined } })
    await until(() => useOf(a, c) === undefined)
  })

  test('gossipsub is a use, and a narrower band prunes those that nothing uses', async () => {
    const services = () => ({ pubsub: gossipsub() }) as unknown as ServiceMap
    const a = await start({}, services())
    const [gossiping, silent] = await Promise.all([
      Promise.all(Array.from({ length: 4 }, () => start({}, services()))),
      Promise.all(Array.from({ length: 4 }, () => start()))
    ])
    // The silent ones are the oldest: by age alone two of them would stay.
    for (const other of [...silent, ...gossiping]) await other.services.pool.connect(pointOf(a))
    await until(() => gossiping.every((other) => useOf(a, other) === 'used'))
    a.services.pool.setBand({ min: 0, expected: 2, max: 8 })
    await until(() => a.services.pool.activeConnections <= 4)
    const left = a.services.pool.connections.list().map(({ peerId }) => peerId)
    expect(left).toEqual(expect.arrayContaining(gossiping.map(({ peerId }) => peerId.toString())))
  })

  test('a plain peer that is used stays, and one that nothing uses goes', async () => {
    const a = await start({ plainPeers: 'admit', requiredProtocols: [exchange] })
    const plain = await Promise.all([plainNode(), plainNode()])
    for (const node of plain) {
      stops.push(async () => node.stop())
      await node.handle(exchange, closes)
    }
    const [first, second] = plain as [Libp2p, Libp2p]
    await a.services.pool.connect(pointOf(first))
    await a.services.pool.connect(pointOf(second))
    await a.dialProtocol(second.peerId, exchange)
    expect([useOf(a, first), useOf(a, second)]).toEqual([undefined, 'used'])
    a.services.pool.setBand({ min: 0, expected: 1, max: 1 })
    await until(() => first.getConnections().length === 0)
    expect(useOf(a, second)).toBe('used')
  })
})
