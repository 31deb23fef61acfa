/** A Node peer whose old path is dead while a new one works, as after a change of its public address: nobody tells it. */
import { afterEach, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'
import { Cable } from './cable.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const band = { minConnections: 0, expectedConnections: 0, maxConnections: 4 }

async function start(options: Partial<NodePeerInit>): Promise<NodePeer> {
  const peer = await createNodePeer({ network: 'test', listen: [], ...band, ...options })
  stops.push(() => peer.stop())
  return peer
}

test('finds the old connection dead within 8 s, over TCP and over WebSockets, and the other side forgets it', async () => {
  for (const end of ['', '/ws']) {
    // Younger connections of the same peer are not replaced.
    const server = await start({ listen: [`/ip4/127.0.0.1/tcp/0${end}`], connectionTimeoutMs: 1_000 })
    const cable = await Cable.lay()
    stops.push(() => cable.remove())
    cable.target = Number(/tcp\/(\d+)/.exec(server.pool.network.ownPoints()[0] ?? '')?.[1])
    const peer = await start({
      trustedPoints: [`/ip4/127.0.0.1/tcp/${cable.port}${end}`],
      reconnection: { afterConnectionMs: 100, initialDelayMs: 100 },
      minConnections: 1,
      expectedConnections: 1
    })
    await expect.poll(() => peer.pool.activeConnections, { timeout: 10_000 }).toBe(1)
    const [old] = peer.pool.connections.list()
    await expect.poll(() => server.pool.activeConnections, { timeout: 5_000 }).toBe(1)
    const cutAt = performance.now()
    cable.cut()
    cable.mend()
    await old?.closed
    await expect.poll(() => peer.pool.activeConnections, { timeout: 5_000 }).toBe(1)
    expect(performance.now() - cutAt, end).toBeLessThan(8_000)
    await expect.poll(() => server.node.getConnections().length, { timeout: 5_000 }).toBe(1)
  }
}, 40_000)
