/**
 * Plain libp2p beside the pool, to compare the two: a second node in this page that is connected with the same Node peers, on libp2p's own
 * settings, with each of them tagged `keep-alive`. libp2p then dials a peer that it has lost five times again, after 0, 1, 3, 7 and 15
 * seconds and once more after 31, and pings each connection every ten seconds. Loaded for the first break; runs while a stopwatch does.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { type DialTransportOptions, KEEP_ALIVE, type Libp2p, type Transport } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { closing } from '../../src/libp2p/closing-web-sockets.ts'

/** An application's: connections that nothing uses are closed by Node peers. node/cli/demo-plain.ts answers it. */
const protocol = '/p2p-pool-demo/plain/1.0.0'
const dialDeadlineMs = 5_000

export interface PlainListener {
  opened(peerId: string): void
  closed(peerId: string): void
}

export interface PlainNode {
  /** Peer ids. */
  connected(): readonly string[]
  /** Dials a peer and keeps it alive from then on. Never rejects; it may come to nothing. */
  keep(address: string): Promise<void>
  stop(): Promise<void>
}

/** `listener` hears of each peer that comes and goes. */
export async function startPlainNode(listener: PlainListener): Promise<PlainNode> {
  const node: Libp2p = await createLibp2p({
    // Aborted sockets close: libp2p's own leave them open.
    transports: [failingWithErrors(closing(webSockets()))],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // In a page libp2p dials neither this machine nor plain WebSockets, by default.
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() }
  })
  node.addEventListener('peer:connect', ({ detail }) => listener.opened(detail.toString()))
  node.addEventListener('peer:disconnect', ({ detail }) => listener.closed(detail.toString()))
  node.addEventListener('connection:open', ({ detail: connection }) => {
    // Where it fails the connection is gone already.
    connection.newStream(protocol).catch(() => undefined)
  })
  return {
    connected: () => node.getPeers().map(String),
    async keep(address) {
      try {
        const { remotePeer } = await node.dial(multiaddr(address), { signal: AbortSignal.timeout(dialDeadlineMs) })
        await node.peerStore.merge(remotePeer, { tags: { [`${KEEP_ALIVE}-demo`]: { value: 1 } } })
      } catch {
        // It is left out of the comparison: how many were connected is counted afterwards.
      }
    },
    stop: async () => node.stop()
  }
}

/**
 * A browser's WebSocket fails with an event, which libp2p (3.3.11) hands on as it is; its keep-alive takes that for a mistake in the code, and
 * gives the peer up after one dial. With errors it dials six times, as on Node.
 */
function failingWithErrors<Components>(make: (components: Components) => Transport): (components: Components) => Transport {
  return (components) => {
    const transport = make(components)
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, options: DialTransportOptions) => {
      try {
        return await dial(address, options)
      } catch (error) {
        throw error instanceof Error ? error : new Error('the WebSocket could not be opened', { cause: error })
      }
    }
    return transport
  }
}
