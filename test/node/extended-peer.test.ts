import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createNodePeer, type NodePeerInit } from '../../node/index.ts'

const band = { minConnections: 0, expectedConnections: 0, maxConnections: 10 }
const own = { network: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], inboundConnectionThreshold: 1_000, ...band } satisfies NodePeerInit

describe('createNodePeer adds what the user brings', () => {
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  const startWithPubsub = async () => {
    const peer = await createNodePeer({ ...own, services: { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) } })
    stops.push(peer.stop)
    return peer
  }

  test('gossipsub as a service carries a message over a connection of the pool', async () => {
    const [a, b] = await Promise.all([startWithPubsub(), startWithPubsub()])
    const got: string[] = []
    b.node.services.pubsub.addEventListener('message', ({ detail }) => got.push(new TextDecoder().decode(detail.data)))
    b.node.services.pubsub.subscribe('news')
    const [point] = b.pool.network.ownPoints()
    if (point === undefined) throw new Error('it listens nowhere')
    await a.pool.connect(point)
    await vi.waitFor(() => expect(a.node.services.pubsub.getSubscribers('news')).toHaveLength(1), 5_000)
    // A subscriber is known before Gossipsub has a stream to it: what is published by then is lost.
    const heard = async (): Promise<void> => {
      await a.node.services.pubsub.publish('news', new TextEncoder().encode(`hello ${performance.now()}`))
      expect(got[0]).toMatch(/^hello /)
    }
    await vi.waitFor(heard, { timeout: 15_000, interval: 200 })
  })

  test('a service that never stops does not hold up `stop`, and the pool has stopped and saved', async () => {
    const stuck = { start: () => undefined, stop: () => new Promise<void>(() => undefined) }
    const peer = await createNodePeer({ ...own, services: { stuck: () => stuck } })
    const before = performance.now()
    await peer.stop()
    expect(performance.now() - before).toBeLessThan(7_000)
    expect(peer.pool.status).not.toBe('running')
  })

  test('a transport of the user works beside those of the preset', async () => {
    const relay = await createNodePeer({ ...own, relay: { open: true } })
    stops.push(relay.stop)
    const [address] = relay.node.getMultiaddrs()
    const guest = await createNodePeer({ ...own, listen: [...own.listen, `${address}/p2p-circuit`], transports: [circuitRelayTransport()] })
    stops.push(guest.stop)
    const other = await createNodePeer({ ...own, transports: [circuitRelayTransport()] })
    stops.push(other.stop)
    const connection = await other.node.dial(multiaddr(`${address}/p2p-circuit/p2p/${guest.node.peerId}`))
    expect(connection.remotePeer.equals(guest.node.peerId)).toBe(true)
  })

  test('a datastore and a discovery of the user are those of the node', async () => {
    const stored: string[] = []
    const none: never[] = []
    const datastore = {
      has: async () => false,
      get: async () => Promise.reject(Object.assign(new Error('not there'), { name: 'NotFoundError' })),
      put: async (key: object) => stored.push(String(key)),
      query: () => none
    }
    const discovery = Object.assign(new EventTarget(), { safeDispatchEvent: () => true })
    const discoveryOf = vi.fn(() => discovery)
    const peerDiscovery = [discoveryOf]
    const peer = await createNodePeer({ ...own, ...({ datastore, peerDiscovery } as object) })
    stops.push(peer.stop)
    await peer.node.peerStore.merge(peer.node.peerId, { metadata: { here: new Uint8Array([1]) } })
    expect(stored).toContainEqual(expect.stringMatching(/^\/peers\//))
    expect(discoveryOf).toHaveBeenCalledTimes(1)
  })

  test.each<readonly [string, object, string]>([
    [
      'a service with a name of the preset',
      { services: { identify: () => 1 } },
      'services.identify: the preset has a service of this name'
    ],
    ['the pool a second time', { services: { pool: () => 1 } }, 'services.pool: the preset has a service of this name'],
    ['a service that is no factory', { services: { pubsub: {} } }, 'services.pubsub: expected a function, got an object'],
    ['services that are no record', { services: 'pubsub' }, 'services: expected an object with options, got "pubsub"'],
    ['a transport that is no factory', { transports: [{}] }, 'transports[0]: expected a function, got an object'],
    ['metrics that are no factory', { metrics: true }, 'metrics: expected a function, got true'],
    ['a datastore that is none', { datastore: {} }, 'datastore: expected an object with get(), put(), got an object']
  ])('refuses %s before anything runs', async (_name, options, message) => {
    await expect(createNodePeer({ ...own, ...options })).rejects.toMatchObject({ code: 'invalid-config', message })
  })
})
