/** What becomes of a connection by copied texts that fails before its channel is open. WebRTC is a stand-in, the clock is virtual. */
import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import type { CopiedSignalling } from '../../src/core/values/ports.ts'
import { copiedSignalling } from '../../src/libp2p/copied-signalling.ts'
import { VirtualClock } from '../../src/testing/index.ts'

const sdp = [
  ...['v=0', 'a=mid:0', 'a=ice-ufrag:abcd', `a=ice-pwd:${'p'.repeat(24)}`, 'a=extmap-allow-mixed'],
  ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=candidate:1 1 udp 1 192.0.2.1 5000 typ host', '']
].join('\r\n')

class StandIn extends EventTarget {
  static last: StandIn
  readonly iceGatheringState = 'complete'
  readonly localDescription = { sdp }
  readonly channel = Object.assign(new EventTarget(), { readyState: 'connecting', close: () => undefined })
  connectionState = 'new'
  candidates = 0

  constructor() {
    super()
    StandIn.last = this
  }

  createDataChannel(): EventTarget {
    return this.channel
  }

  readonly setLocalDescription = (): Promise<void> => Promise.resolve()
  readonly setRemoteDescription = (): Promise<void> => Promise.resolve()

  async addIceCandidate(): Promise<void> {
    this.candidates++
  }

  become(state: string): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }

  close(): void {
    this.connectionState = 'closed'
  }
}

async function signalling(clock: VirtualClock): Promise<CopiedSignalling> {
  const transport = { [Symbol.toStringTag]: '@libp2p/webrtc' }
  const components = { upgrader: {}, transportManager: { getTransports: () => [transport] }, logger: defaultLogger() }
  const made = await copiedSignalling({ components, clock, network: { loadPeerConnection: async () => StandIn, keeper: {} } } as never)
  return made ?? expect.unreachable()
}

it('a newcomer whose checks fail keeps its connection, and checks again every five seconds until it gives up', async () => {
  const clock = new VirtualClock()
  const { offer, answer } = await signalling(clock)
  const { text } = await offer(new AbortController().signal)
  const gaveUp = new AbortController()
  const { link } = await answer(text, { peerId: 'B' as PeerId, signal: gaveUp.signal })
  const connection = StandIn.last
  await clock.advance(20_000)
  expect(connection.candidates).toBe(0)
  connection.become('failed')
  await clock.advance(600_000)
  expect(connection.candidates).toBe(120)
  connection.become('checking')
  await clock.advance(20_000)
  expect([connection.connectionState, connection.candidates]).toEqual(['checking', 120])
  gaveUp.abort()
  await expect(link).rejects.toMatchObject({ failure: 'aborted' })
  expect(connection.connectionState).toBe('closed')
  connection.become('failed')
  await clock.advance(20_000)
  expect(connection.candidates).toBe(120)
})

it('the peer that takes an answer gives up when its checks fail', async () => {
  const { offer } = await signalling(new VirtualClock())
  const { signal } = new AbortController()
  const made = await offer(signal)
  const accepted = made.accept(made.text, { peerId: 'A' as PeerId, signal })
  await Promise.resolve()
  StandIn.last.become('failed')
  await expect(accepted).rejects.toMatchObject({ failure: 'unreachable', message: 'the other side did not respond' })
  expect(StandIn.last.connectionState).toBe('closed')
})
