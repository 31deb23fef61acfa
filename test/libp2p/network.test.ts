import type { Point } from '../../src/core/values/ids.ts'
import { type NetworkPair, networkContract } from '../contract/network.ts'
import { startNode, type TestTransport } from './nodes.ts'

const transports: readonly TestTransport[] = ['tcp', 'ws']

for (const transport of transports) {
  const back = new WeakMap<NetworkPair, Point>()
  networkContract(
    `libp2p over ${transport}`,
    async () => {
      const [a, b] = await Promise.all([startNode(transport), startNode(transport)])
      const pair: NetworkPair = {
        dialer: a.network,
        listener: b.network,
        point: b.point,
        deadPoint: (transport === 'tcp' ? '/ip4/127.0.0.1/tcp/1' : '/ip4/127.0.0.1/tcp/1/ws') as Point,
        foreignPoint: '/ip4/127.0.0.1/udp/4001/quic-v1' as Point,
        async stop() {
          await Promise.all([a.node.stop(), b.node.stop()])
        }
      }
      back.set(pair, a.point)
      return pair
    },
    { dialBack: (pair) => back.get(pair) as Point }
  )
}
