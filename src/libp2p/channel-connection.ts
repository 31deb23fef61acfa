/**
 * A data channel of WebRTC as a raw connection: libp2p encrypts and muxes on it as on a socket. Used by `copied-signalling.ts`. libp2p's own
 * WebRTC opens a channel for each stream and is not for one whose two ends met by copied texts.
 */
import type { Logger } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'

/** All implementations take messages of this size. */
const maxMessageBytes = 16 * 1024
/** More is not handed to the channel while so much waits in it. */
const maxBufferedBytes = 256 * 1024
/** The other side sends no larger message; a larger one ends the connection. */
const maxReceivedBytes = 64 * 1024
/** libp2p reads at once: so much waits unread only if it is stuck. */
const maxUnreadBytes = 2 * 1024 * 1024
/** For what waits in the channel when it is closed, ms. */
const flushMs = 1_000

/** What a connection is made of. */
export interface ChannelParts {
  /** Negotiated, ordered, and of this connection alone. */
  readonly channel: RTCDataChannel
  readonly peerConnection: Pick<RTCPeerConnection, 'close' | 'connectionState' | 'addEventListener'>
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Logger
}

export class ChannelConnection extends AbstractMultiaddrConnection {
  readonly #channel: RTCDataChannel
  readonly #peerConnection: ChannelParts['peerConnection']

  constructor({ channel, peerConnection, remoteAddr, direction, log }: ChannelParts) {
    super({ remoteAddr, direction, log, maxMessageSize: maxMessageBytes, maxReadBufferLength: maxUnreadBytes })
    this.#channel = channel
    this.#peerConnection = peerConnection
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = maxBufferedBytes / 4
    channel.addEventListener('message', ({ data }) => this.#received(data))
    channel.addEventListener('bufferedamountlow', () => this.safeDispatchEvent('drain'))
    channel.addEventListener('close', () => this.#over())
    peerConnection.addEventListener('connectionstatechange', () => {
      const { connectionState } = peerConnection
      // Before the channel is open, a newcomer's connection may fail and come about later.
      if (connectionState === 'closed' || (connectionState === 'failed' && channel.readyState !== 'connecting')) this.#over()
    })
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    this.#channel.send(data.slice() as Uint8Array<ArrayBuffer>)
    return { sentBytes: data.byteLength, canSendMore: this.#channel.bufferedAmount < maxBufferedBytes }
  }

  /** The channel sends what waits in it before it closes. Closing the peer connection would drop that. */
  async sendClose(options?: { readonly signal?: AbortSignal }): Promise<void> {
    const channel = this.#channel
    await new Promise<void>((resolve) => {
      if (channel.readyState === 'closed') resolve()
      channel.addEventListener('close', () => resolve(), { once: true })
      options?.signal?.addEventListener('abort', () => resolve(), { once: true })
      setTimeout(resolve, flushMs)
      channel.close()
    })
    this.#peerConnection.close()
  }

  sendReset(): void {
    this.#channel.close()
    this.#peerConnection.close()
  }

  sendPause(): void {
    // A data channel cannot be paused: `maxUnreadBytes` is the limit.
  }

  sendResume(): void {
    // As above.
  }

  #received(data: unknown): void {
    if (data instanceof ArrayBuffer && data.byteLength <= maxReceivedBytes) this.onData(new Uint8Array(data))
    else this.abort(new Error(`expected messages of at most ${maxReceivedBytes} bytes`))
  }

  #over(): void {
    this.onTransportClosed()
    this.#peerConnection.close()
  }
}
