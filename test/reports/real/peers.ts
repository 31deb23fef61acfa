/** Real peers for the reports, on the loopback: Node peers, unmodified js-libp2p nodes, and the parts of a page that run in Node. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point, peerPool } from '../../../node/index.ts'
import { PageRelays } from '../../../web/page-relays.ts'

const stops: (() => unknown)[] = []

/** For `afterEach`. */
export async function stopAll(): Promise<void> {
  await Promise.all(stops.splice(0).map((stop) => stop()))
}

/** To be called by `stopAll`. */
export function atEnd(stop: () => unknown): void {
  stops.push(stop)
}

/** Dials nobody by itself unless `init` asks for a band. */
export async function startPeer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const quiet = {
    minConnections: 0,
    expectedConnections: 0,
    maxConnections: 20,
    allowPrivatePoints: true,
    inboundConnectionThreshold: 1_000
  }
  const peer = await createNodePeer<Uint8Array>({ network: 'reports', listen: ['/ip4/127.0.0.1/tcp/0'], ...quiet, ...init })
  stops.push(() => peer.stop())
  return peer
}

export function pointOf({ pool }: NodePeer): Point {
  const [point] = pool.network.ownPoints()
  if (point === undefined) throw new Error('the peer listens nowhere')
  return point
}

/** With the id of its peer. */
export const addressOf = (peer: NodePeer): string => `${pointOf(peer)}/p2p/${peer.pool.peerId}`

export const portOf = (peer: NodePeer): number => Number(pointOf(peer).split('/')[4])

export interface PlainInit {
  readonly privateKey?: PrivateKey
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  /** The address of the loopback that it dials from. */
  readonly from?: string
}

/** As an application makes it that has never heard of the pool. */
export async function startPlain({ privateKey, listen = [], announce = [], from }: PlainInit = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: [...listen], appendAnnounce: [...announce] },
    transports: [tcp({ dialOpts: { localAddress: from } as object }), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  stops.push(() => node.stop())
  return node
}

/** What a page has, but for WebRTC. */
export async function startPage(listen: readonly string[], trustedPoints: readonly string[] = []) {
  const relays = new PageRelays(listen)
  const band = { minConnections: 1, expectedConnections: 1, maxConnections: 4 }
  const pool = peerPool({ network: 'reports', ...band, trustedPoints: [...trustedPoints, ...relays.trustedPoints] })
  const node = await createLibp2p({
    addresses: { listen: [...relays.listen] },
    transports: [webSockets(), relays.transport],
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
  return { relays, node, pool: node.services.pool, stop }
}
