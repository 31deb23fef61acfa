/**
 * A pool in networks of unmodified js-libp2p nodes, found by the discoveries of libp2p: bootstrap list, Kademlia DHT, mDNS.
 * Real sockets on the loopback, the settings of libp2p as they come, but for one: its keep-alive tries for eight seconds here, not for 31.
 */
import os from 'node:os'
import { bootstrap } from '@libp2p/bootstrap'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { type Ping, ping } from '@libp2p/ping'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { maintenanceBounds } from '../../src/core/values/bounds.ts'
import { type PoolNode, plainNode, pointOf, poolNode, until } from './plain-nodes.ts'

const kad = '/test/kad/1.0.0'
const band = { minConnections: 3, expectedConnections: 5, maxConnections: 9 }
const bounds = maintenanceBounds({ min: 3, expected: 5, max: 9 })

const nodes: Libp2p[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

function kept<N extends Libp2p>(node: N): N {
  nodes.push(node)
  return node
}

/** libp2p's keep-alive tries five times, and doubles the pause each time. */
const quickKeepAlive = { reconnectRetryInterval: 250 }

/** The DHT keeps loopback addresses to itself unless told otherwise. */
function dht(clientMode: boolean): { ping: () => Ping; dht: () => KadDHT } {
  const services = { ping: ping(), dht: kadDHT({ protocol: kad, clientMode, peerInfoMapper: passthroughMapper }) }
  return services as unknown as { ping: () => Ping; dht: () => KadDHT }
}

function active({ services }: PoolNode): number {
  return services.pool.activeConnections
}

describe('a network of the Kademlia DHT that one bootstrap node is known of', () => {
  /** A node that stops and comes back where and as who it was. */
  class Neighbour {
    readonly #make: () => Promise<Libp2p>
    node: Libp2p

    private constructor(node: Libp2p, make: () => Promise<Libp2p>) {
      this.node = node
      this.#make = make
    }

    static async start(list: readonly string[]): Promise<Neighbour> {
      const privateKey = await generateKeyPair('Ed25519')
      const make = (listen: string) => async (): Promise<Libp2p> =>
        kept(
          await plainNode({
            privateKey,
            addresses: { listen: [listen] },
            peerDiscovery: [bootstrap({ list: [...list] })],
            services: dht(false)
          })
        )
      const node = await make('/ip4/127.0.0.1/tcp/0')()
      return new Neighbour(node, make(pointOf(node)))
    }

    async comeBack(): Promise<void> {
      this.node = await this.#make()
    }
  }

  test('a pool reaches its band and holds it; it finds nodes again that were away when libp2p’s keep-alive has given them up', async () => {
    const first = kept(await plainNode({ services: dht(false) }))
    const list = first.getMultiaddrs().map(String)
    // As many as libp2p tries to reach at once.
    const neighbours = await Promise.all(Array.from({ length: 5 }, () => Neighbour.start(list)))
    const started = performance.now()
    const reconnection = { afterConnectionMs: 2_000 }
    const node = kept(
      await poolNode({ requiredProtocols: [kad], ...band, reconnection }, { peerDiscovery: [bootstrap({ list })], services: dht(true) })
    )

    await until(() => active(node) >= bounds.minTarget, 20_000)
    const reachedMs = performance.now() - started
    expect(node.services.pool.connections.list().every(({ kind }) => kind === 'plain')).toBe(true)

    // Beside it: a node that keeps the same neighbours alive by libp2p's own means.
    const other = kept(await plainNode({ connectionManager: quickKeepAlive }))
    const given = new Set<string>()
    other.addEventListener('peer:reconnect-failure' as 'peer:disconnect', ({ detail }) => given.add(detail.toString()))
    for (const neighbour of neighbours) {
      await other.dial(neighbour.node.getMultiaddrs())
      await other.peerStore.merge(neighbour.node.peerId, { tags: { 'keep-alive-neighbour': { value: 1 } } })
    }
    const outside: number[] = []
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      if (active(node) < bounds.minThreshold || active(node) > bounds.maxThreshold) outside.push(active(node))
    }
    expect(outside).toEqual([])

    await Promise.all(neighbours.map((neighbour) => neighbour.node.stop()))
    await until(() => active(node) <= 1, 5_000)
    await until(() => given.size === neighbours.length, 45_000)
    await Promise.all(neighbours.map((neighbour) => neighbour.comeBack()))
    const back = performance.now()
    await until(() => active(node) >= bounds.minTarget, 15_000)
    const healedMs = performance.now() - back
    const dialed = node.services.pool.connections.list().filter(({ direction, host }) => direction === 'outgoing' && host !== undefined)
    expect(dialed.filter(({ peerId }) => peerId !== first.peerId.toString()).length).toBeGreaterThan(0)
    expect(other.getPeers()).toEqual([])
    console.log(
      `bootstrap and DHT: in the band after ${Math.round(reachedMs)} ms; back in it ${Math.round(healedMs)} ms after the nodes came back`
    )
  }, 90_000)
})

test('mDNS finds a node on the same network, and the pool connects with it', async () => {
  // A machine that has the loopback only: no packet leaves it.
  const loopback = Object.entries(os.networkInterfaces()).filter(([, addresses]) => addresses?.every(({ internal }) => internal))
  vi.spyOn(os, 'networkInterfaces').mockReturnValue(Object.fromEntries(loopback))
  const discovery = mdns({ port: 20_000 + Math.floor(Math.random() * 20_000), interval: 500 })
  const other = kept(await plainNode({ peerDiscovery: [discovery] }))
  const found = kept(await poolNode({ minConnections: 1, expectedConnections: 1 }, { peerDiscovery: [discovery] }))
  await until(() => active(found) === 1, 10_000)
  expect(found.services.pool.connections.findByPoint(pointOf(other))).toMatchObject({ kind: 'plain', direction: 'outgoing' })
  expect(found.services.pool.points.info(pointOf(other))).toMatchObject({
    discoverySource: 'discovery',
    discoveredPeerId: other.peerId.toString()
  })
})
