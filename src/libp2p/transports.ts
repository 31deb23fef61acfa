/**
 * Which transports a node can dial with, found by asking for an address of each form: names of transport classes differ
 * between packages, forms do not. For `Network.transports`, which Hello and Bootstrap tell to others.
 */
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Transport } from '../core/values/ports.ts'

const peer = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'
const certhash = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'

/** The most wanted first: what costs the least to set up and holds the most connections. */
const examples: readonly (readonly [Transport, string])[] = [
  ['quic', '/ip4/192.0.2.1/udp/4001/quic-v1'],
  ['tcp', '/ip4/192.0.2.1/tcp/4001'],
  ['wss', '/dns4/example.org/tcp/443/tls/ws'],
  ['ws', '/ip4/192.0.2.1/tcp/4001/ws'],
  ['webtransport', `/ip4/192.0.2.1/udp/4001/quic-v1/webtransport/certhash/${certhash}/certhash/${certhash}`],
  ['webrtc-direct', `/ip4/192.0.2.1/udp/4001/webrtc-direct/certhash/${certhash}`],
  ['webrtc', `/ip4/192.0.2.1/tcp/4001/ws/p2p/${peer}/p2p-circuit/webrtc/p2p/${peer}`],
  ['memory', '/memory/1']
]

const forms = examples.map(([transport, text]) => [transport, multiaddr(text)] as const)

/** `circuit` is never among them: links run on direct connections only. */
export function dialableTransports(canDial: (address: Multiaddr) => boolean): readonly Transport[] {
  return forms.filter(([, address]) => canDial(address)).map(([transport]) => transport)
}
