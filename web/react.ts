/**
 * Public names of `p2p-pool/react`: hooks for a pool in a page. Importing it loads no libp2p; the first pool that is opened does.
 *
 * @module p2p-pool/react
 */
'use client'

import type { ServiceMap } from '@libp2p/interface'
import type { NoServices } from '../src/libp2p/libp2p-parts.ts'
import type { OpenedPool } from './opened-pools.ts'
import { useOpened } from './react-hooks.ts'
import type { SharedPool } from './shared-pool.ts'
import type { WebPeerInit } from './tab-sharing.ts'

export type { OpenedPool } from './opened-pools.ts'
export { type PoolSource, usePoolEvent, usePoolSnapshot } from './react-hooks.ts'

const load = (): Promise<typeof import('./index.ts')> => import('./index.ts')

/**
 * Opens a pool with `createWebPeer` while the component is mounted, and stops it afterwards. Components with the same options share it. Options
 * that are data may be written into the call: when one changes, the pool is stopped and another one opened. Functions and class instances
 * count as they are when it is opened. `undefined` opens none. What `createWebPeer` rejects with is `error`; nothing is thrown.
 */
export function usePool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>(
  init: WebPeerInit<Msg, PeerMeta, ConnMeta, Services> | undefined
): OpenedPool<SharedPool<Msg, PeerMeta, ConnMeta, Services>> {
  return useOpened(init, load)
}
