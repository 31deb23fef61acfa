/**
 * Public names of `p2p-pool/web`, and `createWebPeer`: a libp2p node in a page, on WebSockets to servers and WebRTC to other
 * pages, with a pool that keeps its peers and its identity in IndexedDB.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { pagePreset } from '../src/core/values/config.ts'
import { newIdentityKey } from '../src/libp2p/identity-key.ts'
import { libp2pSettings } from '../src/libp2p/preset.ts'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool } from '../src/libp2p/service.ts'
import { loadOrCreateWebIdentity, type WebIdentity } from './identity.ts'
import { indexedDbStorage } from './indexed-db.ts'
import { followPage } from './page-life.ts'
import { lockTab, type TabLock } from './tab-lock.ts'

export * from '../src/core/index.ts'
export * from '../src/libp2p/index.ts'
export { loadOrCreateWebIdentity, type WebIdentity } from './identity.ts'
export { type IndexedDbOptions, indexedDbStorage } from './indexed-db.ts'

export interface WebPeerInit<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> extends PeerPoolInit<Msg, PeerMeta, ConnMeta> {
  /**
   * Of the database of peers and identity. Two tabs with the same name share the peers' database in turns and are two
   * peers: the later one has an identity of its own that is not kept. @default 'p2p-pool'
   */
  readonly name?: string
  readonly privateKey?: PrivateKey
  /** Multiaddrs. `/p2p-circuit` asks one relay to make us reachable; each further one asks another. @default /p2p-circuit and /webrtc */
  readonly listen?: readonly string[]
  /**
   * STUN and TURN servers. None are set by default, since any public one learns who talks to whom: pages find each other within
   * one network and where addresses are public. Give your own for pages behind NAT. @default []
   */
  readonly iceServers?: readonly RTCIceServer[]
}

export interface WebPeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  readonly node: Libp2p
  readonly pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>
  readonly identity: WebIdentity
  /** Stops pool and node, and lets another tab have the identity. */
  stop(): Promise<void>
}

/**
 * Makes and starts a node with a pool. Rejects with `PoolError` for options that make no sense; a storage that does not
 * work is an event of the pool, or the `notice` of the identity.
 */
export async function createWebPeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array>(
  init: WebPeerInit<Msg, PeerMeta, ConnMeta>
): Promise<WebPeer<Msg, PeerMeta, ConnMeta>> {
  const { name = 'p2p-pool', privateKey, listen = ['/p2p-circuit', '/webrtc'], iceServers = [], ...options } = init
  const pool = peerPool<Msg, PeerMeta, ConnMeta>({ preset: pagePreset, ...options, storage: options.storage ?? indexedDbStorage(name) })
  const settings = libp2pSettings(pool.config)
  const { identity, release } =
    privateKey === undefined ? await identityOf(name) : { identity: given(privateKey), release: () => undefined }
  try {
    const node = await createLibp2p({
      privateKey: identity.privateKey,
      addresses: { listen: [...listen] },
      transports: [webSockets(), webRTC({ rtcConfiguration: { iceServers: [...iceServers] } }), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux(settings.yamux)],
      connectionGater: pool.gater,
      connectionManager: settings.connectionManager,
      connectionMonitor: settings.connectionMonitor,
      services: { identify: identify(), pool }
    })
    const unfollow = followPage(node.services.pool)
    const stop = async (): Promise<void> => {
      unfollow()
      await Promise.resolve(node.stop()).finally(release)
    }
    return { node, pool: node.services.pool, identity, stop }
  } catch (error) {
    release()
    throw error
  }
}

function given(privateKey: PrivateKey): WebIdentity {
  return { privateKey, persistent: false, notice: undefined }
}

/** The stored identity, for one tab at a time: two peers with one id would throw each other out of every pool. */
async function identityOf(name: string): Promise<{ identity: WebIdentity; release: () => void }> {
  let lock: TabLock | undefined
  try {
    lock = await lockTab(`${name}:identity`, new AbortController().signal)
    return { identity: await loadOrCreateWebIdentity(name), release: () => lock?.release() }
  } catch (error) {
    lock?.release()
    const { privateKey } = await newIdentityKey()
    const notice = `the identity ${name} cannot be used, this page has one of its own: ${error instanceof Error ? error.message : String(error)}`
    return { identity: { privateKey, persistent: false, notice }, release: () => undefined }
  }
}
