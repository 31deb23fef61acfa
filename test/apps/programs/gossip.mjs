/** Gossipsub and the pool in one libp2p node, from the packed package. Run by `run.ts`. Prints one line for each fact. */
import assert from 'node:assert/strict'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { withPool } from 'p2p-pool/libp2p'

const topic = 'room'
const band = { minConnections: 2, expectedConnections: 3, maxConnections: 6, inboundConnectionThreshold: 1_000 }

async function start(trustedPoints, more = {}) {
  const options = {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
  }
  const node = await createLibp2p(withPool(options, { network: 'gossip', trustedPoints, ...band, ...more }))
  const heard = []
  node.services.pubsub.addEventListener('message', ({ detail }) => heard.push(new TextDecoder().decode(detail.data)))
  node.services.pubsub.subscribe(topic)
  return { node, heard }
}

async function until(what, holds) {
  const end = performance.now() + 20_000
  while (!holds()) {
    assert(performance.now() < end, `not within 20 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const refused = new Set()
const onAdmit = ({ peerId }) => (refused.has(peerId) ? 'not in this room' : true)
const first = await start([], { onAdmit })
const known = [first.node.getMultiaddrs()[0].toString()]
const others = await Promise.all([start(known), start(known), start(known)])
const room = [first, ...others]
await until('each has its band and a mesh', () =>
  room.every(({ node }) => node.services.pool.activeConnections >= 2 && node.services.pubsub.getMeshPeers(topic).length >= 2)
)
console.log('four nodes have their band, and a mesh over pool connections')

await others[0].node.services.pubsub.publish(topic, new TextEncoder().encode('hello'))
await until('all others hear it', () => room.every(({ heard }, i) => i === 1 || heard.includes('hello')))
console.log('a message reaches all others')

const guest = await start([])
refused.add(guest.node.peerId.toString())
const { pool } = guest.node.services
await assert.rejects(pool.connect(pool.parsePoint(known[0]).point), ({ rejection }) => rejection.kind === 'rejected-by-peer')
assert.equal(pool.activeConnections, 0)
console.log('a peer that onAdmit refuses gets no connection')

await Promise.all([...room, guest].map(({ node }) => node.stop()))
