/**
 * The two peers that are introduced. What they send to each other over the introducer is encrypted with noise, so it cannot take the place of
 * either. Inside is the stream that libp2p's WebRTC uses for its signalling, and nothing else: no connection of libp2p is made over an
 * introducer, so none of its other protocols can be used there. Used by `introductions.ts`.
 */
import type { Connection, MessageStream, Stream } from '@libp2p/interface'
import { deadline } from '../core/flows/waits.ts'
import type { PeerId } from '../core/values/ids.ts'
import { DialError } from '../core/values/ports.ts'
import type { IntroductionHost } from './introduction-host.ts'
import { request, sendMessage } from './introduction-message.ts'
import { closeSoon, splice } from './introduction-splice.ts'

/** For the handshake of noise, once both have said yes, ms. */
const handshakeMs = 10_000

/**
 * The stream to a peer for WebRTC's signalling, as the connection that libp2p's WebRTC expects from a dial. Rejects with `DialError`, or with the
 * signal's reason.
 */
export async function call(
  host: IntroductionHost,
  { by, to }: { readonly by: string; readonly to: string },
  signal: AbortSignal
): Promise<Connection> {
  const connection = host.connectionWith(by)
  if (connection === undefined) throw new DialError('unreachable', `not connected with ${by}, which would introduce us to ${to}`)
  let stream: Stream | undefined
  try {
    const asked = await request(connection, { kind: 'introduce', peerId: to }, signal)
    stream = asked.stream
    if (asked.answer === 'unknown') throw new DialError('refused', `${by} cannot introduce us to ${to} any more`)
    if (asked.answer === 'failed') throw new DialError('refused', `${to} does not take the introduction by ${by}`)
    if (asked.answer !== 'ok') throw new DialError('refused', `${by} introduces us to nobody now`)
    const secured = await encrypt(host, stream, { direction: 'secureOutbound', peerId: to, signal })
    // All that libp2p's WebRTC uses of it (@libp2p/webrtc 6.0.33).
    return { newStream: () => Promise.resolve(secured) } as unknown as Connection
  } catch (error) {
    stream?.abort(error as Error)
    if (signal.aborted || error instanceof DialError) throw error
    throw new DialError('refused', `${by} did not introduce us to ${to}: ${(error as Error).message}`, {
      cause: error
    })
  }
}

/** Hands a visitor to libp2p's WebRTC. Rejects if it is not the one that the introducer named. */
export async function receive(
  host: IntroductionHost,
  stream: Stream,
  { from, by }: { readonly from: PeerId; readonly by: PeerId }
): Promise<void> {
  const late = deadline(host.clock, handshakeMs)
  try {
    sendMessage(stream, { kind: 'ok' })
    const secured = await encrypt(host, stream, { direction: 'secureInbound', peerId: from, signal: late.signal })
    host.parts.handlers.proved(from, by)
    // All that libp2p's WebRTC uses of it (@libp2p/webrtc 6.0.33): the last id in the address, and its text for the log.
    const remoteAddr = { getComponents: () => [{ name: 'p2p', value: from }], toString: () => `/p2p/${by}/p2p-circuit/p2p/${from}` }
    await host.signalingHandler?.(secured as Stream, { remoteAddr } as unknown as Connection)
  } finally {
    late.cancel()
  }
}

export function refuse(host: IntroductionHost, stream: Stream): void {
  sendMessage(stream, { kind: 'refused' })
  closeSoon(stream, host.clock)
}

interface Encrypting {
  readonly direction: 'secureInbound' | 'secureOutbound'
  readonly peerId: string
  readonly signal: AbortSignal
}

/** The stream, encrypted to the expected peer. */
async function encrypt(
  { noise, clock }: IntroductionHost,
  stream: Stream,
  { direction, peerId, signal }: Encrypting
): Promise<MessageStream> {
  if (noise === undefined) throw new Error('this node does not encrypt with noise')
  const encrypting = noise[direction](stream, { signal, skipStreamMuxerNegotiation: true })
  // Noise listens by now, so that no byte is lost to the count.
  void splice([stream], clock)
  const { connection, remotePeer } = await encrypting
  if (remotePeer.toString() === peerId) return connection
  throw new DialError('wrong-peer-id', `expected ${peerId}, ${remotePeer} answered`, { peerId: remotePeer.toString() as PeerId })
}
