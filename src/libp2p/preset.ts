/**
 * What `createNodePeer` and `createWebPeer` set in libp2p alike, each with its reason: defaults of libp2p that work against
 * a pool. Users who make their own node may spread it into `createLibp2p`; nothing here is needed for correctness.
 */
import type { PoolSettings } from '../core/values/config.ts'

/** Memory that a peer may fill in a stream nobody reads; with it 64 Mbit/s over a round trip of 130 ms. */
const maxStreamWindowBytes = 1024 * 1024

/** Incoming connections that may be in the middle of libp2p's handshake. The gater gives one host no more than five of them. */
const maxIncomingPendingConnections = 100

/** Of the pool's settings. */
export function libp2pSettings({
  maxConnections,
  connectionTimeoutMs,
  authenticationTimeoutMs
}: Pick<PoolSettings, 'maxConnections' | 'connectionTimeoutMs' | 'authenticationTimeoutMs'>) {
  return {
    connectionManager: {
      // Its ten are taken by ten silent sockets for ten seconds each.
      maxIncomingPendingConnections,
      inboundUpgradeTimeout: authenticationTimeoutMs,
      // The pool closes what is too much. libp2p's own limit must not come first: it refuses without a word, trusted ones too.
      maxConnections: Math.max(300, 3 * maxConnections),
      // Its queue of reconnections can hang for ever (libp2p/js-libp2p#3289), and the pool has its own.
      reconnectRetries: 0,
      dialTimeout: connectionTimeoutMs,
      addressDialTimeout: connectionTimeoutMs
    },
    // One lost ping would end a connection. Yamux has its own keep-alive, and the operating system notices dead ones.
    connectionMonitor: { enabled: false },
    yamux: { streamOptions: { maxStreamWindowSize: maxStreamWindowBytes } }
  }
}
