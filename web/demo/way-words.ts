/** How a connection travels, in words for people: straight or through a relay, and over what. Pure. */
import type { ConnectionSnapshot } from '../../src/core/index.ts'

const over: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  ws: 'WebSockets',
  wss: 'encrypted WebSockets',
  webrtc: 'WebRTC',
  'webrtc-direct': 'WebRTC',
  webtransport: 'WebTransport'
}

/** "Direct, over WebSockets"; "direct, page to page over WebRTC"; "relayed". */
export function wayWords({ transport, remoteAddress }: Pick<ConnectionSnapshot, 'transport' | 'remoteAddress'>): string {
  if (transport === 'webrtc') return 'direct, page to page over WebRTC'
  const means = over[transport]
  if (means !== undefined && !remoteAddress.includes('/p2p-circuit')) return `direct, over ${means}`
  return 'relayed: another peer carries it'
}
