/** Where a dial of a relayed point goes, with a peer store that strangers have filled. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, test } from 'vitest'
import type { Point } from '../../src/core/values/ids.ts'
import { Libp2pNetwork, type NetworkComponents } from '../../src/libp2p/network.ts'
import { systemClock } from '../../src/libp2p/system.ts'
import { countingServer } from '../support/counting-server.ts'

const relay = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'
const target = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

test('a relay is dialed at the address in the point, and at no other that the peer store has of it', async () => {
  const made: { network?: Libp2pNetwork } = {}
  const node = await createLibp2p({
    transports: [tcp(), circuitRelayTransport(), webRTC()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      network: (components: NetworkComponents) => {
        made.network = new Libp2pNetwork(components, { clock: systemClock })
        return {}
      }
    }
  })
  const named = await countingServer('127.0.0.1')
  const hidden = await countingServer('127.0.0.2')
  try {
    await node.peerStore.merge(peerIdFromString(relay), { multiaddrs: [multiaddr(`/ip4/127.0.0.2/tcp/${hidden.port}`)] })
    const point = `/ip4/127.0.0.1/tcp/${named.port}/p2p/${relay}/p2p-circuit/webrtc/p2p/${target}` as Point
    const dial = made.network?.dial(point, { expectedPeerId: undefined, signal: AbortSignal.timeout(10_000) })
    await expect(dial).rejects.toThrow(expect.objectContaining({ name: 'DialError' }))
    expect([named.accepted, hidden.accepted]).toEqual([1, 0])
  } finally {
    await Promise.all([node.stop(), named.close(), hidden.close()])
  }
})
