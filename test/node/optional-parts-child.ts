/** Two Node peers in the network of this process. Prints what came of it. For optional-parts.test.ts. */
import { createNodePeer, type NodePeerInit } from '../../node/index.ts'

const common = { network: 'test', minConnections: 1, expectedConnections: 1, maxConnections: 5 } satisfies NodePeerInit

async function mdns(): Promise<object> {
  const init = { ...common, mdns: true, listen: ['/ip4/127.0.0.1/tcp/0'] }
  const [a, b] = await Promise.all([createNodePeer(init), createNodePeer(init)])
  if (a.pool.activeConnections === 0) await a.pool.next('connection-opened', { signal: AbortSignal.timeout(20_000) })
  const connected = a.pool.connections.findByPeerId(b.pool.peerId) !== undefined
  await Promise.all([a.stop(), b.stop()])
  return { connected }
}

async function nat(): Promise<object> {
  const init = { ...common, minConnections: 0, nat: true }
  const server = await createNodePeer({ ...init, listen: ['/ip4/5.5.5.5/tcp/4001'] })
  const guest = await createNodePeer({ ...init, listen: [] })
  const before = server.pool.network.ownPoints()
  let lost = 0
  for (const { pool } of [server, guest]) pool.addEventListener('connection-lost', () => lost++)
  const changed = server.pool.next('own-points-changed', { signal: AbortSignal.timeout(20_000) })
  await guest.pool.connect(guest.pool.parsePoint('/ip4/5.5.5.5/tcp/4001').point)
  await changed
  const after = server.pool.network.ownPoints()
  const protocols = server.node.getProtocols().filter((name) => /autonat|dcutr/.test(name))
  const lostSoFar = lost
  await Promise.all([guest.stop(), server.stop()])
  return { before, after, lost: lostSoFar, protocols: protocols.sort() }
}

async function addresses(): Promise<object> {
  const points = async (listen: readonly string[]): Promise<readonly string[]> => {
    const { pool, stop } = await createNodePeer({ ...common, minConnections: 0, listen })
    const found = pool.network.ownPoints().filter((point) => !/127\.0\.0\.1|\/ip6\/::1/.test(point))
    await stop()
    return found
  }
  return { everywhere: await points(['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/4001']), named: await points(['/ip6/2a00::5/tcp/4001']) }
}

const features = new Map(Object.entries({ mdns, nat, addresses }))
console.log(JSON.stringify(await features.get(process.argv[2] ?? '')?.()))
process.exit()
