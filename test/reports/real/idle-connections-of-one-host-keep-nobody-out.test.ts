import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test } from 'vitest'
import { memoryStorage } from '../../../src/core/memory-storage.ts'
import type { Point } from '../../../src/core/values/ids.ts'
import { ListenerGuard } from '../../../src/libp2p/listener-guard.ts'
import { libp2pSettings } from '../../../src/libp2p/preset.ts'
import { poolService, serverParts } from '../../../src/libp2p/service.ts'
import { systemClock } from '../../../src/libp2p/system.ts'
import { atHost } from '../../attacks/kit/source-address.ts'
import { atEnd, startPeer, startPlain, stopAll } from './peers.ts'

afterEach(stopAll)

const places = 20

/** As `createNodePeer` makes it, with places for twenty connections of libp2p instead of three hundred. */
async function smallPeer() {
  const guard = () => new ListenerGuard({ clock: systemClock, maxConnections: places, connectionsPerSecond: 1_000 })
  const service = poolService(
    { network: 'reports', minConnections: 0, expectedConnections: 5, maxConnections: 10 },
    { ...serverParts, storage: memoryStorage(), guard }
  )
  const settings = libp2pSettings(service.config)
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionGater: service.gater,
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { identify: identify(), pool: service }
  })
  atEnd(() => node.stop())
  return { node, pool: node.services.pool, point: node.services.pool.network.ownPoints()[0] as Point }
}

/** A stream that never says what it is for. */
const nameless = (connection: Connection): Promise<Stream> =>
  (connection as unknown as { muxer: { createStream(): Promise<Stream> } }).muxer.createStream()

test('one host with fresh ids and streams without a name holds half of the connections of libp2p; strangers elsewhere and trusted peers anywhere get in', async () => {
  const target = await smallPeer()
  const held: Connection[] = []
  for (let i = 0; i < places + 5; i++) {
    const attacker = await startPlain({ from: '127.0.0.9' })
    try {
      const connection = await attacker.dial(multiaddr(target.point))
      held.push(connection)
      await nameless(connection)
    } catch {
      // Its host has no more places.
      await attacker.stop()
    }
  }
  expect(target.node.getConnections().length).toBeLessThanOrEqual(places / 2)
  expect(held.filter(({ status }) => status === 'open').length).toBeGreaterThan(0)
  const stranger = await atHost('127.0.0.2', () => startPeer())
  await atHost('127.0.0.2', () => stranger.pool.connect(target.point))
  const friend = await atHost('127.0.0.9', () => startPeer())
  target.pool.peers.trust(friend.pool.peerId)
  await atHost('127.0.0.9', () => friend.pool.connect(target.point))
  await expect.poll(() => target.pool.activeConnections).toBe(2)
})
