/** A Node peer's pool with the face that the provider wants: for a server that keeps documents, and for tests. */
import type { EventOf, PeerId, PeerPool, PoolEventName, PoolListener } from 'p2p-pool'
import type { SharedPoolEvents } from 'p2p-pool/web'
import type { DocumentPool } from './document-pool.ts'

type MessageListener = (event: EventOf<SharedPoolEvents, 'message'>) => void
type Heard = (peerId: PeerId, message: Uint8Array) => void

/**
 * By default it reads all messages of the pool: then nobody else may read `connection.messages`. A program that reads them itself hands them
 * over: `handOver` is called once, with what takes each message. Call `nodePool` once for each pool.
 */
export function nodePool(pool: PeerPool, handOver: (heard: Heard) => void = (heard) => readAll(pool, heard)): DocumentPool {
  const listeners = new Set<MessageListener>()
  handOver((peerId, message) => {
    for (const listener of listeners) listener({ type: 'message', detail: { peerId, message }, at: Date.now() })
  })
  const listen = (verb: 'addEventListener' | 'removeEventListener') => (type: string, listener: unknown) => {
    if (type === 'message') listeners[verb === 'addEventListener' ? 'add' : 'delete'](listener as MessageListener)
    // There are no tabs here, so no roles.
    else if (type !== 'role-changed') pool[verb](type as PoolEventName, listener as PoolListener<PoolEventName>)
  }
  return {
    peers: pool.peers,
    addEventListener: listen('addEventListener'),
    removeEventListener: listen('removeEventListener'),
    broadcast: async (message, options) => pool.broadcast(message, options),
    async send(peerId, message, options) {
      const connection = pool.connections.findByPeerId(peerId)
      if (connection === undefined) throw Object.assign(new Error(`${peerId} is not connected`), { code: 'not-connected' })
      await connection.send(message, options)
    }
  }
}

function readAll(pool: PeerPool, heard: Heard): void {
  const read = async (peerId: PeerId): Promise<void> => {
    for await (const message of pool.connections.findByPeerId(peerId)?.messages ?? []) heard(peerId, message)
  }
  pool.addEventListener('connection-opened', ({ detail }) => void read(detail.peerId))
  for (const { peerId } of pool.connections.list()) void read(peerId)
}
