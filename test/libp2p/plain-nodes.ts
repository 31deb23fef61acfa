/** Unmodified js-libp2p nodes, and one with a pool that admits them; over TCP on the loopback. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify, identifyPush } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Point } from '../../src/core/values/ids.ts'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool } from '../../src/libp2p/index.ts'

export type PoolNode = Libp2p<{ pool: Libp2pPeerPool }>

const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()]
})
/** Many nodes share one host here. */
const manyOnOneHost = { inboundConnectionThreshold: 1_000 }

/** As an application makes it that has never heard of the pool. */
export function plainNode({ services, ...options }: Libp2pOptions = {}): Promise<Libp2p> {
  return createLibp2p({
    ...base(),
    connectionManager: manyOnOneHost,
    ...options,
    services: { identify: identify(), push: identifyPush(), ...services }
  })
}

/** `libp2p` adds to the node: discoveries, services, settings. */
export async function poolNode(init: Partial<PeerPoolInit>, { services, ...libp2p }: Libp2pOptions = {}): Promise<PoolNode> {
  const pool = peerPool({
    network: 'test',
    plainPeers: 'admit',
    minConnections: 0,
    expectedConnections: 0,
    maxConnections: 10,
    ...init
  })
  const node = await createLibp2p({
    ...base(),
    connectionGater: pool.gater,
    connectionManager: { ...manyOnOneHost, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    ...libp2p,
    services: { identify: identify(), push: identifyPush(), ...services, pool }
  })
  return node as unknown as PoolNode
}

/** Where a node listens. */
export function pointOf(node: Libp2p): Point {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the node listens nowhere')
  return address.decapsulate('/p2p').toString() as Point
}

export async function until(holds: () => boolean, deadlineMs = 20_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${holds}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}
