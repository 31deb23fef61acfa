/** How a page gets and keeps a relay: the page's own part of it, in Node, with a Node peer as relay. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { test as base, describe, expect, vi } from 'vitest'
import { createNodePeer, type NodePeer, peerPool } from '../../node/index.ts'
import { PageRelays } from '../../web/page-relays.ts'

/** Of one test: what it started is stopped when it ends. */
type Stops = (() => unknown)[]

// Most of the time passes in waiting, so the tests wait together.
const test = base.extend<{ stops: Stops }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  stops: async ({}, use) => {
    const stops: Stops = []
    await use(stops)
    await Promise.all(stops.map((stop) => stop()))
  }
})

const privateKey = await generateKeyPair('Ed25519')

/** `maxReservations` 0: a peer that is no relay. */
async function startRelay(stops: Stops, listen: string, maxReservations: number): Promise<NodePeer> {
  const band = { minConnections: 0, expectedConnections: 0, maxConnections: 20 }
  const relay = await createNodePeer({
    network: 'test',
    listen: [listen],
    ...band,
    inboundConnectionThreshold: 1_000,
    privateKey,
    relay: maxReservations > 0 && { maxReservations }
  })
  stops.push(() => relay.stop())
  return relay
}

const addressOf = (relay: NodePeer): string => `${relay.pool.network.ownPoints()[0]}/p2p/${relay.pool.peerId}`

async function startGuest(stops: Stops, listen: string[], trustedPoints: string[] = []) {
  const relays = new PageRelays(listen)
  const pool = peerPool({
    network: 'test',
    minConnections: 1,
    expectedConnections: 1,
    maxConnections: 4,
    trustedPoints: [...trustedPoints, ...relays.trustedPoints]
  })
  let reservations: { readonly relayFilter: { has(item: Uint8Array): boolean } } | undefined
  const node = await createLibp2p({
    addresses: { listen: [...relays.listen] },
    transports: [
      webSockets(),
      (components) => {
        const transport = relays.transport(components)
        reservations = (transport as unknown as { reservationStore: typeof reservations }).reservationStore
        return transport
      }
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: pool.gater,
    services: { identify: identify(), pool }
  })
  const end = relays.keep(node, node.services.pool)
  const stop = async (): Promise<void> => {
    end()
    await node.stop()
  }
  stops.push(stop)
  const isHeld = (held: number): Promise<void> => vi.waitFor(() => expect(relays.status.held).toBe(held), { timeout: 12_000, interval: 50 })
  const storedProtocols = async (id: PeerId): Promise<string[]> => (await node.peerStore.get(id).catch(() => undefined))?.protocols ?? []
  /** libp2p has asked it in vain. */
  const isGivenUp = (id: PeerId): boolean => reservations?.relayFilter.has(id.toMultihash().bytes) === true
  return { relays, node, stop, isHeld, storedProtocols, isGivenUp }
}

/** Another peer comes to the guest over the relay, and both prove who they are. */
async function reaches(relay: NodePeer, guest: { readonly node: Libp2p }): Promise<void> {
  const visitor = await createLibp2p({
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  try {
    const connection = await visitor.dial(multiaddr(`${addressOf(relay)}/p2p-circuit/p2p/${guest.node.peerId}`))
    expect(connection.remotePeer.equals(guest.node.peerId)).toBe(true)
  } finally {
    await visitor.stop()
  }
}

describe.concurrent('a page and its relay', () => {
  test('a relay with three reservations serves thirty visits, one after the other, and the 31st page is reachable at once', async ({
    stops
  }) => {
    const relay = await startRelay(stops, '/ip4/127.0.0.1/tcp/0/ws', 3)
    for (let visit = 1; visit <= 30; visit++) {
      const guest = await startGuest(stops, ['/p2p-circuit'], [addressOf(relay)])
      await guest.isHeld(1)
      await guest.stop()
    }
    const guest = await startGuest(stops, ['/p2p-circuit'], [addressOf(relay)])
    await vi.waitFor(() => expect(guest.relays.status.held).toBe(1), { timeout: 5_000, interval: 20 })
    await reaches(relay, guest)
    expect(relay.relay?.status()).toEqual({ used: 1, max: 3, left: 2 })
  })

  test('a page that a full relay refused has a reservation soon after one is free', async ({ stops }) => {
    const relay = await startRelay(stops, '/ip4/127.0.0.1/tcp/0/ws', 1)
    const first = await startGuest(stops, ['/p2p-circuit'], [addressOf(relay)])
    await first.isHeld(1)
    const second = await startGuest(stops, ['/p2p-circuit'], [addressOf(relay)])
    await vi.waitFor(() => expect(second.node.getConnections().length).toBe(1))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(second.relays.status).toEqual({ held: 0, wanted: 1 })
    await first.stop()
    await second.isHeld(1)
  })

  test('a named relay that is down does not fail the start, and is used as soon as it is up, and again after a restart', async ({
    stops
  }) => {
    const placeholder = await startRelay(stops, '/ip4/127.0.0.1/tcp/0/ws', 4)
    const address = addressOf(placeholder)
    const listen = address.slice(0, address.indexOf('/p2p/'))
    await placeholder.stop()
    const guest = await startGuest(stops, [`${address}/p2p-circuit`])
    expect(guest.relays.status).toEqual({ held: 0, wanted: 1 })
    for (let start = 0; start <= 1; start++) {
      const relay = await startRelay(stops, listen, 4)
      await guest.isHeld(1)
      await reaches(relay, guest)
      await relay.stop()
      await guest.isHeld(0)
    }
  }, 60_000)

  test('a relay that was none for a while is asked again when it is one', async ({ stops }) => {
    const none = await startRelay(stops, '/ip4/127.0.0.1/tcp/0/ws', 0)
    const address = addressOf(none)
    const guest = await startGuest(stops, [`${address}/p2p-circuit`])
    const id = none.node.peerId
    await vi.waitFor(async () => expect((await guest.storedProtocols(id)).length).toBeGreaterThan(0), { timeout: 12_000 })
    // As remembered from before. So the page asks in vain, and then libp2p will not ask it any more.
    await guest.node.peerStore.merge(id, { protocols: ['/libp2p/circuit/relay/0.2.0/hop'] })
    await vi.waitFor(() => expect(guest.isGivenUp(id)).toBe(true), { timeout: 12_000 })
    await none.stop()
    await startRelay(stops, address.slice(0, address.indexOf('/p2p/')), 4)
    await guest.isHeld(1)
  }, 60_000)

  test('no other relay takes the place of a named one', async ({ stops }) => {
    const named = '/ip4/127.0.0.1/tcp/9/ws/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'
    const relay = await startRelay(stops, '/ip4/127.0.0.1/tcp/0/ws', 4)
    const guest = await startGuest(stops, [named], [addressOf(relay)])
    await vi.waitFor(() => expect(guest.node.getConnections().length).toBe(1))
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(guest.relays.status).toEqual({ held: 0, wanted: 1 })
  })
})
