/** Real libp2p nodes for the tests, with a `Libp2pNetwork` on each; over TCP or WebSockets on the loopback. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { Clock } from '../../src/core/values/ports.ts'
import { Libp2pNetwork, type NetworkComponents } from '../../src/libp2p/network.ts'
import { systemClock } from '../../src/libp2p/system.ts'

export interface TestNode {
  readonly node: Libp2p
  readonly network: Libp2pNetwork
  readonly point: Point
}

export type TestTransport = 'tcp' | 'ws'

const listenAddress = { tcp: '/ip4/127.0.0.1/tcp/0', ws: '/ip4/127.0.0.1/tcp/0/ws' }

export interface TestNodeOptions {
  readonly gater?: ConnectionGater | undefined
  readonly clock?: Clock
  readonly denies?: ((peerId: PeerId) => boolean) | undefined
  readonly closeIdle?: boolean | undefined
  /** Dials TCP from this address of the loopback. @default the system's choice */
  readonly localAddress?: string
  /** Another service of the node. */
  readonly also?: (components: NetworkComponents) => unknown
}

export async function startNode(
  transport: TestTransport,
  { gater, clock = systemClock, denies, closeIdle, localAddress, also }: TestNodeOptions = {}
): Promise<TestNode> {
  const made: { network?: Libp2pNetwork } = {}
  const node = await createLibp2p({
    addresses: { listen: [listenAddress[transport]] },
    transports: [transport === 'tcp' ? tcp({ dialOpts: { localAddress } as object }) : webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    ...(gater === undefined ? {} : { connectionGater: gater }),
    services: {
      identify: identify(),
      network: (components: NetworkComponents) => {
        made.network = new Libp2pNetwork(components, { clock, denies, closeIdle })
        also?.(components)
        return {}
      }
    }
  })
  const { network } = made
  if (network === undefined) throw new Error('libp2p did not make the service')
  const [point] = network.ownPoints()
  if (point === undefined) throw new Error('the node listens nowhere')
  return { node, network, point }
}
