/**
 * The liar of the demo: a libp2p peer that looks like a pool until it is connected, advertises addresses where nobody is, and then
 * breaks the protocol. Started by demo-breaks.ts when a person asks for it. It dials nobody.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { decodeMessage } from '../../src/core/wire/decode.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import { FrameReader } from '../../src/core/wire/frame.ts'
import type { HelloMessage, PoolMessage } from '../../src/core/wire/schema.ts'
import { poolProtocol } from '../index.ts'
import { plainProtocol } from './demo-plain.ts'

/** Of its false addresses, which are all on this machine. */
export const falsePoints: readonly string[] = Array.from({ length: 30 }, (_, index) => `/ip4/127.0.0.1/tcp/${1_100 + index}/ws`)

const limits = { maxApplicationBytes: 1_048_576 }
/** So long it behaves: a person sees it among the connections. */
const honestMs = 1_000
/** A message of 15 bytes that are none. */
const garbage = new Uint8Array([16, ...new Uint8Array(16).fill(0xff)])

export interface Liar {
  /** Where it is, with its id. */
  readonly address: string
  stop(): Promise<void>
}

/** Rejects if it cannot listen at `host`, an IPv4 address of this machine. */
export async function startLiar({ host, network }: { readonly host: string; readonly network: string }): Promise<Liar> {
  const node: Libp2p = await createLibp2p({
    addresses: { listen: [`/ip4/${host}/tcp/0/ws`] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    services: { identify: identify() }
  })
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const later = (act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, honestMs)
    timers.add(timer)
  }
  await node.handle(poolProtocol, (stream) => lie(stream, { network, later }))
  // As every Node peer of the demo: plain libp2p keeps a stream open here.
  await node.handle(plainProtocol, () => undefined)
  const address = node.getMultiaddrs()[0]?.toString()
  if (address === undefined) throw new Error('the liar listens nowhere')
  return {
    address,
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      for (const connection of node.getConnections()) connection.abort(new Error('the liar ends'))
      await node.stop()
    }
  }
}

function lie(stream: Stream, { network, later }: { readonly network: string; later(act: () => void): void }): void {
  const reader = new FrameReader()
  const say = (...messages: PoolMessage[]): void => {
    if (stream.writeStatus === 'writable') stream.send(encodeMessages(messages))
  }
  stream.addEventListener('message', ({ data }) => {
    reader.push(data instanceof Uint8Array ? data : data.subarray())
    for (let frame = reader.next(limits); frame !== undefined; frame = reader.next(limits)) {
      const kind = decodeMessage(frame, limits)?.kind
      if (kind === 'hello') say(helloOf(network), { kind: 'ack' })
      if (kind !== 'ack') continue
      say({ kind: 'advertise', points: falsePoints, ownPoints: undefined })
      later(() => {
        if (stream.writeStatus === 'writable') stream.send(garbage)
      })
    }
  })
}

function helloOf(network: string): HelloMessage {
  const nothing = new Uint8Array(0)
  return {
    ...{ kind: 'hello', network, protocolVersions: [1], applicationVersions: [0], isPrivate: false, discovery: true, points: [] },
    ...{ signedPeerRecord: nothing, instance: crypto.getRandomValues(new Uint8Array(8)), metadata: nothing, transports: [], invitation: '' }
  }
}
