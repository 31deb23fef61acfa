/** A relay in a process of its own, so that a long run can kill it: `process.send` gives its point. Its network is the only argument. */
import { createNodePeer } from '../../node/index.ts'

const { pool } = await createNodePeer({
  network: process.argv[2] ?? '',
  listen: ['/ip4/127.0.0.1/tcp/0/ws'],
  inboundConnectionThreshold: 1_000,
  minConnections: 0,
  maxIncoming: 100,
  maxIncomingPerHost: 100,
  relay: true
})
process.on('disconnect', () => process.exit())
process.send?.(`${pool.network.ownPoints()[0]}/p2p/${pool.peerId}`)
