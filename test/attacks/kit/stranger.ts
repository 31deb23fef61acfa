/**
 * What attackers are made of: plain js-libp2p without a pool, connections under as many ids as they like, raw streams, and the
 * words of the pool protocol, which they write with the encoder of the pool.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type ServiceFactoryMap } from 'libp2p'
import { decodeMessage } from '../../../src/core/wire/decode.ts'
import { encodeMessages } from '../../../src/core/wire/encode.ts'
import { FrameReader } from '../../../src/core/wire/frame.ts'
import type { HelloMessage, PoolMessage } from '../../../src/core/wire/schema.ts'
import { poolProtocol } from '../../../src/libp2p/network.ts'
import { within } from '../../laboratory/lab.ts'
import { atHost } from './source-address.ts'
import { network } from './victim.ts'

/** An attacker waits no longer for anything that the victim should answer, ms. */
const patienceMs = 5_000

interface StrangerOptions {
  readonly identifies?: boolean
  readonly privateKey?: PrivateKey
}

/** Where each node dials from. */
const hosts = new WeakMap<Libp2p, string>()

/** A node that dials from `host` and defends itself against nothing. */
export async function strangerAt(host: string, { identifies = false, privateKey }: StrangerOptions = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxOutboundStreams: 100_000, streamOptions: { maxStreamWindowSize: 1024 * 1024 } })],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { maxParallelDials: 1_000, maxConnections: 10_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    services: (identifies ? { identify: identify() } : {}) as ServiceFactoryMap
  })
  hosts.set(node, host)
  return node
}

/** Another connection, even to a peer that the node is connected with. */
export function dialAgain(node: Libp2p, address: string): Promise<Connection> {
  const dial = () => node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(patienceMs) })
  return atHost(hosts.get(node) ?? '', dial)
}

/** A stream that never names a protocol. */
export async function namelessStream(connection: Connection): Promise<Stream> {
  // libp2p's connection has no public way to a stream without a protocol; attackers do not care.
  const { muxer } = connection as unknown as { readonly muxer: { createStream(): Promise<Stream> } }
  return await muxer.createStream()
}

/** Renews what `open` makes as soon as the victim ends it, but so often at most, until the connection is gone. */
export function keepOpen(connection: Connection, open: (connection: Connection) => Promise<Stream>, renewEveryMs = 250): void {
  let began = 0
  const renew = (): void => {
    if (connection.status !== 'open') return
    began = performance.now()
    open(connection).then(
      (stream) => (stream.status === 'open' ? stream.addEventListener('close', later, { once: true }) : later()),
      () => later()
    )
  }
  const later = (): void => void setTimeout(renew, Math.max(0, renewEveryMs - (performance.now() - began)))
  renew()
}

export function helloOf(more: Partial<HelloMessage> = {}): HelloMessage {
  const nothing = new Uint8Array(0)
  return {
    kind: 'hello',
    network,
    protocolVersions: [1],
    applicationVersions: [0],
    isPrivate: false,
    discovery: true,
    points: [],
    signedPeerRecord: nothing,
    instance: crypto.getRandomValues(new Uint8Array(8)),
    metadata: nothing,
    transports: [],
    invitation: '',
    ...more
  }
}

/** A stream of the pool protocol, and what the victim says on it. */
export class PoolStream {
  readonly stream: Stream
  readonly heard: PoolMessage[] = []
  #wake: () => void = () => undefined
  #isClosed = false

  constructor(stream: Stream) {
    this.stream = stream
    const reader = new FrameReader()
    const limits = { maxApplicationBytes: 1_048_576 }
    stream.addEventListener('message', ({ data }) => {
      reader.push(data instanceof Uint8Array ? data : data.subarray())
      for (let frame = reader.next(limits); frame !== undefined; frame = reader.next(limits)) {
        const message = decodeMessage(frame, limits)
        if (message !== undefined && this.heard.length < 1_000) this.heard.push(message)
      }
      this.#wake()
    })
    stream.addEventListener('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  say(...messages: PoolMessage[]): void {
    this.stream.send(encodeMessages(messages))
  }

  /** The next message of one of these kinds; undefined when the stream closed before. Rejects when it takes too long. */
  async next(...kinds: PoolMessage['kind'][]): Promise<PoolMessage | undefined> {
    const waiting = async (): Promise<PoolMessage | undefined> => {
      for (;;) {
        const at = this.heard.findIndex(({ kind }) => kinds.includes(kind))
        if (at >= 0) return this.heard.splice(at, 1)[0]
        if (this.#isClosed) return undefined
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    return within(patienceMs, waiting(), `none of ${kinds.join(', ')} came`)
  }
}

export async function openPoolStream(connection: Connection): Promise<PoolStream> {
  return new PoolStream(await connection.newStream(poolProtocol, { signal: AbortSignal.timeout(patienceMs) }))
}

/** The whole handshake; undefined if the victim does not want us. */
export async function joinPool(connection: Connection, hello: Partial<HelloMessage> = {}): Promise<PoolStream | undefined> {
  const pool = await openPoolStream(connection)
  pool.say(helloOf(hello))
  const answer = await pool.next('ack', 'nack', 'disconnect')
  if (answer?.kind !== 'ack') return undefined
  pool.say({ kind: 'ack' })
  return pool
}
