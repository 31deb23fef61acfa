/**
 * The port's `CopiedSignalling` on libp2p: a connection of WebRTC whose offer and answer people copy. It has one data channel, on which libp2p runs
 * noise and yamux as on a socket: noise proves the ids, so the texts need no signature. Loaded by `network.ts` with the first invitation.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, onAbort } from '../core/flows/waits.ts'
import type { PeerId } from '../core/values/ids.ts'
import {
  type Clock,
  type CopiedSignalling,
  DialError,
  type Link,
  type SignallingAnswer,
  type SignallingOffer
} from '../core/values/ports.ts'
import { messageOf } from '../core/values/reason.ts'
import { ChannelConnection } from './channel-connection.ts'
import type { ConnectionKeeper } from './connection-keeper.ts'
import type { NetworkComponents } from './network-options.ts'
import {
  type Candidate,
  candidateLine,
  isLocal,
  readDescription,
  readSignalling,
  type Signalling,
  writeDescription,
  writeSignalling
} from './signalling-text.ts'

/** Candidates of the own machine are there within milliseconds, those of STUN servers within two round trips, ms. */
const gatherMs = 3_000
/** A newcomer whose checks had no answer makes them again so often, ms. */
const againMs = 5_000
/** From the open channel to the connection of libp2p, ms. */
const upgradeMs = 10_000

/** What this needs of the network and of libp2p. */
export interface SignallingParts {
  readonly components: Pick<NetworkComponents, 'upgrader' | 'transportManager' | 'logger'>
  readonly network: {
    readonly keeper: Pick<ConnectionKeeper, 'made' | 'closeUnused'>
    linkOn(connection: Connection, signal: AbortSignal): Promise<Link>
    readonly loadPeerConnection?: () => Promise<typeof RTCPeerConnection>
  }
  readonly clock: Clock
}

/** `undefined`: the node has no WebRTC. */
export async function copiedSignalling(parts: SignallingParts): Promise<CopiedSignalling | undefined> {
  const PeerConnection = globalThis.RTCPeerConnection ?? (await parts.network.loadPeerConnection?.())
  const configuration = configurationOf(parts)
  if (PeerConnection === undefined || configuration === undefined) return undefined
  const make = async (): Promise<Half> => {
    try {
      return new Half(new PeerConnection(await configuration()))
    } catch (error) {
      throw new DialError('no-transport', messageOf(error), { cause: error }) // no more connections may be made now
    }
  }
  return {
    offer: async (signal) => {
      const ours = await make()
      try {
        return new Offer(parts, ours, await ours.describe(signal))
      } catch (error) {
        ours.close()
        throw dialError(error, signal)
      }
    },
    answer: async (offer, about) => {
      const theirs = readSignalling(offer)
      const ours = await make()
      try {
        return await answer(parts, { ours, theirs, ...about })
      } catch (error) {
        ours.close()
        throw dialError(error, about.signal)
      }
    }
  }
}

/** How the transport of this node makes its own connections, which counts them and names STUN servers (@libp2p/webrtc 6.0.33). */
function configurationOf({ components }: SignallingParts): (() => Promise<RTCConfiguration>) | undefined {
  const transport = components.transportManager.getTransports().find((one) => one[Symbol.toStringTag] === '@libp2p/webrtc')
  if (transport === undefined) return undefined
  const given: unknown = Reflect.get(Object(Reflect.get(transport, 'init')), 'rtcConfiguration')
  return async () => (typeof given === 'function' ? await given() : (given ?? {})) as RTCConfiguration
}

/** Our end of a connection, from nothing to the open channel. */
class Half {
  readonly peerConnection: RTCPeerConnection
  readonly channel: RTCDataChannel
  /** The other side opened what nobody agreed on. */
  readonly #broken = new AbortController()

  constructor(peerConnection: RTCPeerConnection) {
    this.peerConnection = peerConnection
    this.channel = peerConnection.createDataChannel('p2p-pool', { negotiated: true, id: 0, ordered: true })
    // More channels would cost memory and turns outside of libp2p, which counts streams and bytes. The one channel is negotiated: it makes no event.
    for (const event of ['datachannel', 'track']) peerConnection.addEventListener(event, () => this.#break())
  }

  #break(): void {
    this.#broken.abort(new DialError('other', 'the other side opened more than the one data channel'))
    this.close()
  }

  /** Describes this end, with the addresses that were found within three seconds. */
  async describe(signal: AbortSignal): Promise<Signalling> {
    const { peerConnection } = this
    await peerConnection.setLocalDescription()
    await happened(peerConnection, 'icegatheringstatechange', {
      holds: () => peerConnection.iceGatheringState === 'complete',
      signal: AbortSignal.any([signal, AbortSignal.timeout(gatherMs)])
    }).catch(() => signal.throwIfAborted())
    return readDescription(peerConnection.localDescription?.sdp ?? '')
  }

