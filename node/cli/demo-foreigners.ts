/**
 * Peers that a pool must refuse, for the check: peers that send bytes no pool would send, a peer of another network, and
 * a port where nobody listens. Each is real, on sockets of its own, and owned by the given `Shutdown`.
 */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { createNodePeer, type NodePeer, poolProtocol } from '../index.ts'
import type { Shutdown } from './demo-shutdown.ts'

export const otherNetworkName = 'another-network'

/** Bytes that break the protocol: the first thing that each kind of them sends. */
export const garbage = {
  'bytes that are no message': new Uint8Array([16, ...new Uint8Array(16).fill(0xff)]),
  /** The length that comes before each message: 10,485,760 as a varint. */
  'a Hello of 10 MiB': new Uint8Array([0x80, 0x80, 0x80, 0x05, ...new Uint8Array(1_000)])
} as const

/** A loopback address of their own, so that greylisting their host leaves everybody else's alone. Not all systems have it. */
const foreignHost = '127.0.0.2'

/** A libp2p peer without a pool, which speaks garbage on the pool's protocol, with peers that it dials and that dial it. */
export async function startGarbler(shutdown: Shutdown, bytes: Uint8Array): Promise<Libp2p> {
  const host = (await hasHost(foreignHost)) ? foreignHost : '127.0.0.1'
  // libp2p hands them to net.connect, though its type knows only some of them.
  const dialOpts = { noDelay: true, localAddress: host }
  return shutdown.own('A hostile peer', {
    async start() {
      const node = await createLibp2p({
        addresses: { listen: [`/ip4/${host}/tcp/0/ws`] },
        transports: [tcp({ dialOpts }), webSockets()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionManager: { reconnectRetries: 0 },
        services: { identify: identify() }
      })
      await node.handle(poolProtocol, (stream) => {
        stream.send(bytes)
      })
      return node
    },
    stop: async (node) => node.stop()
  })
}

/** A pool that is well, on another network. */
export function startForeigner(shutdown: Shutdown): Promise<NodePeer> {
  return shutdown.own('The peer of another network', {
    start: () => createNodePeer({ network: otherNetworkName, listen: ['/ip4/127.0.0.1/tcp/0/ws'] }),
    stop: (peer) => peer.stop()
  })
}

/** A port where nobody listens: it was free a moment ago. */
export async function closedPort(): Promise<number> {
  const { server, port } = await listenOn('127.0.0.1')
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function hasHost(host: string): Promise<boolean> {
  try {
    const { server } = await listenOn(host)
    server.close()
    return true
  } catch {
    return false
  }
}

function listenOn(host: string) {
  const server = createServer()
  return new Promise<{ server: typeof server; port: number }>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => resolve({ server, port: (server.address() as AddressInfo).port }))
  })
}
