import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { pointOf, startPeer, startPlain, stopAll } from './peers.ts'

afterEach(stopAll)

test('a plain peer that comes back with a hundred new addresses each time has few of them known, and the honest stay', async () => {
  const me = await startPeer({ plainPeers: 'admit', requiredProtocols: ['/ipfs/id/1.0.0'] })
  const honest = await Promise.all(Array.from({ length: 5 }, () => startPeer()))
  for (const peer of honest) await me.pool.connect(pointOf(peer))
  const privateKey = await generateKeyPair('Ed25519')
  const visits = 6
  for (let visit = 0; visit < visits; visit++) {
    const announce = Array.from({ length: 100 }, (_, i) => `/ip4/${45 + visit}.${i}.1.1/tcp/4001`)
    const node = await startPlain({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], announce })
    await node.dial(multiaddr(pointOf(me)))
    await expect.poll(() => me.pool.connections.findByPeerId(me.pool.parsePeerId(String(node.peerId)))).toBeDefined()
    await node.stop()
    await expect.poll(() => me.pool.activeConnections).toBe(honest.length)
  }
  const known = [...me.pool.points.known()].map(([point]) => point)
  for (const peer of honest) expect(known).toContain(pointOf(peer))
  expect(known.length - honest.length).toBeLessThanOrEqual(20)
})
