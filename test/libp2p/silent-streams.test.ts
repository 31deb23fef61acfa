/** What the streams cost that a peer opens on one connection and leaves silent: a few are taken, the rest is refused. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test } from 'vitest'
import { libp2pSettings, peerPool } from '../../src/libp2p/index.ts'
import { until } from './plain-nodes.ts'

const rest: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(rest.splice(0).map((stop) => stop()))
})

test('of a thousand silent streams on one connection 32 are taken, and the rest is reset at once', async () => {
  const base = { transports: [tcp()], connectionEncrypters: [noise()] }
  const pool = peerPool({ network: 'test', minConnections: 0 })
  const settings = libp2pSettings(pool.config)
  const victim = await createLibp2p({
    ...base,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    streamMuxers: [yamux(settings.yamux)],
    connectionGater: pool.gater,
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { pool }
  })
  rest.push(() => victim.stop())
  const attacker = await createLibp2p({ ...base, streamMuxers: [yamux()], connectionMonitor: { enabled: false } })
  rest.push(() => attacker.stop())
  const connection: Connection = await attacker.dial(victim.getMultiaddrs())
  // libp2p allows ten streams before it has made its connection of the link.
  await until(() => victim.getConnections().length === 1)
  const { muxer } = connection as unknown as { muxer: { createStream(): Promise<Stream> } }
  const streams = await Promise.all(Array.from({ length: 1_000 }, () => muxer.createStream()))
  await until(() => streams.filter(({ status }) => status === 'open').length === 32)
  expect(victim.getConnections()[0]?.streams).toHaveLength(32)
  // Who closes some may open others.
  for (const stream of streams) if (stream.status === 'open') stream.abort(new Error('enough'))
  await until(() => victim.getConnections()[0]?.streams.length === 0)
  const again = await muxer.createStream()
  await until(() => victim.getConnections()[0]?.streams.length === 1)
  expect(again.status).toBe('open')
})
