/**
 * What `createNodePeer` and `createWebPeer` set in libp2p alike, each with its reason: defaults of libp2p that work against a pool.
 * Those who make their own node spread it into `createLibp2p`. Without it, libp2p's own limits come before the shares of
 * `listener-guard.ts`, and know neither address groups nor trust.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { type Check, having, listOf, refuse } from '../core/values/arguments.ts'
import { messageOf } from '../core/values/reason.ts'
import type { PoolSettings } from '../core/values/settings.ts'
import { inPage } from './dial-rule.ts'

/** Memory that a peer may fill in a stream nobody reads; with it 64 Mbit/s over a round trip of 130 ms. */
const maxStreamWindowBytes = 1024 * 1024

/**
 * Streams that one peer may have open to us on one connection. A silent one costs 18 KiB, and yamux would allow a thousand. The pool
 * and libp2p's services need about ten; the rest is for applications and for the circuits of a relay.
 */
export const maxInboundStreams = 32

/** For options that are lists of multiaddrs, to listen on or to announce. */
export const addresses: Check = listOf((value, at) => {
  try {
    multiaddr(value as string)
    return value
  } catch (error) {
    return refuse(at, `a multiaddr (${messageOf(error)})`, value)
  }
})

/** For options that are a key of `@libp2p/crypto`. What came instead is not shown: it may be a key in another form. */
export const privateKey: Check = (value, at) => having('sign', 'equals')(typeof value === 'object' ? value : typeof value, at)

/** Handshakes in progress that a page allows; few come in. */
const maxPageHandshakes = 100
/** Libp2p counts a refused connection until its refusal has gone through; the guard's own limit is a tenth of it. */
const maxGuardedHandshakes = 1_000

/** Incoming connections that a listening node takes. The pool closes what is too much, hence more than it wants. */
export function maxInboundConnections({ maxConnections }: Pick<PoolSettings, 'maxConnections'>): number {
  return Math.max(300, 3 * maxConnections)
}

/**
 * Options for `createLibp2p` that go with a pool's settings (`pool.config`): `connectionManager` and `connectionMonitor` as they are,
 * `yamux` for the muxer. On Node the limits on incoming connections are left to the pool's gater (`connectionGater: pool.gater`).
 */
export function libp2pSettings(settings: Pick<PoolSettings, 'maxConnections' | 'connectionTimeoutMs' | 'authenticationTimeoutMs'>) {
  const common = pageSettings(settings)
  if (inPage()) return common
  // libp2p refuses without a word, trusted ones too: its own limits must not come first. Outgoing connections count in its maximum.
  const limits = {
    maxIncomingPendingConnections: maxGuardedHandshakes,
    maxConnections: 2 * maxInboundConnections(settings),
    inboundConnectionThreshold: Number.POSITIVE_INFINITY
  }
  return { ...common, connectionManager: { ...common.connectionManager, ...limits } }
}

/** `libp2pSettings` in a page, where few connections come in. */
export function pageSettings(settings: Parameters<typeof libp2pSettings>[0]) {
  const { connectionTimeoutMs, authenticationTimeoutMs } = settings
  return {
    connectionManager: {
      inboundUpgradeTimeout: authenticationTimeoutMs,
      maxIncomingPendingConnections: maxPageHandshakes,
      maxConnections: maxInboundConnections(settings),
      // Its queue of reconnections can hang for ever (libp2p/js-libp2p#3289), and the pool has its own.
      reconnectRetries: 0,
      dialTimeout: connectionTimeoutMs,
      addressDialTimeout: connectionTimeoutMs
    },
    // One lost ping would end a connection. Yamux has its own keep-alive, and the operating system notices dead ones.
    connectionMonitor: { enabled: false },
    yamux: { maxInboundStreams, streamOptions: { maxStreamWindowSize: maxStreamWindowBytes } }
  }
}
