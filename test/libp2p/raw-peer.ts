/** A libp2p node without a pool that says on raw streams what a test wants, and writes down what comes. Over TCP on the loopback. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Point } from '../../src/core/index.ts'
import { decodeMessage } from '../../src/core/wire/decode.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import { FrameReader } from '../../src/core/wire/frame.ts'
import type { HelloMessage, PoolMessage } from '../../src/core/wire/schema.ts'
import { helloOf } from '../support/hostile-peer.ts'
import { until } from './plain-nodes.ts'

export const poolProtocol = '/p2p-pool/1.0.0'
const limits = { maxApplicationBytes: 2 * 1_048_576 }

/** One pool stream, as its other end sees it. */
export class RawStream {
  readonly stream: Stream
  readonly heard: PoolMessage[] = []
  /** `closed`: the pool has closed its side; `reset`: it broke the stream off. */
  end: 'open' | 'closed' | 'reset' = 'open'
  /** Once the pool has closed its side. */
  closesToo = true
  readonly #reader = new FrameReader()

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', ({ data }) => {
      this.#reader.push(data.subarray())
      for (let frame = this.#reader.next(limits); frame !== undefined; frame = this.#reader.next(limits)) {
        const message = decodeMessage(frame, limits)
        if (message !== undefined) this.heard.push(message)
      }
    })
    stream.addEventListener('remoteCloseWrite', () => {
      if (this.end === 'open') this.end = 'closed'
      if (this.closesToo) void stream.close().catch(() => undefined)
    })
    stream.addEventListener('close', ({ error }) => {
      if (this.end === 'open') this.end = error === undefined ? 'closed' : 'reset'
    })
  }

  get kinds(): string[] {
    return this.heard.map(({ kind }) => kind)
  }

  say(...messages: PoolMessage[]): void {
    this.send(encodeMessages(messages))
  }

  send(bytes: Uint8Array): void {
    if (this.stream.writeStatus === 'writable') this.stream.send(bytes)
  }

  async hears(...kinds: string[]): Promise<void> {
    await until(() => kinds.every((kind) => this.kinds.includes(kind)))
  }

  async ends(): Promise<void> {
    await until(() => this.end !== 'open')
  }
}

export class RawPeer {
  readonly node: Libp2p
  /** Pool streams that came in, in order. */
  readonly incoming: RawStream[] = []
  /** What is done with each of them. */
  greet: (stream: RawStream) => void = () => undefined

  constructor(node: Libp2p) {
    this.node = node
  }

  get peerId(): string {
    return this.node.peerId.toString()
  }

  get points(): Point[] {
    return this.node.getMultiaddrs().map((address) => address.decapsulate('/p2p').toString() as Point)
  }

  /** A stream that has said nothing, on a connection that is there or is made. Tried again where the pool is just closing one that it had made. */
  async open(pool: Libp2p, triesLeft = 20): Promise<RawStream> {
    try {
      const connection = await this.node.dial(pool.getMultiaddrs())
      return new RawStream(await connection.newStream(poolProtocol))
    } catch (error) {
      if (triesLeft === 0) throw error
      const open = this.connections(pool).length
      await until(() => this.connections(pool).length !== open, 100).catch(() => undefined)
      return this.open(pool, triesLeft - 1)
    }
  }

  /** One that runs, seen from here. */
  async run(pool: Libp2p, hello: Partial<HelloMessage> = {}): Promise<RawStream> {
    const raw = await this.open(pool)
    raw.say(helloOf(hello))
    await raw.hears('hello', 'ack')
    raw.say({ kind: 'ack' })
    return raw
  }

  connections(pool: Libp2p): Connection[] {
    return this.node.getConnections(pool.peerId)
  }
}

export async function rawPeer({ listen = 1, privateKey }: { listen?: number; privateKey?: PrivateKey } = {}): Promise<RawPeer> {
  const node = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: Array.from({ length: listen }, () => '/ip4/127.0.0.1/tcp/0') },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false }
  })
  const peer = new RawPeer(node)
  await node.handle(
    poolProtocol,
    (stream) => {
      const raw = new RawStream(stream)
      peer.incoming.push(raw)
      peer.greet(raw)
    },
    { maxInboundStreams: 8, maxOutboundStreams: 8 }
  )
  return peer
}
