/** How a connection travels, in words for people: straight or through a relay, and over what. */
import type { ConnectionSnapshot } from '../../src/core/index.ts'
import { nameOf } from './names.ts'

const over: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  ws: 'WebSockets',
  wss: 'encrypted WebSockets',
  webrtc: 'WebRTC',
  'webrtc-direct': 'WebRTC',
  webtransport: 'WebTransport'
}

export type Way = Pick<ConnectionSnapshot, 'transport' | 'remoteAddress' | 'introducer'>

/** "Direct, over WebSockets"; "direct, page to page over WebRTC"; the same, "introduced by …"; "relayed". */
export function wayWords({ transport, remoteAddress, introducer }: Way): string {
  if (transport === 'webrtc') return `direct, page to page over WebRTC${introducer === null ? '' : `, introduced by ${nameOf(introducer)}`}`
  const means = over[transport]
  if (means !== undefined && !remoteAddress.includes('/p2p-circuit')) return `direct, over ${means}`
  return 'relayed: another peer carries it'
}