  /**
   * Resolves when the channel is open; rejects with the signal's reason, or when the connection is closed. A connection that failed is given up,
   * unless `again` is given: then that is called every few seconds meanwhile, for the other side may begin much later.
   */
  async open(clock: Clock, signal: AbortSignal, again?: () => void): Promise<void> {
    const { peerConnection, channel } = this
    const failed = new AbortController()
    const isFinal = again === undefined ? /failed|closed/ : /closed/
    const watch = (): void => {
      if (isFinal.test(peerConnection.connectionState)) failed.abort(new DialError('unreachable', 'the other side did not respond'))
    }
    peerConnection.addEventListener('connectionstatechange', watch)
    watch()
    let stop = (): void => undefined
    const repeat = (): void => {
      if (peerConnection.connectionState === 'failed') again?.()
      stop = clock.schedule(againMs, repeat)
    }
    if (again !== undefined) repeat()
    try {
      await happened(channel, 'open', {
        holds: () => channel.readyState === 'open',
        signal: AbortSignal.any([signal, failed.signal, this.#broken.signal])
      })
    } finally {
      stop()
      peerConnection.removeEventListener('connectionstatechange', watch)
    }
  }

  connection({ components }: SignallingParts, peerId: PeerId, direction: 'inbound' | 'outbound'): ChannelConnection {
    const log = components.logger.forComponent('p2p-pool:signalling')
    const connection = new ChannelConnection({ ...this, remoteAddr: multiaddr(`/webrtc/p2p/${peerId}`), direction, log })
    const { signal } = this.#broken
    onAbort(signal, () => connection.abort(signal.reason))
    return connection
  }

  close(): void {
    this.channel.close()
    this.peerConnection.close()
  }
}

class Offer implements SignallingOffer {
  readonly text: string
  readonly #parts: SignallingParts
  readonly #ours: Half
  /** The connection is libp2p's now. */
  #isGiven = false

  constructor(parts: SignallingParts, ours: Half, description: Signalling) {
    this.#parts = parts
    this.#ours = ours
    this.text = writeSignalling(description)
  }

  async accept(answer: string, { peerId, signal }: { readonly peerId: PeerId; readonly signal: AbortSignal }): Promise<void> {
    const theirs = readSignalling(answer)
    const ours = this.#ours
    try {
      // Made before it can open: what comes at once is not lost.
      const raw = ours.connection(this.#parts, peerId, 'inbound')
      await ours.peerConnection.setRemoteDescription(writeDescription('answer', theirs))
      await ours.open(this.#parts.clock, signal)
      await upgraded(this.#parts, signal, (until) => this.#parts.components.upgrader.upgradeInbound(raw, { signal: until }))
      this.#isGiven = true
    } catch (error) {
      ours.close()
      throw dialError(error, signal)
    }
  }

  end(): void {
    if (!this.#isGiven) this.#ours.close()
  }
}

interface Answering {
  readonly ours: Half
  readonly theirs: Signalling
  readonly peerId: PeerId
  readonly signal: AbortSignal
}

async function answer(parts: SignallingParts, { ours, theirs, peerId, signal }: Answering): Promise<SignallingAnswer> {
  const raw = ours.connection(parts, peerId, 'outbound')
  const { peerConnection } = ours
  const [near, far] = [theirs.candidates.filter(({ host }) => isLocal(host)), theirs.candidates.filter(({ host }) => !isLocal(host))]
  await peerConnection.setRemoteDescription(writeDescription('offer', { ...theirs, candidates: far }))
  const description = await ours.describe(signal)
  // A person takes minutes to carry the answer. Chromium gives a connection up for good after 222 s of checks without an answer (150), and without a
  // candidate it waits; Firefox (153) is the other way round. On a local network the first packet of the other side is enough.
  const waits = /^a=extmap-allow-mixed/m.test(peerConnection.localDescription?.sdp ?? '')
  const add = (candidate: Candidate, i: number): Promise<void> =>
    peerConnection.addIceCandidate({ candidate: candidateLine(candidate, i), sdpMid: '0', sdpMLineIndex: 0 })
  if (!waits) for (const [i, candidate] of near.entries()) await add(candidate, i)
  const again = (): void => {
    for (const [i, candidate] of (waits ? far : theirs.candidates).entries()) void add(candidate, i).catch(() => undefined)
  }
  return { text: writeSignalling(description), link: linkOf(parts, { ours, raw, signal, again }) }
}

async function linkOf(
  parts: SignallingParts,
  { ours, raw, signal, again }: { readonly ours: Half; readonly raw: ChannelConnection; readonly signal: AbortSignal; again(): void }
): Promise<Link> {
  const { keeper } = parts.network
  let connection: Connection | undefined
  try {
    await ours.open(parts.clock, signal, again)
    connection = await upgraded(parts, signal, (until) => parts.components.upgrader.upgradeOutbound(raw, { signal: until }))
    return await parts.network.linkOn(keeper.made(connection), signal)
  } catch (error) {
    if (connection === undefined) ours.close()
    else void keeper.closeUnused(connection)
    throw dialError(error, signal)
  }
}

async function upgraded<T>({ clock }: SignallingParts, signal: AbortSignal, upgrade: (until: AbortSignal) => Promise<T>): Promise<T> {
  const late = deadline(clock, upgradeMs, {
    given: [signal],
    reason: new DialError('timeout', 'the other side did not prove its id in time')
  })
  try {
    return await upgrade(late.signal)
  } catch (error) {
    throw late.isOver() ? late.signal.reason : error
  } finally {
    late.cancel()
  }
}

/** Resolves when it holds, asked at each event of that name; rejects with the signal's reason. */
function happened(
  target: EventTarget,
  event: string,
  { holds, signal }: { readonly holds: () => boolean; readonly signal: AbortSignal }
): Promise<void> {
  const over = new AbortController()
  return new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (holds()) resolve()
    }
    target.addEventListener(event, look, { signal: over.signal })
    signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
    if (signal.aborted) reject(signal.reason)
    look()
  }).finally(() => over.abort())
}

/** What the port lets through, or the reason of a signal that has fired. */
function dialError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new DialError('aborted', 'it was called off', { cause: signal.reason })
  if (error instanceof DialError) return error
  const isOther = /identity|does not match|validation fail/i.test(messageOf(error))
  return new DialError(isOther ? 'wrong-peer-id' : 'other', messageOf(error), { cause: error })
}
