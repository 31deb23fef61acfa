/** What is known of one peer holds wherever it is met: on real sockets, with peers of libp2p that have no pool too. */
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { afterAll, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point } from '../../node/index.ts'

/** At the end: the tests run side by side. */
const stops: (() => unknown)[] = []
afterAll(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function startPeer(options: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const band = { minConnections: 2, expectedConnections: 3, maxConnections: 6 }
  const peer = await createNodePeer<Uint8Array>({
    network: 'test',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    allowPrivatePoints: true,
    ...band,
    ...options
  })
  stops.push(() => peer.stop())
  return peer
}

async function startPlain(...listen: string[]): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  stops.push(() => node.stop())
  return node
}

function countDials({ pool }: NodePeer): { count: number } {
  const dials = { count: 0 }
  pool.addEventListener('outgoing-connection', () => dials.count++)
  return dials
}

test.concurrent.each([
  { name: 'without an expected id', expectedPeerId: undefined },
  { name: 'though another peer is expected there', expectedPeerId: '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' }
])('an address of our own is dialed once, then it is known as ours: $name', async ({ expectedPeerId }) => {
  const me = await startPeer({ listen: ['/ip4/0.0.0.0/tcp/0'], minConnections: 0, expectedConnections: 0 })
  const port = /tcp\/(\d+)/.exec(me.pool.network.ownPoints()[0] ?? '')?.[1]
  const { point } = me.pool.parsePoint(`/ip4/127.0.0.2/tcp/${port}`)
  const id = expectedPeerId === undefined ? undefined : me.pool.parsePeerId(expectedPeerId)
  await expect(me.pool.connect(point, { expectedPeerId: id })).rejects.toMatchObject({ rejection: { kind: 'myself' } })
  await expect(me.pool.connect(point)).rejects.toMatchObject({ rejection: { kind: 'myself' } })
  expect(me.pool.points.info(point)).toBeUndefined()
  expect(me.pool.explain(point).text).toBe('that is this peer itself')
})

test.concurrent.each([
  { name: 'a second TCP port', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] },
  { name: 'a WebSocket', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }
])('a banned plain peer is not dialed at $name of its host', async ({ listen }) => {
  const stranger = await startPlain(...listen)
  const me = await startPeer({ plainPeers: 'admit', requiredProtocols: ['/ipfs/id/1.0.0'] })
  const { point, expectedPeerId } = me.pool.parsePoint(stranger.getMultiaddrs()[0]?.toString() ?? '')
  await me.pool.connect(point, { expectedPeerId })
  await expect.poll(() => [...me.pool.points.known()].length).toBe(2)
  const dials = countDials(me)
  await me.pool.peers.ban(me.pool.parsePeerId(stranger.peerId.toString()))
  await me.pool.maintain()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(dials.count).toBe(0)
  for (const [known] of me.pool.points.known()) expect(me.pool.explain(known)).toMatchObject({ state: 'refused' })
})

test.concurrent.each(['tcp', 'ws'])(
  'a banned peer met at an unknown %s address is dialed once, and keeps no connection',
  async (transport) => {
    const stranger = await startPlain(`/ip4/127.0.0.1/tcp/0${transport === 'ws' ? '/ws' : ''}`)
    const me = await startPeer({ plainPeers: 'admit', requiredProtocols: ['/ipfs/id/1.0.0'] })
    const peerId = me.pool.parsePeerId(stranger.peerId.toString())
    await me.pool.peers.ban(peerId)
    const dials = countDials(me)
    const { point } = me.pool.parsePoint(stranger.getMultiaddrs()[0]?.decapsulate('/p2p').toString() ?? '')
    me.pool.registerPoint(point)
    await expect.poll(() => me.pool.explain(point)).toMatchObject({ rejection: { kind: 'peer-banned', peerId } })
    await expect.poll(() => stranger.getConnections().length, { timeout: 3_000 }).toBe(0)
    await me.pool.maintain()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(dials.count).toBe(1)
  }
)

/** Passes bytes on to a point, until `cut` breaks the dialing side: the other side hears nothing of it. */
async function startProxy(target: Point): Promise<{ point: Point; cut: () => void }> {
  const port = Number(/tcp\/(\d+)/.exec(target)?.[1])
  const pairs = new Set<{ dialing: Socket; other: Socket }>()
  const server: Server = createServer((dialing) => {
    const other = openSocket(port, '127.0.0.1')
    pairs.add({ dialing, other })
    for (const socket of [dialing, other]) socket.on('error', () => undefined)
    dialing.on('data', (bytes) => other.write(bytes))
    other.on('data', (bytes) => dialing.destroyed || dialing.write(bytes))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    for (const { dialing, other } of pairs) for (const socket of [dialing, other]) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const cut = (): void => {
    for (const { dialing } of pairs) dialing.destroy()
  }
  return { point: `/ip4/127.0.0.1/tcp/${address.port}` as Point, cut }
}

test.concurrent('when a restarted peer is back, its old half-open connection ends for everybody on the node', async () => {
  const quiet = { minConnections: 0, expectedConnections: 0, maxConnections: 9 }
  const a = await startPeer(quiet)
  const { point, cut } = await startProxy(a.pool.network.ownPoints()[0] as Point)
  const { generateKeyPair } = await import('@libp2p/crypto/keys')
  const privateKey = await generateKeyPair('Ed25519')
  const first = await startPeer({ ...quiet, privateKey, listen: [] })
  await first.pool.connect(point)
  const [old] = a.node.getConnections()
  // Another protocol runs on it, as gossip would.
  await a.node.handle('/test/gossip', () => undefined)
  await first.node.getConnections()[0]?.newStream('/test/gossip')
  // The process is gone without a word to `a`: the proxy keeps that side open.
  cut()
  await first.stop()
  expect(old?.status).toBe('open')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const second = await startPeer({ ...quiet, privateKey, listen: [] })
  const left = new Promise((resolve) => a.node.addEventListener('connection:close', ({ detail }) => detail === old && resolve(undefined)))
  await second.pool.connect(point)
  await left
  expect(old?.status).not.toBe('open')
  expect(a.node.getConnections(second.node.peerId)).toHaveLength(1)
  expect(a.pool.connections.findByPeerId(second.pool.peerId)?.ending).toBeUndefined()
})
