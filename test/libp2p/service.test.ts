import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Point } from '../../src/core/values/ids.ts'
import { PoolError } from '../../src/core/values/reason.ts'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool, poolProtocol } from '../../src/libp2p/index.ts'

type Peer = Libp2p<{ pool: Libp2pPeerPool }>

describe('the pool as a service of libp2p', () => {
  const nodes: Peer[] = []

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  const make = async (init: Partial<PeerPoolInit> = {}): Promise<Peer> => {
    const pool = peerPool({ network: 'test', minConnections: 0, expectedConnections: 0, maxConnections: 10, ...init })
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: pool.gater,
      connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
      connectionMonitor: { enabled: false },
      services: { identify: identify(), pool }
    })
    nodes.push(node as Peer)
    return node as Peer
  }
  const pointOf = (node: Peer): Point => node.services.pool.network.ownPoints()[0] as Point

  test('connects, carries messages both ways, and says goodbye when its node stops', async () => {
    const [a, b] = await Promise.all([make(), make()])
    const arrived = b.services.pool.next('connection-opened')
    const ours = await a.services.pool.connect(pointOf(b))
    await arrived
    const theirs = b.services.pool.connections.findByPeerId(a.services.pool.peerId)
    if (theirs === undefined) throw new Error('no connection at the other end')
    await ours.send(new Uint8Array([1, 2, 3]))
    await theirs.send(new Uint8Array([4]))
    expect((await theirs.messages[Symbol.asyncIterator]().next()).value).toEqual(new Uint8Array([1, 2, 3]))
    expect((await ours.messages[Symbol.asyncIterator]().next()).value).toEqual(new Uint8Array([4]))
    const goodbye = b.services.pool.next('connection-lost')
    await a.stop()
    expect((await goodbye).detail).toMatchObject({ peerId: a.services.pool.peerId, ending: { by: 'them', reason: { kind: 'going-away' } } })
  })

  test('says where it can be reached in a record that it signed', async () => {
    const [a, b] = await Promise.all([make(), make()])
    const arrived = b.services.pool.next('connection-opened')
    await a.services.pool.connect(pointOf(b))
    await arrived
    await vi.waitFor(
      () => expect(b.services.pool.points.info(pointOf(a))).toMatchObject({ isSigned: true, claimedBy: a.services.pool.peerId }),
      5_000
    )
  })

  test('dials its trusted points once the node runs', async () => {
    const b = await make()
    const a = await make({ minConnections: 1, expectedConnections: 1, trustedPoints: [`${pointOf(b)}/p2p/${b.services.pool.peerId}`] })
    if (a.services.pool.activeConnections === 0) await a.services.pool.next('connection-opened', { signal: AbortSignal.timeout(5_000) })
    expect(a.services.pool.connections.findByPeerId(b.services.pool.peerId)).toBeDefined()
  })

  test('a node that was stopped starts again with its pool, which leaves no listener behind', async () => {
    const [a, b] = await Promise.all([make(), make()])
    const events = (a as unknown as { components: { events: { listenerCount(type: string): number } } }).components.events
    const count = (): number[] =>
      ['self:peer:update', 'peer:discovery', 'transport:listening', 'transport:close'].map((type) => events.listenerCount(type))
    const before = count()
    for (let i = 0; i < 3; i++) {
      await a.stop()
      expect(a.services.pool.status).toBe('stopped')
      await a.start()
      expect(a.services.pool.status).toBe('running')
    }
    expect(count()).toEqual(before)
    await a.services.pool.connect(pointOf(b))
    expect(a.services.pool.activeConnections).toBe(1)
  })

  test('a pool stopped by hand can be started by hand', async () => {
    const [a, b] = await Promise.all([make(), make()])
    await a.services.pool.stop()
    await expect(b.services.pool.connect(pointOf(a))).rejects.toMatchObject({ rejection: { kind: 'dial-failed', failure: 'no-pool' } })
    await a.services.pool.start()
    await b.services.pool.connect(pointOf(a))
    expect(b.services.pool.activeConnections).toBe(1)
  })

  test('a node starts again though its pool was destroyed', async () => {
    const a = await make()
    await a.services.pool.destroy()
    await a.stop()
    await a.start()
    expect(a.status).toBe('started')
    expect(a.services.pool.status).toBe('destroyed')
  })

  test('a banned peer is cut off, kept out by the gater, and let in again', async () => {
    const [a, b] = await Promise.all([make(), make()])
    const { pool } = a.services
    await b.services.pool.connect(pointOf(a))
    if (pool.activeConnections === 0) await pool.next('connection-opened')
    await pool.peers.ban(b.services.pool.peerId)
    expect(pool.activeConnections).toBe(0)
    await expect(b.dial(a.getMultiaddrs()).then((connection) => connection.newStream(poolProtocol))).rejects.toThrow()
    await expect(a.dial(b.getMultiaddrs())).rejects.toMatchObject({ name: 'DialDeniedError' })
    pool.peers.unban(b.services.pool.peerId)
    await b.services.pool.connect(pointOf(a))
    expect(b.services.pool.activeConnections).toBe(1)
  })

  test('garbage on the pool protocol ends that link, and the pool goes on', async () => {
    const [a, b, c] = await Promise.all([make(), make(), make()])
    const connection = await b.dial(a.getMultiaddrs())
    const stream = await connection.newStream(poolProtocol)
    const over = new Promise((resolve) => stream.addEventListener('close', resolve))
    stream.send(crypto.getRandomValues(new Uint8Array(4_096)).fill(0xff, 0, 16))
    await over
    a.services.pool.clearAcl()
    await c.services.pool.connect(pointOf(a))
    expect(c.services.pool.activeConnections).toBe(1)
  })

  test('a discovery of libp2p feeds the pool', async () => {
    const [a, b] = await Promise.all([make(), make()])
    const found = a.services.pool.next('new-point', { signal: AbortSignal.timeout(5_000) })
    await a.peerStore.merge(b.peerId, { multiaddrs: b.getMultiaddrs() })
    expect((await found).detail.point).toBe(pointOf(b))
    expect(a.services.pool.points.info(pointOf(b))?.discoveredPeerId).toBe(b.services.pool.peerId)
  })

  test('a discovery made before the pool runs is kept for it', async () => {
    const [a, b] = await Promise.all([make(), make()])
    await a.services.pool.stop()
    await a.peerStore.merge(b.peerId, { multiaddrs: b.getMultiaddrs() })
    expect(a.services.pool.points.info(pointOf(b))).toBeUndefined()
    await a.services.pool.start()
    expect(a.services.pool.points.info(pointOf(b))).toMatchObject({
      discoverySource: 'discovery',
      discoveredPeerId: b.services.pool.peerId
    })
  })

  test('options that make no sense are refused before anything runs', () => {
    expect(() => peerPool({ network: '' })).toThrow(PoolError)
    expect(() => peerPool({ network: 'test', trustedPoints: ['nowhere'] })).toThrow('port is missing')
  })
})
