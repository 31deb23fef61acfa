/**
 * One Node peer of the demo: a real one, on its own files and ports, that can be stopped and started again on both. It
 * reads the messages it gets, so that nobody waits for it. demo-network.ts makes five of them.
 */
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import { messageOf } from '../../src/core/values/reason.ts'
import { type Connection, createNodePeer, type NodePeer, type NodePeerInit, type PeerId, type RelayStatus } from '../index.ts'
import { portTrouble } from './demo-server.ts'

const sendDeadlineMs = 5_000

export interface DemoNodePeerOptions {
  /** For people. */
  readonly name: string
  /** A folder of its own; made if it is not there. */
  readonly folder: string
  /** TCP and WebSockets, at 127.0.0.1; 0: the system chooses at the first start. */
  readonly ports: { readonly tcp: number; readonly webSocket: number }
  /** All but files and addresses. */
  readonly init: NodePeerInit
  /** A message that came, as text. */
  onMessage(from: Connection, text: string): void
  /** It runs, the first time or again. */
  onStart(peer: DemoNodePeer): void
  /** It stopped by itself. */
  onBreak(peer: DemoNodePeer): void
}

export class DemoNodePeer {
  readonly name: string
  readonly #options: DemoNodePeerOptions
  #listen: readonly string[]
  #peerId: PeerId | undefined
  #running: NodePeer | undefined

  constructor(options: DemoNodePeerOptions) {
    this.name = options.name
    this.#options = options
    this.#listen = [address(options.ports.tcp), `${address(options.ports.webSocket)}/ws`]
  }

  get pool(): NodePeer['pool'] {
    return this.#peer.pool
  }

  get node(): Libp2p {
    return this.#peer.node
  }

  /** How many relay reservations it gave; none if it is no relay or does not run. */
  get relayStatus(): RelayStatus | undefined {
    return this.#running?.relay?.status()
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
    const { folder, init, onStart, onBreak } = this.#options
    const files = { peersFile: join(folder, 'peers.json'), identityFile: join(folder, 'identity') }
    const peer = await createNodePeer({ ...init, ...files, listen: this.#listen }).catch((error: unknown) => {
      throw new Error(`${this.name}: ${listenTrouble(error)}`, { cause: error })
    })
    this.#running = peer
    // What it was must be what it is: the check compares.
    this.#peerId ??= peer.pool.peerId
    this.#listen = peer.node.getMultiaddrs().map((one) => one.toString().replace(/\/p2p\/[^/]+$/, ''))
    this.#readMessages(peer)
    peer.node.addEventListener('stop', () => {
      if (this.#running === peer) onBreak(this)
    })
    onStart(this)
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const peer = this.#running
    this.#running = undefined
    await peer?.stop()
  }

  get #peer(): NodePeer {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`)
    return this.#running
  }

  #readMessages({ pool }: NodePeer): void {
    const read = async (connection: Connection): Promise<void> => {
      const decoder = new TextDecoder()
      for await (const bytes of connection.messages) this.#options.onMessage(connection, decoder.decode(bytes))
    }
    const begin = (peerId: PeerId): void => {
      const connection = pool.connections.findByPeerId(peerId)
      // A connection that breaks ends its messages; why it broke is an event of the pool.
      if (connection !== undefined) read(connection).catch(() => undefined)
    }
    pool.addEventListener('connection-opened', ({ detail }) => begin(detail.peerId))
    for (const connection of pool.connections.list()) begin(connection.peerId)
  }
}

function address(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}

/** libp2p tells of taken ports in one long message of many lines. */
function listenTrouble(error: unknown): string {
  const message = messageOf(error)
  const [, port, code] = /\/tcp\/(\d+)\S*:.*\b(EADDRINUSE|EACCES)\b/.exec(message) ?? []
  return code === undefined ? message : portTrouble(Object.assign(new Error(message), { code }), Number(port))
}
