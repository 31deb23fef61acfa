import net, { type AddressInfo, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import type { Point } from '../../../node/index.ts'
import { atEnd, portOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

/** Passes bytes on to a port, until `cut` breaks the dialing side: the other side hears nothing of it. */
async function startProxy(port: number): Promise<{ point: Point; cut: () => void }> {
  const dialing = new Set<Socket>()
  const sockets = new Set<Socket>()
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    dialing.add(near)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    near.on('data', (bytes) => far.write(bytes))
    far.on('data', (bytes) => near.destroyed || near.write(bytes))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const cut = (): void => {
    for (const socket of dialing) socket.destroy()
  }
  return { point: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}` as Point, cut }
}

test('when a peer that was killed is back, its old half-open connection ends for every protocol of the node', async () => {
  const a = await startPeer()
  const { point, cut } = await startProxy(portOf(a))
  const privateKey = await generateKeyPair('Ed25519')
  const first = await startPeer({ privateKey, listen: [] })
  await first.pool.connect(point)
  const [old] = a.node.getConnections()
  // Another protocol runs on it, as gossip would.
  await a.node.handle('/test/gossip', () => undefined)
  await first.node.getConnections()[0]?.newStream('/test/gossip')
  cut()
  await first.stop()
  expect(old?.status).toBe('open')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const second = await startPeer({ privateKey, listen: [], minConnections: 1, expectedConnections: 1 })
  const left = new Promise((resolve) => a.node.addEventListener('connection:close', ({ detail }) => detail === old && resolve(undefined)))
  // The new connection ends with the old one, so that the other protocol sees the peer leave; the pool dials again.
  await second.pool.connect(point).catch(() => undefined)
  await left
  expect(old?.status).not.toBe('open')
  await expect.poll(() => a.pool.connections.findByPeerId(second.pool.peerId)?.ending, { timeout: 10_000 }).toBeUndefined()
  await expect.poll(() => second.pool.activeConnections, { timeout: 10_000 }).toBe(1)
  expect(a.node.getConnections(second.node.peerId)).toHaveLength(1)
})
