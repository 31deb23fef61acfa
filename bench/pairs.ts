/**
 * Pairs of real libp2p nodes over TCP on the loopback: bare ones and ones with a pool, on the same transports, encryption,
 * multiplexer and settings, so that what differs is the pool. For the rows about connections, messages and heap.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { echo } from '@libp2p/utils'
import { createLibp2p } from 'libp2p'
import type { Connection, PeerId, Point } from '../src/core/index.ts'
import { nodePreset } from '../src/core/values/config.ts'
import { libp2pSettings } from '../src/libp2p/preset.ts'
import { type Libp2pPeerPool, peerPool } from '../src/libp2p/service.ts'
import { farStorage, quietOptions } from './world.ts'

export const echoProtocol = '/bench/echo/1.0.0'

export interface PoolNode {
  readonly node: Libp2p
  readonly pool: Libp2pPeerPool
  readonly point: Point
  readonly peerId: PeerId
}

const base = () => {
  const settings = libp2pSettings({
    maxConnections: nodePreset.maxConnections,
    connectionTimeoutMs: 10_000,
    authenticationTimeoutMs: 5_000
  })
  return {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionManager: { ...settings.connectionManager, inboundConnectionThreshold: 10_000 },
    connectionMonitor: settings.connectionMonitor
  }
}

/** Answers on `echoProtocol`. */
export async function bareNode(): Promise<Libp2p> {
  const node = await createLibp2p({ ...base(), services: { identify: identify() } })
  await node.handle(echoProtocol, (stream) => {
    echo(stream).catch(() => stream.abort(new Error('the echo broke')))
  })
  return node
}

export async function poolNode(): Promise<PoolNode> {
  const service = peerPool({
    // A pool that wants nobody takes strangers up to a third of its max.
    ...quietOptions({ maxConnections: 3 * nodePreset.maxConnections, allowPrivatePoints: true }),
    storage: farStorage
  })
  const node = await createLibp2p({ ...base(), connectionGater: service.gater, services: { identify: identify(), pool: service } })
  const { pool } = node.services
  const [point] = pool.network.ownPoints()
  if (point === undefined) throw new Error('the node listens nowhere')
  return { node, pool, point, peerId: pool.peerId }
}

/** One byte there and back on a stream of its own, which the caller closes. */
export async function echoOnce(connection: Libp2pConnection): Promise<Stream> {
  const stream = await connection.newStream(echoProtocol)
  const answered = new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('the echo closed')), { once: true })
  })
  stream.send(new Uint8Array(1))
  await answered
  return stream
}

/** Dials through the pool; resolves when both sides run, and tells when the dialer did. */
export async function runBoth(from: PoolNode, to: PoolNode): Promise<{ connection: Connection; dialerRuns: number }> {
  const there = to.pool.next('connection-opened')
  const connection = await from.pool.connect(to.point, { expectedPeerId: to.peerId })
  const dialerRuns = performance.now()
  await there
  return { connection, dialerRuns }
}
