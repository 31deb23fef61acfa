/**
 * Being connected with a peer that does not speak the pool protocol, as the core's `Link`: it has no stream, and lasts as long
 * as its connection. Made by `plain-peers.ts`; `ended` decides what becomes of the connection.
 */
import type { Connection } from '@libp2p/interface'
import type { Host, PeerId } from '../core/values/ids.ts'
import type { Link, PlainPeer, Transport } from '../core/values/ports.ts'
import { otherUseOf, probe, watchUse } from './late-network.ts'
import { closeDeadlineMs } from './link.ts'
import { addressOf } from './link-address.ts'

/** Called once, when nothing more comes of the link; works until the signal at most. Never rejects. */
type Ended = (within: AbortSignal) => Promise<void>

interface PlainLinkParts {
  readonly ended: Ended
  /** Of the node. */
  readonly components: Parameters<typeof watchUse>[1]
}

export class PlainLink implements Link {
  readonly peerId: PeerId
  readonly plain: PlainPeer
  readonly direction: 'outgoing' | 'incoming'
  readonly host: Host | undefined
  readonly transport: Transport
  readonly remoteAddress: string
  readonly unsentBytes = 0
  readonly chunks: AsyncIterable<Uint8Array>
  readonly over: Promise<void>
  readonly #isOver: () => void
  readonly connection: Connection
  readonly #components: Parameters<typeof watchUse>[1]
  readonly #ended: Ended
  #end: { readonly error: Error | undefined } | undefined
  #closed: Promise<void> | undefined
  #hasRun = false

  constructor(connection: Connection, plain: PlainPeer, { ended, components }: PlainLinkParts) {
    this.#components = components
    watchUse(connection, components)
    const { peerId, host, transport } = addressOf(connection)
    this.peerId = peerId
    this.plain = plain
    this.host = host
    this.transport = transport
    this.direction = connection.direction === 'outbound' ? 'outgoing' : 'incoming'
    this.remoteAddress = connection.remoteAddr.toString()
    this.connection = connection
    this.#ended = ended
    const over = Promise.withResolvers<void>()
    this.over = over.promise
    this.#isOver = over.resolve
    this.chunks = this.#wait()
    connection.addEventListener('close', ({ error }) => this.end(error), { once: true })
    if (connection.status !== 'open') this.end(new Error(`the connection was ${connection.status} before it could be used`))
  }

  get use(): Link['use'] {
    return otherUseOf(this.connection, this.#components)
  }

  /** Did the pool take it? It reads a link of this kind only while that runs. */
  get hasRun(): boolean {
    return this.#hasRun
  }

  /** Nothing more can come of it; without an error it shows as closed by the peer. The core, which hears of it, closes the link. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#isOver()
  }

  send(): never {
    throw new Error(`${this.peerId} does not speak the pool protocol`)
  }

  drained(): Promise<void> {
    return Promise.reject(new Error(`${this.peerId} does not speak the pool protocol`))
  }

  close(): Promise<void> {
    this.end(undefined)
    this.#closed ??= this.#ended(AbortSignal.timeout(closeDeadlineMs))
    return this.#closed
  }

  abort(detail: string, { dead } = { dead: false }): void {
    if (dead) this.connection.abort(new Error(detail))
    void this.close()
  }

  probe(signal: AbortSignal): Promise<void> {
    return probe(this.connection, signal)
  }

  // biome-ignore lint/correctness/useYield: nothing ever comes of a plain peer, but its end.
  async *#wait(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#hasRun = true
    await this.over
    if (this.#end?.error !== undefined) throw this.#end.error
  }
}
