/** What a stranger finds out about a peer in private mode: over real sockets, by libp2p's own protocols and by the pool's. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point } from '../../node/index.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import { helloOf } from '../support/hostile-peer.ts'

const nodes: { stop(): unknown }[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function stranger(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
    services: { identify: identify() }
  })
  nodes.push(node)
  return node
}

async function peer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const made = await createNodePeer({
    network: 'hidden-network',
    listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    inboundConnectionThreshold: 1_000,
    ...{ minConnections: 0, expectedConnections: 0, maxConnections: 10 },
    ...init
  })
  nodes.push(made)
  return made
}

/** The bare addresses: none of them says whose it is. */
function addressesOf({ pool }: NodePeer): Point[] {
  return [...pool.network.ownPoints()]
}

/** All that others told the node. */
async function told(node: Libp2p): Promise<string[]> {
  const peers = await node.peerStore.all()
  return peers.flatMap(({ protocols, addresses, peerRecordEnvelope, metadata }) => [
    ...protocols,
    ...addresses.flatMap(({ multiaddr: address, isCertified }) => (isCertified ? [address.toString()] : [])),
    ...(peerRecordEnvelope === undefined ? [] : ['a signed record']),
    // Where the node itself dialed somebody it notes by itself.
    ...[...metadata.keys()].filter((key) => !key.startsWith('last-dial-'))
  ])
}

/** Dials, and says Hello. Returns how many bytes come back. */
async function pry(node: Libp2p, address: Point): Promise<number> {
  try {
    const connection = await node.dial(multiaddr(address), { signal: AbortSignal.timeout(5_000) })
    const stream = await connection.newStream('/p2p-pool/1.0.0', { signal: AbortSignal.timeout(2_000) })
    AbortSignal.timeout(1_000).addEventListener('abort', () => stream.abort(new Error('nothing came')))
    stream.send(encodeMessages([helloOf()]))
    for await (const piece of stream) if (piece.byteLength > 0) return piece.byteLength
  } catch {
    // It was kept out at the one step or the other.
  }
  return 0
}

describe('an untrusted peer that dials a private peer', () => {
  test('learns no protocol, no address, no signed record and no network, by TCP and by WebSockets', async () => {
    const b = await peer()
    const a = await peer({
      privateMode: true,
      relay: true,
      trustedPoints: [{ point: addressesOf(b)[0] ?? '', expectedPeerId: b.pool.peerId }]
    })
    const node = await stranger()
    for (const address of addressesOf(a)) expect(await pry(node, address)).toBe(0)
    expect(await told(node)).toEqual([])
    expect(a.node.getConnections().filter(({ remotePeer }) => remotePeer.equals(node.peerId))).toEqual([])
    expect(await a.node.peerStore.has(node.peerId)).toBe(false)
  })

  test('is not dialed either, by whatever runs on the node', async () => {
    const a = await peer({ privateMode: true })
    const node = await stranger()
    for (const address of node.getMultiaddrs()) {
      await expect(a.node.dial(address)).rejects.toThrow()
      await expect(a.node.dial(address.decapsulate('/p2p'))).rejects.toThrow()
    }
    expect(await told(node)).toEqual([])
  })

  test('gets what it asks for from a peer that is not private', async () => {
    const [a, node] = await Promise.all([peer(), stranger()])
    expect(await pry(node, addressesOf(a)[0] as Point)).toBeGreaterThan(0)
    expect(await told(node)).toContain('/p2p-pool/1.0.0')
  })
})

describe('a trusted peer', () => {
  test('gets in by its id, in both directions, and identify works', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const expectedPeerId = peerIdFromPrivateKey(privateKey).toString()
    const a = await peer({ privateMode: true, trustedPoints: [{ point: '/ip4/127.0.0.1/tcp/9', expectedPeerId }] })
    const b = await peer({ privateKey })
    for (const address of addressesOf(a)) {
      const connection = await b.pool.connect(address)
      await expect.poll(() => b.node.peerStore.get(a.node.peerId).then(({ protocols }) => protocols)).toContain('/p2p-pool/1.0.0')
      await connection.disconnect({ kind: 'explicit', text: 'next' })
      await expect.poll(() => a.pool.activeConnections).toBe(0)
    }
    await a.pool.connect(addressesOf(b)[0] as Point, { expectedPeerId: b.pool.peerId })
    expect(a.pool.activeConnections).toBe(1)
  })

  test('loses its libp2p connections when it is trusted no more', async () => {
    const [a, b] = await Promise.all([peer({ privateMode: true }), peer()])
    a.pool.peers.trust(b.pool.peerId)
    await b.pool.connect(addressesOf(a)[0] as Point)
    await b.node.dial(multiaddr(addressesOf(a)[1] as Point), { force: true })
    await expect.poll(() => a.node.getConnections().length).toBe(2)
    a.pool.peers.untrust(b.pool.peerId)
    await expect.poll(() => [a.pool.activeConnections, a.node.getConnections().length]).toEqual([0, 0])
  })
})

test('a trusted point without an id: the peer that answers our dial there is trusted, and comes in from its host from then on', async () => {
  const a = await peer({ privateMode: true })
  const [b, other] = await Promise.all([peer(), peer()])
  await expect(other.pool.connect(addressesOf(a)[0] as Point)).rejects.toThrow()
  const connection = await a.pool.connect(addressesOf(b)[0] as Point, { trusted: true })
  await connection.disconnect({ kind: 'explicit', text: 'later' })
  await expect(other.pool.connect(addressesOf(a)[0] as Point)).rejects.toThrow()
  await expect.poll(() => b.pool.activeConnections).toBe(0)
  expect((await b.pool.connect(addressesOf(a)[0] as Point)).peerId).toBe(a.pool.peerId)
})
