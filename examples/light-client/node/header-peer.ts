/**
 * One Node peer of the chain: follows its peers like a light client, makes headers itself, tells of its head and answers
 * requests. With a `deceit` it makes none and lies to light clients; to peers that have headers themselves, from which it has its
 * own, it is honest. `chain-network.ts` makes seven of them.
 */
import { type Connection, createNodePeer, type NodePeer, type NodePeerInit, type PeerId } from 'p2p-pool/node'
import type { Hash, Header } from '../chain/header.ts'
import type { HeaderTree } from '../chain/header-tree.ts'
import type { ChainRules } from '../chain/rules.ts'
import { type ChainConnection, ChainFollower, tell } from '../follow-pool.ts'
import { SyncClient } from '../sync/sync-client.ts'
import { chainCodec, maxMessageBytes } from '../wire/codec.ts'
import type { ChainMessage, GetHeadersMessage } from '../wire/message.ts'
import { answerTo, statusOf } from '../wire/serving.ts'
import type { Deceit } from './deceit.ts'
import { Miner } from './miner.ts'

export interface HeaderPeerOptions {
  /** For people. */
  readonly name: string
  readonly rules: ChainRules
  /** What it knows of the chain at the beginning. */
  readonly history: readonly Header[]
  /** All but what the chain needs. */
  readonly init: NodePeerInit<ChainMessage>
  /** How it lies, and for how long a light client finds it honest before that, ms. */
  readonly deceit?: Deceit
  readonly honestForMs?: number | undefined
  /** It stopped though nothing asked it to. */
  onBreak(peer: HeaderPeer): void
}

/** Each page that is opened is a new peer to lie to. */
const maxFirstLies = 1_000

export class HeaderPeer {
  readonly name: string
  readonly client: SyncClient<PeerId>
  /** It keeps light clients waiting so long for an answer, ms; infinite: they get none. */
  answerDelayMs = 0
  /** Peers it lied to, and when first: wall clock, ms. At most `maxFirstLies`, the oldest goes first. */
  readonly firstLies = new Map<PeerId, number>()
  readonly #options: HeaderPeerOptions
  readonly #miner: Miner
  /** The head that was sent last on each connection. */
  readonly #sentHead = new WeakMap<Connection<ChainMessage>, Hash>()
  #running: NodePeer<ChainMessage> | undefined
  #follower: ChainFollower | undefined

  constructor(options: HeaderPeerOptions) {
    this.name = options.name
    this.#options = options
    // Light clients tell no head, and are none the worse for it.
    this.client = new SyncClient({ rules: options.rules, limits: { statusDeadlineMs: null }, tree: { maxKept: 1_000_000 } })
    this.client.add(options.history, { now: 0, date: 0 })
    this.#miner = new Miner(this.client.tree, (header) => this.#follower?.add([header]))
  }

  get tree(): HeaderTree {
    return this.client.tree
  }

  get pool(): NodePeer<ChainMessage>['pool'] {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`)
    return this.#running.pool
  }

  /** Where others dial it, with its id. */
  multiaddr(transport: 'tcp' | 'ws'): string {
    const found = this.#running?.node.getMultiaddrs().find((one) => one.toString().includes('/ws') === (transport === 'ws'))
    if (found === undefined) throw new Error(`${this.name} does not listen on ${transport}`)
    return found.toString()
  }

  /** Rejects if it cannot listen. */
  async start(): Promise<void> {
    const { init, deceit, onBreak } = this.#options
    const peer = await createNodePeer<ChainMessage>({ ...init, messageCodec: chainCodec, maxMessageBytes })
    this.#running = peer
    peer.node.addEventListener('stop', () => {
      if (this.#running === peer) onBreak(this)
    })
    this.#follower = new ChainFollower({
      pool: peer.pool,
      client: this.client,
      onChange: () => this.#announce(),
      onJoin: (connection) => this.#welcome(connection),
      onRequest: (connection, request) => this.#answer(connection, request)
    })
    if (deceit === undefined) this.#miner.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const peer = this.#running
    this.#running = undefined
    this.#miner.stop()
    this.#follower?.stop()
    await peer?.stop()
  }

  /** Makes a header now, whatever it takes. */
  makeHeader(): void {
    this.#follower?.add([this.#miner.make()])
  }

  #announce(): void {
    for (const connection of this.#running?.pool.connections.list() ?? []) this.#tellHead(connection)
  }

  #welcome(connection: ChainConnection): void {
    this.#tellHead(connection)
    const { deceit, honestForMs = 0 } = this.#options
    // By then each peer that has headers has sent its status.
    if (deceit !== undefined) setTimeout(() => this.#tellHead(connection), honestForMs).unref()
  }

  /** If it is news to it. */
  #tellHead(connection: ChainConnection): void {
    const deceit = this.#deceitFor(connection)
    const status = deceit === undefined ? statusOf(this.tree) : deceit.status(this.tree)
    if (connection.ending !== undefined || this.#sentHead.get(connection) === status.head) return
    this.#sentHead.set(connection, status.head)
    if (deceit !== undefined) this.#noteLie(connection.peerId)
    void tell(connection, status)
  }

  #noteLie(to: PeerId): void {
    if (this.firstLies.has(to)) return
    this.firstLies.set(to, Date.now())
    const [oldest] = this.firstLies.keys()
    if (this.firstLies.size > maxFirstLies && oldest !== undefined) this.firstLies.delete(oldest)
  }

  /** What is sent first arrives first: the receiver of the answer already knows the head that it belongs to. */
  async #answer(connection: ChainConnection, request: GetHeadersMessage): Promise<void> {
    if (this.answerDelayMs > 0 && this.#isLight(connection)) await pause(Math.min(this.answerDelayMs, 2 ** 31 - 1), connection)
    if (connection.ending !== undefined) return
    const deceit = this.#deceitFor(connection)
    this.#tellHead(connection)
    await tell(connection, (deceit?.answer ?? answerTo)(this.tree, request))
  }

  #deceitFor(connection: ChainConnection): Deceit | undefined {
    const { deceit, honestForMs = 0 } = this.#options
    if (deceit === undefined || Date.now() - connection.establishedAt < honestForMs) return undefined
    return this.#isLight(connection) ? deceit : undefined
  }

  /** It never said that it has headers. */
  #isLight({ peerId }: ChainConnection): boolean {
    return this.client.claimOf(peerId) === undefined
  }
}

/** Over early when the connection is. */
async function pause(ms: number, connection: ChainConnection): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
    timer.unref()
  })
  await Promise.race([over, connection.closed])
  clearTimeout(timer)
}
