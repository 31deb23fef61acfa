/** What is known of one peer holds wherever it is met: on real sockets, with peers of libp2p that have no pool too. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { afterAll, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'

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
  pool.addEventListener('dial-started', () => dials.count++)
  return dials
}

test.concurrent.for([
  { name: 'without an expected id', expectedPeerId: undefined },
  { name: 'though another peer is expected there', expectedPeerId: '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' }
])('an address of our own is dialed once, then it is known as ours: $name', async ({ expectedPeerId }, { expect }) => {
  const me = await startPeer({ listen: ['/ip4/0.0.0.0/tcp/0'], minConnections: 0, expectedConnections: 0 })
  const port = /tcp\/(\d+)/.exec(me.pool.network.ownPoints()[0] ?? '')?.[1]
  const { point } = me.pool.parsePoint(`/ip4/127.0.0.2/tcp/${port}`)
  const id = expectedPeerId === undefined ? undefined : me.pool.parsePeerId(expectedPeerId)
  await expect(me.pool.connect(point, { expectedPeerId: id })).rejects.toMatchObject({ rejection: { kind: 'myself' } })
  await expect(me.pool.connect(point)).rejects.toMatchObject({ rejection: { kind: 'myself' } })
  expect(me.pool.points.info(point)).toBeUndefined()
  expect(me.pool.explain(point).text).toBe('cannot connect to self')
})

test.concurrent.for([
  { name: 'a second TCP port', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] },
  { name: 'a WebSocket', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }
])('a banned plain peer is not dialed at $name of its host', async ({ listen }, { expect }) => {
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

test.concurrent.for(['tcp', 'ws'])(
  'a banned peer met at an unknown %s address is dialed once, and keeps no connection',
  async (transport, { expect }) => {
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
