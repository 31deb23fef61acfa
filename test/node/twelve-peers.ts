/** Node peers of one small network, over TCP on the loopback. Used by both processes of `twelve-peers.test.ts`. */
import { createNodePeer, type NodePeer } from '../../node/index.ts'

export function startPeers(count: number): Promise<NodePeer[]> {
  return Promise.all(
    Array.from({ length: count }, () =>
      createNodePeer({
        network: 'test',
        listen: ['/ip4/127.0.0.1/tcp/0'],
        // All are on one host here.
        inboundConnectionThreshold: 1_000,
        maxIncomingPerHost: 20,
        minConnections: 3,
        expectedConnections: 5,
        maxConnections: 9
      })
    )
  )
}
