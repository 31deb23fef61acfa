import type { SharedPool } from 'p2p-pool/web'

/** What the provider needs of a pool whose messages are bytes: `createWebPeer` returns one, `nodePool` makes one of a Node peer's pool. */
export type DocumentPool = Pick<SharedPool, 'send' | 'broadcast' | 'addEventListener' | 'removeEventListener'> & {
  readonly peers: Pick<SharedPool['peers'], 'report'>
}
