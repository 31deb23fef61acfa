/** The other process of `restarted-peer.test.ts`: a Node peer at the address given. Says its point, and is killed, sockets and all. */
import { createNodePeer } from '../../node/index.ts'

const { pool } = await createNodePeer({
  network: 'test',
  listen: [process.argv[2] ?? ''],
  inboundConnectionThreshold: 1_000,
  minConnections: 0,
  expectedConnections: 0,
  maxConnections: 10
})
process.send?.(pool.network.ownPoints()[0])
process.on('disconnect', () => process.exit())
