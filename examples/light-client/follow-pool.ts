/**
 * Joins a `SyncClient` to a pool: who is connected and what they say goes in, what to do comes out and is done. The only
 * file that both the page and the Node peers use and that knows a pool. Owned by `page/start.ts` and `node/header-peer.ts`.
 */
import type { Connection, PeerId, PeerPool, PoolListener } from 'p2p-pool'
import type { Header } from './chain/header.ts'
import type { Action, Moment } from './sync/action.ts'
import type { SyncClient } from './sync/sync-client.ts'
import type { ChainMessage, GetHeadersMessage } from './wire/message.ts'

export type ChainConnection = Connection<ChainMessage>

export interface FollowerOptions {
  readonly pool: PeerPool<ChainMessage>
  readonly client: SyncClient<PeerId>
  /** Something that `client.view` shows may be different. */
  onChange?(): void
  /** A new peer, before anything is heard of it. */
  onJoin?(connection: ChainConnection): void
  /** Answers a request. Without it no peer gets an answer, and a peer that asks learns that it is not served. The next one is read after it resolved. */
  onRequest?(connection: ChainConnection, request: GetHeadersMessage): Promise<void>
}

/** A peer that does not take our question within this time is as silent as one that does not answer, ms. */
const sendDeadlineMs = 2_500

export class ChainFollower {
  readonly #options: FollowerOptions
  /** Of each peer the connection whose messages we read. */
  readonly #connections = new Map<PeerId, ChainConnection>()
  readonly #established: PoolListener<'connection-opened'>
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  /** Begins at once, with the connections that are there. */
  constructor(options: FollowerOptions) {
    this.#options = options
    const { pool } = options
    this.#established = ({ detail }) => {
      const connection = pool.connections.findByPeerId(detail.peerId)
      if (connection !== undefined) void this.#read(connection)
    }
    pool.addEventListener('connection-opened', this.#established)
    for (const connection of pool.connections.list()) void this.#read(connection)
  }

  get moment(): Moment {
    return { now: performance.now(), date: Date.now() }
  }

  /** Headers that we made ourselves. */
  add(headers: readonly Header[]): void {
    this.#do(this.#options.client.add(headers, this.moment))
  }

  /** Nothing is read, asked or reported any more; the connections stay. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#options.pool.removeEventListener('connection-opened', this.#established)
    clearTimeout(this.#timer)
  }

  /** To the end of the connection. Never rejects. */
  async #read(connection: ChainConnection): Promise<void> {
    const { client, onJoin } = this.#options
    const { peerId } = connection
    if (this.#connections.has(peerId)) this.#leave(peerId)
    this.#connections.set(peerId, connection)
    onJoin?.(connection)
    this.#do(client.join(peerId, this.moment))
    try {
      for await (const message of connection.messages) {
        if (this.#stopped) return
        await this.#hear(connection, message)
      }
    } finally {
      // A newer connection of the same peer may have taken its place.
      if (this.#connections.get(peerId) === connection && !this.#stopped) this.#leave(peerId)
    }
  }

  async #hear(connection: ChainConnection, message: ChainMessage): Promise<void> {
    const { client, onRequest } = this.#options
    if (message.kind === 'get-headers' && onRequest !== undefined) await onRequest(connection, message)
    else this.#do(client.receive(connection.peerId, message, this.moment))
  }

  #leave(peerId: PeerId): void {
    this.#connections.delete(peerId)
    this.#do(this.#options.client.leave(peerId, this.moment))
  }

  #do(actions: readonly Action<PeerId>[]): void {
    const { pool } = this.#options
    for (const action of actions) {
      const { peerId } = action
      switch (action.kind) {
        case 'send':
          void tell(this.#connections.get(peerId), action.message)
          break
        case 'report':
          void pool.peers.report(peerId, { kind: action.about, reason: action.reason })
          break
        case 'leave':
          void pool.disconnect(peerId, action.reason)
      }
    }
    this.#wait()
    this.#options.onChange?.()
  }

  /** Until the client has something to do by itself. */
  #wait(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    const { now } = this.moment
    const dueAt = this.#options.client.nextDueAt(now)
    if (dueAt === undefined) return
    this.#timer = setTimeout(() => this.#do(this.#options.client.tick(this.moment)), Math.max(0, dueAt - now))
  }
}

/** Never rejects. A connection that has ended meanwhile has an event of its own; one that takes nothing misses its deadline. */
export async function tell(connection: ChainConnection | undefined, message: ChainMessage): Promise<void> {
  try {
    await connection?.send(message, { signal: AbortSignal.timeout(sendDeadlineMs) })
  } catch {
    return
  }
}
