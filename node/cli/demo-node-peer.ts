/**
 * One Node peer of the demo: what `p2p-pool node` runs, on its own data folder and ports, that can be stopped and started again on both.
 * The verbs of the command work on its folder. demo-network.ts makes six of them.
 */
import type { Libp2p } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { messageOf } from '../../src/core/values/reason.ts'
import { type RunningPeer, startPeer } from '../command/running-peer.ts'
import type { Connection, NodePeer, NodePeerInit, PeerId, RelayStatus } from '../index.ts'
import { servePlain } from './demo-plain.ts'
import { isAboutText, NodeText } from './demo-text.ts'

const sendDeadlineMs = 5_000

export interface DemoNodePeerOptions {
  /** For people. */
  readonly name: string
  /** Its data folder; made if it is not there. */
  readonly folder: string
  /** An IPv4 address of this machine. @default 127.0.0.1 */
  readonly host?: string | undefined
  /** TCP and WebSockets; 0: the system chooses at the first start. */
  readonly ports: { readonly tcp: number; readonly webSocket: number }
  /** All but files and addresses. */
  readonly init: NodePeerInit
  /** Whether it has the text that pages write together. @default false */
  readonly hasText?: boolean
  /** A message that came, as text; not what is said about the shared text. */
  onMessage(from: Connection, text: string): void
  /** Trouble with its files, in one sentence. */
  onWarning(peer: DemoNodePeer, text: string): void
  /** It runs, the first time or again. */
  onStart(peer: DemoNodePeer): void
  /** It stopped by itself, or has to. */
  onBreak(peer: DemoNodePeer): void
}

export class DemoNodePeer {
  readonly name: string
  readonly #options: DemoNodePeerOptions
  #listen: readonly string[]
  #peerId: PeerId | undefined
  #running: RunningPeer | undefined
  #text: NodeText | undefined
  #startedAt = 0
  /** Of the node that runs. */
  #closeListeners: () => Promise<unknown> = async () => undefined

  constructor(options: DemoNodePeerOptions) {
    this.name = options.name
    this.#options = options
    const { host = '127.0.0.1', ports } = options
    this.#listen = [`/ip4/${host}/tcp/${ports.tcp}`, `/ip4/${host}/tcp/${ports.webSocket}/ws`]
  }

  get pool(): NodePeer['pool'] {
    return this.#peer.pool
  }

  get node(): Libp2p {
    return this.#peer.node
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** When it started last; monotonic, ms. */
  get startedAt(): number {
    return this.#startedAt
  }

  /** How many relay reservations it gave; none if it is no relay or does not run. */
  get relayStatus(): RelayStatus | undefined {
    return this.#running?.peer.relay?.status()
  }

  /** For `--data` of the command. */
  get folder(): string {
    return this.#options.folder
  }

  /** The same in all its runs. */
  get peerId(): PeerId {
    if (this.#peerId === undefined) throw new Error(`${this.name} has not run yet`)
    return this.#peerId
  }

  /** False before its first start, too. */
  isPeer(peerId: PeerId): boolean {
    return this.#peerId === peerId
  }

  /** Where others dial it, with its id. */
  multiaddr(transport: 'tcp' | 'ws'): string {
    const found = this.node.getMultiaddrs().find((one) => one.toString().includes('/ws') === (transport === 'ws'))
    if (found === undefined) throw new Error(`${this.name} does not listen on ${transport}`)
    return found.toString()
  }

  /** Rejects if it is not connected to that peer, or if the link takes no more within some seconds. */
  async send(to: PeerId, text: string): Promise<void> {
    const connection = this.pool.connections.findByPeerId(to)
    if (connection === undefined) throw new Error(`${this.name} is not connected to ${to}`)
    await connection.send(new TextEncoder().encode(text), { signal: AbortSignal.timeout(sendDeadlineMs) })
  }

  /** Rejects with a sentence for people if it cannot listen. After `stop` it may be called again: same files, same ports. */
  async start(): Promise<void> {
    const { folder, init, hasText, onMessage, onWarning, onStart, onBreak } = this.#options
    const decoder = new TextDecoder()
    const text = hasText === true ? new NodeText() : undefined
    const listeners = (components: { readonly transportManager: Pick<TransportManager, 'getListeners'> }): object => {
      this.#closeListeners = () => Promise.allSettled(components.transportManager.getListeners().map((listener) => listener.close()))
      return {}
    }
    const settings = { init: { ...init, listen: this.#listen, services: { listeners } }, folder, http: undefined, control: undefined }
    const running = await startPeer(settings, {
      complain: (text) => onWarning(this, text.trimEnd()),
      onMessage: (from, message) => {
        if (isAboutText(message)) text?.receive(from.peerId, message)
        else onMessage(from, decoder.decode(message))
      }
    }).catch((error: unknown) => {
      throw new Error(`${this.name}: ${messageOf(error)}`, { cause: error })
    })
    this.#running = running
    const { node, pool } = running.peer
    // What it was must be what it is: the check compares.
    this.#peerId ??= pool.peerId
    this.#listen = node.getMultiaddrs().map((one) => one.toString().replace(/\/p2p\/[^/]+$/, ''))
    const broke = (): void => {
      if (this.#running === running) onBreak(this)
    }
    this.#startedAt = performance.now()
    this.#text = text
    text?.open(pool)
    await servePlain(node)
    node.addEventListener('stop', broke)
    void running.lost.then(broke)
    onStart(this)
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    this.#text?.close()
    await running?.stop()
  }

  /**
   * Ends it as a crash does: before this returns its ports and all its sockets are closed, and nobody hears a goodbye. Resolves when the rest
   * is stopped, too.
   */
  async kill(): Promise<void> {
    const closing = this.#closeListeners()
    for (const connection of this.#running?.peer.node.getConnections() ?? []) connection.abort(new Error('killed'))
    // At once, or the pool would look for others.
    const ended = this.#running?.peer.stop()
    await Promise.allSettled([closing, ended, this.stop()])
  }

  get #peer(): NodePeer {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`)
    return this.#running.peer
  }
}
