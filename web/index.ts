/**
 * Public names of `p2p-pool/web`, and `createWebPeer`: a libp2p node in a page, on WebSockets to servers and WebRTC to other
 * pages, with a pool that keeps its peers and its identity in IndexedDB and is shared by the tabs of a site.
 *
 * @module p2p-pool/web
 */
import type { ServiceMap } from '@libp2p/interface'
import type { NoServices } from '../src/libp2p/libp2p-parts.ts'
import { type SharedPool, sharedPool } from './shared-pool.ts'
import { TabSession } from './tab-session.ts'
import type { WebPeerInit } from './tab-sharing.ts'

export * from '../src/core/index.ts'
export * from '../src/libp2p/index.ts'
export { loadOrCreateWebIdentity, type WebIdentity } from './identity.ts'
export { type IndexedDbOptions, indexedDbStorage } from './indexed-db.ts'
export type { RelayStatus } from './page-relays.ts'
export type { RequestedPool } from './requests.ts'
export type { SharedPool, SharedPoolFace } from './shared-pool.ts'
export type { TabLock } from './tab-lock.ts'
export type { IdentityNotice } from './tab-messages.ts'
export { createTabPeer, type TabPeer, type TabPeerInit } from './tab-peer.ts'
export type { SharedPoolEvents, TabRole, WebPeerInit } from './tab-sharing.ts'

/**
 * Opens the pool that the tabs of this site share (with `tabs: 'own'`: one of this tab alone, with the same face). Resolves when the
 * pool runs here, or is known to run in another tab; after three seconds in any case. Rejects with `PoolError` `invalid-config`
 * for options that make no sense, and with what libp2p says if the node of this tab does not start. A storage that does not work is
 * an event of the pool, or the `notice` of the identity.
 */
export async function createWebPeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>(
  init: WebPeerInit<Msg, PeerMeta, ConnMeta, Services>
): Promise<SharedPool<Msg, PeerMeta, ConnMeta, Services>> {
  // The session hands the services on, and does not know their types.
  const session = new TabSession(init as WebPeerInit<Msg, PeerMeta, ConnMeta>)
  await session.open()
  return sharedPool(session, init.defaultPort)
}
