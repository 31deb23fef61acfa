/**
 * Nodes on the loopback for the rows about connections: bare libp2p and a pool, on the same transports, encryption, multiplexer and
 * settings, so that what differs is the pool. Made by `peer-process.ts`.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createNodePeer } from '../node/index.ts'
import type { Connection } from '../src/core/index.ts'
import { nodePreset } from '../src/core/values/config.ts'
import { libp2pSettings } from '../src/libp2p/preset.ts'
import { type Libp2pPeerPool, peerPool } from '../src/libp2p/service.ts'
import type { Recording } from '../src/recording/recording.ts'
import { pause } from './timing.ts'
import { farStorage, quietOptions } from './world.ts'

const echoProtocol = '/bench/echo/1.0.0'
const holdProtocol = '/bench/hold/1.0.0'
const maxMessageBytes = 1_048_576
/** All dials come from one address, more of them a second than a listener takes otherwise: libp2p's own limit and the pool's. */
const inboundConnectionThreshold = 10_000

/** How bare libp2p sends a message: as it is, or as a program that needs whole messages must send it. */
export type Way = 'raw' | 'framed'
const bulkProtocols = { raw: '/bench/raw/1.0.0', framed: '/bench/framed/1.0.0' } as const

export interface Side {
  /** With the peer id. */
  readonly address: string
  readonly node: Libp2p
  /** When the last connection ran here, ms of the clock that all processes share. */
  readonly lastRanAt: number
  /** Until the connection is of use to this side. */
  connect(address: string): Promise<void>
  /** Ends all connections; both sides have forgotten them soon after. */
  part(): Promise<void>
  send(message: Uint8Array, count: number, way: Way): Promise<void>
  receive(size: number, count: number, way: Way): Promise<void>
}

/** ms of a clock that all processes of this machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export interface SideOptions {
  /** @default 'tcp' */
  readonly listens?: 'tcp' | 'ws'
  /** A circuit relay. @default false */
  readonly isRelay?: boolean
}

const addressFor = { tcp: '/ip4/127.0.0.1/tcp/0', ws: '/ip4/127.0.0.1/tcp/0/ws' } as const

