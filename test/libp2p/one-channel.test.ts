/** The peer connection of an invitation has the one data channel that both sides agreed on. Whatever else the other side opens ends it. */
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import type { CopiedSignalling } from '../../src/core/values/ports.ts'
import { copiedSignalling, type SignallingParts } from '../../src/libp2p/copied-signalling.ts'
import { writeDescription, writeSignalling } from '../../src/libp2p/signalling-text.ts'
import { VirtualClock } from '../../src/testing/index.ts'

const peerId = '12D3KooWCckVrvJNQ4diRQFyqwezmW6SpxMiFqsfpxPxG9T3Zhqp' as PeerId
const signalling = {
  ...{ ufrag: 'Bj+g', pwd: 'vVVhmxNcIg8Ff7fRFCBOFZ8b', fingerprint: Array(32).fill('AB').join(':') },
  candidates: [{ type: 'host' as const, host: '203.0.113.9', port: 50_000 }]
}

class FakeChannel extends EventTarget {
  readyState = 'connecting'
  close(): void {
    this.readyState = 'closed'
  }
  open(): void {
    this.readyState = 'open'
    this.dispatchEvent(new Event('open'))
  }
}

/** What both ends use of a peer connection. */
class FakePeerConnection extends EventTarget {
  readonly channel = new FakeChannel()
  readonly iceGatheringState = 'complete'
  readonly localDescription = { sdp: `${writeDescription('offer', signalling).sdp}a=extmap-allow-mixed\r\n` }
  connectionState = 'new'
  createDataChannel(): FakeChannel {
    return this.channel
  }
  async setLocalDescription(): Promise<void> {
    await Promise.resolve()
  }
  async setRemoteDescription(): Promise<void> {
    await Promise.resolve()
  }
  /** As a browser does: no event tells its own closing. */
  close(): void {
    this.connectionState = 'closed'
  }
}

interface Bench {
  readonly peerConnection: FakePeerConnection
  readonly signalling: CopiedSignalling
  /** Given to libp2p. */
  readonly raw: MultiaddrConnection[]
}

async function bench(): Promise<Bench> {
  const peerConnection = new FakePeerConnection()
  const raw: MultiaddrConnection[] = []
  const upgrade = async (given: MultiaddrConnection): Promise<Connection> => {
    raw.push(given)
    return {} as Connection
  }
  const transport = { [Symbol.toStringTag]: '@libp2p/webrtc' }
  const parts = {
    components: {
      upgrader: { upgradeInbound: upgrade, upgradeOutbound: upgrade },
      transportManager: { getTransports: () => [transport] },
      logger: defaultLogger()
    },
    network: {
      keeper: { made: (connection: Connection) => connection, closeUnused: () => undefined },
      linkOn: async () => ({ peerId }),
      loadPeerConnection: async () =>
        function PeerConnection() {
          return peerConnection
        }
    },
    clock: new VirtualClock()
  } as unknown as SignallingParts
  const made = await copiedSignalling(parts)
  if (made === undefined) throw new Error('no signalling')
  return { peerConnection, signalling: made, raw }
}

describe.each(['datachannel', 'track'])('a %s event', (event) => {
  const { signal } = new AbortController()
  const text = writeSignalling(signalling)
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('before the channel is open refuses the answer', async () => {
    const { peerConnection, signalling: ours, raw } = await bench()
    const offer = await ours.offer(signal)
    const accepted = expect(offer.accept(text, { peerId, signal })).rejects.toThrow('more than the one data channel')
    await settled()
    peerConnection.dispatchEvent(new Event(event))
    await accepted
    expect(peerConnection.connectionState).toBe('closed')
    expect(raw).toEqual([])
  })

  it('after libp2p took the connection ends it', async () => {
    const { peerConnection, signalling: ours, raw } = await bench()
    const offer = await ours.offer(signal)
    const accepted = offer.accept(text, { peerId, signal })
    peerConnection.channel.open()
    await accepted
    expect(raw.map(({ status }) => status)).toEqual(['open'])
    peerConnection.dispatchEvent(new Event(event))
    expect(raw.map(({ status }) => status)).toEqual(['aborted'])
    expect(peerConnection.connectionState).toBe('closed')
  })

  it('ends the connection of a newcomer, too', async () => {
    const early = await bench()
    const { link } = await early.signalling.answer(text, { peerId, signal })
    const refused = expect(link).rejects.toThrow('more than the one data channel')
    early.peerConnection.dispatchEvent(new Event(event))
    await refused
    const late = await bench()
    const answered = await late.signalling.answer(text, { peerId, signal })
    late.peerConnection.channel.open()
    await answered.link
    late.peerConnection.dispatchEvent(new Event(event))
    expect(late.raw.map(({ status }) => status)).toEqual(['aborted'])
    expect(late.peerConnection.connectionState).toBe('closed')
  })
})
