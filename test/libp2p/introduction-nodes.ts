/** Real libp2p nodes with WebRTC that a common peer introduces to each other. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { createLibp2p } from 'libp2p'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { IntroductionHandlers, Link } from '../../src/core/values/ports.ts'
import { Libp2pNetwork, type NetworkComponents } from '../../src/libp2p/network.ts'
import { createGater } from '../../src/libp2p/server-gater.ts'
import { systemClock } from '../../src/libp2p/system.ts'

export interface IntroducedNode {
  readonly node: Libp2p
  readonly network: Libp2pNetwork
  readonly id: PeerId
  /** Links that came in. */
  readonly came: Link[]
  /** How many RTCPeerConnections its WebRTC has made. */
  readonly made: { count: number }
  /** Links to the peer of each node, both ways. */
  meet(other: IntroducedNode): Promise<Link>
  stop(): Promise<void>
}

const welcome: IntroductionHandlers = {
  introduces: () => () => undefined,
  introduced: () => true,
  proved: () => undefined,
  reserved: () => undefined
}

export async function startIntroduced(handlers: Partial<IntroductionHandlers> | 'off' = {}): Promise<IntroducedNode> {
  const parts: { network?: Libp2pNetwork } = {}
  const made = { count: 0 }
  const { gater } = createGater()
  const configuration = () => {
    let isRead = false
    return {
      iceServers: [],
      // The constructor of an RTCPeerConnection reads it, and nobody else does.
      get iceTransportPolicy() {
        if (!isRead) made.count++
        isRead = true
        return 'all' as const
      }
    }
  }
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp(), circuitRelayTransport(), webRTC({ rtcConfiguration: configuration })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    connectionGater: gater,
    services: {
      identify: identify(),
      network: (components: NetworkComponents) => {
        parts.network = new Libp2pNetwork(components, { clock: systemClock })
        return {}
      }
    }
  })
  const { network } = parts
  if (network === undefined) throw new Error('libp2p did not make the service')
  const came: Link[] = []
  await network.start({ incoming: (link) => came.push(link), ownPointsChanged: () => undefined, discovered: () => undefined })
  if (handlers !== 'off') network.introductions.allow({ ...welcome, ...handlers })
  const [point] = network.ownPoints()
  if (point === undefined) throw new Error('the node listens nowhere')
  const signal = () => AbortSignal.timeout(10_000)
  return {
    node,
    network,
    id: network.peerId,
    came,
    made,
    meet: (other) => network.dial(other.network.ownPoints()[0] as Point, { expectedPeerId: other.id, signal: signal() }),
    stop: async () => {
      await network.stop()
      await node.stop()
    }
  }
}

export function introductionPoint(introducer: IntroducedNode, guest: IntroducedNode): Point {
  return `/p2p/${introducer.id}/p2p-circuit/webrtc/p2p/${guest.id}` as Point
}
