/** A light node of @waku/sdk, on its own libp2p. Prints where it listens. Run by `run.ts` in a folder where it is installed. */
import { createLightNode } from '@waku/sdk'

const node = await createLightNode({
  defaultBootstrap: false,
  discovery: { dns: false, peerExchange: false, peerCache: false },
  libp2p: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] }, hideWebSocketInfo: true, filterMultiaddrs: false }
})
await node.start()
console.log(node.libp2p.getMultiaddrs()[0].toString(), node.libp2p.getProtocols().join())
