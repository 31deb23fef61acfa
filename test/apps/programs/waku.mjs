/** A pool that keeps a peer of Waku, and asks it by Waku's own protocol before it counts. Run by `run.ts`, with the peer's address. */
import assert from 'node:assert/strict'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { mplex } from '@libp2p/mplex'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { withPool } from 'p2p-pool/libp2p'

const [address] = process.argv.slice(2)
const metadata = '/vac/waku/metadata/1.0.0'
/** In protobuf: field 1, the cluster. */
const request = (cluster) => Uint8Array.of(0x08, cluster)

async function start(cluster) {
  return await createLibp2p(
    withPool(
      // js-waku brings mplex alone.
      { transports: [webSockets()], streamMuxers: [yamux(), mplex()], services: { identify: identify() } },
      {
        network: 'waku',
        plainPeers: 'admit',
        requiredProtocols: [metadata],
        allowInsecure: true,
        ...{ minConnections: 0, expectedConnections: 1, maxConnections: 4 },
        onAdmit: async ({ connection }, signal) => {
          const messages = lpStream(await connection.newStream(metadata, { signal }))
          await messages.write(request(cluster), { signal })
          const [tag, theirs] = (await messages.read({ signal })).subarray()
          return (tag === 0x08 && theirs === cluster) || `it is in cluster ${theirs}`
        }
      }
    )
  )
}

const nodes = [await start(1), await start(2)]
const [same, other] = nodes
try {
  const { kind, peerId } = await same.services.pool.connect(same.services.pool.parsePoint(address).point)
  assert.equal(kind, 'plain')
  console.log(`the pool is connected with ${peerId}, a light node of @waku/sdk, once both have named their cluster`)
  const refusal = await other.services.pool.connect(other.services.pool.parsePoint(address).point).catch(({ rejection }) => rejection)
  assert.equal(refusal.kind, 'not-admitted')
  console.log(`a peer of another cluster is not admitted: ${refusal.detail}`)
} finally {
  await Promise.all(nodes.map((node) => node.stop()))
}
