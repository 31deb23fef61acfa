/**
 * The other process of `twelve-peers.test.ts`: as many Node peers as points are given, each knowing one of these. Says its own points
 * in a first message and the connections of each in all others, and is killed, sockets and all.
 */
import { startPeers } from './twelve-peers.ts'

const known = process.argv.slice(2)
const peers = await startPeers(known.length)
for (const [i, { pool }] of peers.entries()) pool.registerPoint(pool.parsePoint(known[i] ?? '').point)
process.send?.(peers.map(({ pool }) => pool.network.ownPoints()[0]))
setInterval(() => process.send?.(peers.map(({ pool }) => pool.activeConnections)), 50)
process.on('disconnect', () => process.exit())
