/**
 * `p2p-pool/web` where there is no page: Node, Deno, workers on servers, and what a framework renders there in advance. It has the names
 * of `index.ts`, without libp2p and WebRTC, whose native code no server needs for a page. package.json chooses it by the condition `node`.
 * A component may import the pool and be rendered on the server; only making a peer is refused there.
 */
import { PoolError } from '../src/core/values/reason.ts'
import type * as page from './index.ts'

export * from '../src/core/index.ts'
export * from '../src/libp2p/index.ts'
export { loadOrCreateWebIdentity } from './identity.ts'
export { indexedDbStorage } from './indexed-db.ts'

/** Rejects with `PoolError` `no-page`. */
export const createWebPeer: typeof page.createWebPeer = () => refuse('createWebPeer')

/** Rejects with `PoolError` `no-page`. */
export const createTabPeer: typeof page.createTabPeer = () => refuse('createTabPeer')

function refuse(name: string): Promise<never> {
  const message = `${name} runs in a page, and this is none; call it in the browser (in React: in an effect), or use createNodePeer of p2p-pool/node`
  return Promise.reject(new PoolError('no-page', message))
}
