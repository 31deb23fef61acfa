import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { ConnectionGater } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool, withPool } from '../../src/libp2p/index.ts'

const init: PeerPoolInit = {
  network: 'test',
  minConnections: 0,
  expectedConnections: 0,
  maxConnections: 10,
  inboundConnectionThreshold: 1_000
}

describe('withPool', () => {
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  const start = async (options: Pick<Libp2pOptions, 'connectionGater' | 'connectionManager'> = {}) => {
    const node = await createLibp2p(
      withPool(
        {
          addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
          transports: [tcp()],
          services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
          ...options
        },
        init
      )
    )
    stops.push(async () => node.stop())
    return node
  }
  const connect = async (from: Libp2pPeerPool, to: Libp2pPeerPool) => {
    const [point] = to.network.ownPoints()
    if (point === undefined) throw new Error('it listens nowhere')
    return from.connect(point)
  }

  test('adds the pool to services of the user, which stay typed and work beside it', async () => {
    const [a, b] = await Promise.all([start(), start()])
    const got = new Promise<string>((resolve) => {
      b.services.pubsub.addEventListener('message', ({ detail }) => resolve(new TextDecoder().decode(detail.data)))
    })
    b.services.pubsub.subscribe('news')
    await connect(a.services.pool, b.services.pool)
    await vi.waitFor(() => expect(a.services.pubsub.getSubscribers('news')).toHaveLength(1), 5_000)
    // Gossipsub drops what it publishes before its stream to a subscriber is open.
    const publishing = setInterval(() => a.services.pubsub.publish('news', new TextEncoder().encode('hello')).catch(() => undefined), 200)
    expect(await got.finally(() => clearInterval(publishing))).toBe('hello')
    expect(b.services.pool.activeConnections).toBe(1)
  })

  test('a connection that the gater of the user denies is denied, and so is one that the pool denies', async () => {
    const denied: string[] = []
    class Gater implements ConnectionGater {
      readonly closed = new Set<string>()
      denyDialPeer = (peerId: { toString(): string }): boolean => {
        denied.push(peerId.toString())
        return this.closed.has(peerId.toString())
      }
    }
    const gater = new Gater()
    const [a, b] = await Promise.all([start({ connectionGater: gater }), start()])
    const [address] = b.getMultiaddrs()
    if (address === undefined) throw new Error('it listens nowhere')
    gater.closed.add(b.peerId.toString())
    await expect(a.dial(address)).rejects.toMatchObject({ name: 'DialDeniedError' })
    gater.closed.clear()
    await a.services.pool.peers.ban(b.services.pool.peerId)
    await expect(a.dial(address)).rejects.toMatchObject({ name: 'DialDeniedError' })
    a.services.pool.peers.unban(b.services.pool.peerId)
    expect((await a.dial(address)).status).toBe('open')
    expect(denied).toContain(b.peerId.toString())
  })

  test('options of the user win over those that go with the pool', () => {
    const resolver = { canResolve: () => false, resolve: async () => [] }
    const options = withPool(
      { connectionManager: { dialTimeout: 1, resolvers: { dnsaddr: resolver } }, connectionMonitor: { enabled: true } },
      init
    )
    expect(options.connectionManager).toMatchObject({ dialTimeout: 1, reconnectRetries: 0, resolvers: { dnsaddr: resolver } })
    expect(options.connectionMonitor).toEqual({ enabled: true })
    expect(options.connectionEncrypters).toHaveLength(1)
    expect(options.streamMuxers).toHaveLength(1)
  })

  test('takes what peerPool returned', () => {
    const pool = peerPool(init)
    const options = withPool({}, pool)
    expect(options.services?.pool).toBe(pool)
    expect(options.connectionGater).toBe(pool.gater)
  })

  test('refuses a second pool, and options that make no sense', () => {
    expect(() => withPool({ services: { pool: () => 1 } }, init)).toThrow('withPool: services.pool is there already')
    expect(() => withPool({}, { network: '' })).toThrow('network: expected a text of 1 to 64 bytes')
  })
})
