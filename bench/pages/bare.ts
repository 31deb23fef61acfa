/** The same page with bare libp2p, which dials by hand: the same transports, encryption and services, and libp2p's own settings. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { pageInit, show } from './bench-page.ts'

const { relay, others } = pageInit()
const node = await createLibp2p({
  addresses: { listen: ['/p2p-circuit', '/webrtc'] },
  transports: [webSockets(), webRTC(), circuitRelayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // By default a page dials no WebSocket without TLS.
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify() }
})
await node.dial(multiaddr(relay))
show({ firstMs: performance.now(), connections: () => node.getConnections().length })
await Promise.all(others.map((text) => node.dial(multiaddr(text))))