const base = ({ listens = 'tcp' }: SideOptions = {}) => {
  const settings = libp2pSettings({
    maxConnections: nodePreset.maxConnections,
    connectionTimeoutMs: 10_000,
    authenticationTimeoutMs: 5_000
  })
  return {
    addresses: { listen: [addressFor[listens]] },
    transports: [listens === 'tcp' ? tcp() : webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionManager: { ...settings.connectionManager, inboundConnectionThreshold },
    connectionMonitor: settings.connectionMonitor
  }
}

export class BareSide implements Side {
  readonly node: Libp2p
  /** The listener of a dial and one echo has nothing to wait for. */
  readonly lastRanAt = Number.NEGATIVE_INFINITY
  readonly #incoming = new Map<string, PromiseWithResolvers<Stream>>()
  readonly #outgoing = new Map<string, Stream>()
  /** What must stay open. */
  readonly #held: Stream[] = []

  /** `isMonitored`: with libp2p's own check of idle connections, which is on by default. */
  static async make({ isMonitored = false, isRelay = false, ...options }: SideOptions & { isMonitored?: boolean } = {}): Promise<BareSide> {
    const monitor = isMonitored ? { connectionMonitor: {} } : {}
    const relay = isRelay ? { relay: circuitRelayServer({ reservations: { maxReservations: 1_000 } }) } : {}
    const node = await createLibp2p({ ...base(options), ...monitor, services: { identify: identify(), ...relay } })
    const side = new BareSide(node)
    await node.handle(echoProtocol, (stream) => {
      stream.addEventListener('message', ({ data }) => void stream.send(data))
      stream.addEventListener('remoteCloseWrite', () => void stream.close())
    })
    await node.handle(holdProtocol, (stream) => void side.#held.push(stream))
    for (const protocol of Object.values(bulkProtocols)) {
      const arrived = Promise.withResolvers<Stream>()
      side.#incoming.set(protocol, arrived)
      await node.handle(protocol, (stream) => arrived.resolve(stream))
    }
    return side
  }

  private constructor(node: Libp2p) {
    this.node = node
  }

  get address(): string {
    return addressOf(this.node)
  }

  /** A dial, and one echo on a fresh stream. */
  async connect(address: string): Promise<void> {
    const connection = await this.node.dial(multiaddr(address))
    const stream = await connection.newStream(echoProtocol)
    this.#held.push(stream)
    const answered = new Promise<void>((resolve, reject) => {
      stream.addEventListener('message', () => resolve(), { once: true })
      stream.addEventListener('close', ({ error }) => reject(error ?? new Error('the echo closed')), { once: true })
    })
    stream.send(new Uint8Array(1))
    await answered
  }

  /** A connection with one open stream. */
  async hold(address: string): Promise<void> {
    const connection = await this.node.dial(multiaddr(address))
    this.#held.push(await connection.newStream(holdProtocol))
  }

  /** The streams first and from one side alone: libp2p throws past everybody when a socket goes under a write. */
  async part(): Promise<void> {
    for (const stream of this.#held.splice(0)) await stream.close()
    await Promise.all(this.node.getConnections().map((connection) => connection.close()))
    await alone(this.node)
  }

  async send(message: Uint8Array, count: number, way: Way): Promise<void> {
    const stream = await this.#stream(way)
    if (way === 'framed') {
      const framed = lpStream(stream, { maxDataLength: maxMessageBytes })
      for (let i = 0; i < count; i++) await framed.write(message)
      framed.unwrap()
      return
    }
    for (let i = 0; i < count; i++) if (!stream.send(message)) await drained(stream)
  }

  async receive(size: number, count: number, way: Way): Promise<void> {
    const stream = await this.#incoming.get(bulkProtocols[way])?.promise
    if (stream === undefined) throw new Error('no stream came')
    if (way === 'framed') {
      const framed = lpStream(stream, { maxDataLength: maxMessageBytes })
      for (let i = 0; i < count; i++) check((await framed.read()).subarray().byteLength, size)
      framed.unwrap()
      return
    }
    let left = size * count
    await new Promise<void>((resolve) => {
      const take = ({ data }: { readonly data: { readonly byteLength: number } }): void => {
        left -= data.byteLength
        if (left > 0) return
        stream.removeEventListener('message', take)
        resolve()
      }
      stream.addEventListener('message', take)
    })
  }

  async #stream(way: Way): Promise<Stream> {
    const protocol = bulkProtocols[way]
    const stream = this.#outgoing.get(protocol) ?? (await this.node.getConnections()[0]?.newStream(protocol))
    if (stream === undefined) throw new Error('nobody is connected')
    this.#outgoing.set(protocol, stream)
    return stream
  }
}

export class PoolSide implements Side {
  readonly node: Libp2p
  readonly pool: Libp2pPeerPool
  lastRanAt = Number.NEGATIVE_INFINITY
  readonly #readers = new Map<Connection, AsyncIterator<Uint8Array>>()

  static async make(): Promise<PoolSide> {
    const service = peerPool({
      // A pool that wants nobody takes unknown peers up to a third of its max.
      ...quietOptions({ maxConnections: 6 * nodePreset.maxConnections, allowPrivatePoints: true }),
      inboundConnectionThreshold,
      storage: farStorage()
    })
    const node = await createLibp2p({ ...base(), connectionGater: service.gater, services: { identify: identify(), pool: service } })
    return new PoolSide(node, node.services.pool)
  }

  /** As a program makes it. */
  static async preset({
    listens = 'tcp',
    isRelay = false,
    expectedConnections,
    ...others
  }: SideOptions & { expectedConnections?: number; maxConnections?: number; recording?: Recording }): Promise<PoolSide> {
    const { node, pool } = await createNodePeer({
      network: 'bench',
      listen: [addressFor[listens]],
      inboundConnectionThreshold,
      allowPrivatePoints: true,
      relay: isRelay,
      ...others,
      ...(expectedConnections === undefined ? { minConnections: 0, expectedConnections: 0 } : { expectedConnections })
    })
    return new PoolSide(node, pool)
  }

  private constructor(node: Libp2p, pool: Libp2pPeerPool) {
    this.node = node
    this.pool = pool
    pool.addEventListener('connection-opened', () => {
      this.lastRanAt = machineMs()
    })
  }

  get address(): string {
    return addressOf(this.node)
  }

  async connect(address: string): Promise<void> {
    const { point, expectedPeerId } = this.pool.parsePoint(address)
    await this.pool.connect(point, { expectedPeerId })
  }

  async part(): Promise<void> {
    await Promise.all(this.pool.connections.list().map(({ peerId }) => this.pool.disconnect(peerId)))
    await alone(this.node)
  }

  async send(message: Uint8Array, count: number): Promise<void> {
    const { connection } = this.#only()
    for (let i = 0; i < count; i++) await connection.send(message)
  }

  async receive(size: number, count: number): Promise<void> {
    const { reader } = this.#only()
    for (let i = 0; i < count; i++) check((await reader.next()).value?.byteLength, size)
  }

  /** Reads all messages from now on. */
  read(): void {
    const readAll = async (connection: Connection | undefined): Promise<void> => {
      for await (const _ of connection?.messages ?? []);
    }
    this.pool.addEventListener('connection-opened', ({ detail }) => void readAll(this.pool.connections.findByPeerId(detail.peerId)))
    for (const connection of this.pool.connections.list()) void readAll(connection)
  }

  #only(): { connection: Connection; reader: AsyncIterator<Uint8Array> } {
    const [connection] = this.pool.connections.list()
    if (connection === undefined) throw new Error('nobody is connected')
    const reader = this.#readers.get(connection) ?? connection.messages[Symbol.asyncIterator]()
    this.#readers.set(connection, reader)
    return { connection, reader }
  }
}

/** Resolves once the node has no connection, so that each dial finds what the one before found. */
export async function alone(node: Libp2p): Promise<void> {
  while (node.getConnections().length > 0) await pause(2)
  // Sockets close a little later.
  await pause(2)
}

function addressOf(node: Libp2p): string {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the node listens nowhere')
  return address.toString()
}

function drained(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      stream.removeEventListener('drain', look)
      stream.removeEventListener('close', close)
      if (error === undefined) resolve()
      else reject(error)
    }
    // The stream sends on what it holds in a microtask after the event, and may be full again then.
    const look = (): void => queueMicrotask(() => stream.writableNeedsDrain || settle())
    const close = (): void => settle(new Error('the stream closed'))
    stream.addEventListener('drain', look)
    stream.addEventListener('close', close)
  })
}

function check(got: number | undefined, expected: number): void {
  if (got !== expected) throw new Error(`expected a message of ${expected} bytes, got ${got}`)
}
