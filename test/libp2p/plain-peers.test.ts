/** Unmodified js-libp2p nodes and a pool that admits them: connections of libp2p as links, whoever opened them. */
import type { Libp2p } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import type { PeerPoolInit } from '../../src/libp2p/index.ts'
import { type PoolNode, plainNode, pointOf, poolNode, until } from './plain-nodes.ts'

const app = '/app/1.0.0'

describe('plain peers over libp2p', () => {
  const nodes: Libp2p[] = []

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  const plain = async (...protocols: string[]): Promise<Libp2p> => {
    const node = await plainNode()
    nodes.push(node)
    await Promise.all(protocols.map((protocol) => node.handle(protocol, () => undefined)))
    return node
  }
  const pool = async (init: Partial<PeerPoolInit> = {}): Promise<PoolNode> => {
    const node = await poolNode({ requiredProtocols: [app], ...init })
    nodes.push(node)
    return node
  }
  const running = (node: PoolNode): string[] => [...node.services.pool.connectedPeerIds.keys()].sort()

  test('a dial connects, and the connection ends with the pool’s', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    const connection = await a.services.pool.connect(pointOf(b))
    expect(connection).toMatchObject({ kind: 'plain', peerId: b.peerId.toString(), transport: 'tcp', host: '::ffff:127.0.0.1' })
    expect((await a.peerStore.get(b.peerId)).tags.has('p2p-pool')).toBe(true)
    await connection.disconnect({ kind: 'explicit', text: 'enough' })
    expect(a.getConnections()).toHaveLength(0)
    expect((await a.peerStore.get(b.peerId)).tags.has('p2p-pool')).toBe(false)
    await until(() => b.getConnections().length === 0)
  })

  test('a peer that dials us is connected, at the point that it listens on', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    await b.dial(a.getMultiaddrs())
    await until(() => running(a).length === 1)
    expect(a.services.pool.connections.list()).toMatchObject([{ kind: 'plain', direction: 'incoming', point: pointOf(b) }])
    const left = a.services.pool.next('connection-lost')
    await b.stop()
    expect((await left).detail.peerId).toBe(b.peerId.toString())
  })

  test('a connection that the application opened counts, and is left to it', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    await a.dialProtocol(b.getMultiaddrs(), app)
    await until(() => running(a).length === 1)
    await a.services.pool.disconnect(running(a)[0] as never)
    expect(running(a)).toEqual([])
    expect(a.getConnections()).toMatchObject([{ status: 'open' }])
  })

  test('one that was there before the pool started counts', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    await a.services.pool.stop()
    await b.dial(a.getMultiaddrs())
    await until(() => a.getConnections().length === 1)
    const [connection] = a.getConnections()
    await until(() => connection?.streams.length === 0)
    await a.services.pool.start()
    await until(() => running(a).length === 1)
  })

  test('who does not speak what is required is no concern of the pool', async () => {
    const [a, b] = await Promise.all([pool(), plain('/other/1.0.0')])
    await expect(a.services.pool.connect(pointOf(b))).rejects.toMatchObject({ rejection: { kind: 'dial-failed', failure: 'no-pool' } })
    await until(() => a.getConnections().length + b.getConnections().length === 0)
    await b.dial(a.getMultiaddrs())
    await until(() => a.getConnections().length === 1)
    expect(running(a)).toEqual([])
    await b.handle(app, () => undefined)
    await until(() => running(a).length === 1)
  })

  test('a dial over a connection that the application has takes that', async () => {
    const [a, b] = await Promise.all([pool({ requiredProtocols: [app, '/late/1.0.0'] }), plain(app)])
    await a.dial(b.getMultiaddrs())
    await b.handle('/late/1.0.0', () => undefined)
    await until(() => running(a).length === 1)
    await expect(a.services.pool.connect(pointOf(b))).rejects.toMatchObject({ rejection: { kind: 'already-connected' } })
    await a.services.pool.disconnect(running(a)[0] as never)
    expect((await a.services.pool.connect(pointOf(b))).kind).toBe('plain')
    expect(a.getConnections()).toHaveLength(1)
  })

  test('a second connection of the same peer is none of the pool, and takes the place of the first', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    const first = await b.dial(a.getMultiaddrs())
    await until(() => running(a).length === 1)
    await b.dial(a.getMultiaddrs(), { force: true })
    await until(() => a.getConnections().length === 2)
    await until(() => a.getConnections().every(({ streams }) => streams.length === 0))
    expect(running(a)).toHaveLength(1)
    const again = a.services.pool.next('connection-opened', { signal: AbortSignal.timeout(5_000) })
    await first.close()
    await again
    expect(a.getConnections()).toHaveLength(1)
  })

  test('a full pool refuses and closes, but leaves a connection with a keep-alive tag open', async () => {
    const [a, b, c] = await Promise.all([pool({ expectedConnections: 1, maxConnections: 1 }), plain(app), plain(app)])
    await a.services.pool.connect(pointOf(b))
    const refused = a.services.pool.next('handshake-refused')
    await c.dial(a.getMultiaddrs())
    expect((await refused).detail).toMatchObject({ peerId: c.peerId.toString(), rejection: { kind: 'too-many-connections' } })
    await until(() => c.getConnections().length === 0, 15_000)
    await a.peerStore.merge(b.peerId, { tags: { 'keep-alive-app': { value: 1 } } })
    await a.services.pool.disconnect(running(a)[0] as never)
    expect(a.getConnections()).toMatchObject([{ status: 'open' }])
    await a.services.pool.peers.ban(a.services.pool.parsePeerId(b.peerId.toString()))
  })

  test('a ban closes the connection whatever runs on it', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    await a.dialProtocol(b.getMultiaddrs(), app)
    await until(() => running(a).length === 1)
    await a.services.pool.peers.ban(a.services.pool.parsePeerId(b.peerId.toString()))
    await until(() => a.getConnections().length === 0)
    await expect(b.dial(a.getMultiaddrs()).then((connection) => connection.newStream(app))).rejects.toThrow()
    expect(running(a)).toEqual([])
  })

  test('one that breaks the pool protocol loses all its connections, whatever runs on them, and is kept out', async () => {
    const [a, b] = await Promise.all([pool(), plain(app)])
    const connection = await b.dial(a.getMultiaddrs())
    await until(() => running(a).length === 1)
    await b.dial(a.getMultiaddrs(), { force: true })
    await connection.newStream('/p2p-pool/1.0.0').then((stream) => stream.send(Uint8Array.of(0x80, 0x00)))
    await until(() => a.getConnections().length + b.getConnections().length === 0)
    expect(running(a)).toEqual([])
    expect(a.services.pool.peers.isBanned(a.services.pool.parsePeerId(b.peerId.toString()))).toBe(true)
    await expect(b.dial(a.getMultiaddrs()).then((again) => again.newStream(app))).rejects.toThrow()
  })

  test('libp2p’s pruner first takes peers that the pool does not hold', async () => {
    const a = await poolNode({ requiredProtocols: [app] }, { connectionManager: { maxConnections: 1, inboundConnectionThreshold: 1_000 } })
    nodes.push(a)
    const [b, c] = await Promise.all([plain(app), plain('/other/1.0.0')])
    await a.services.pool.connect(pointOf(b))
    const pruned = new Promise<readonly { remotePeer: unknown }[]>((resolve) =>
      a.addEventListener('connection:prune', ({ detail }) => resolve(detail), { once: true })
    )
    await a.dial(c.getMultiaddrs())
    expect(await pruned).toMatchObject([{ remotePeer: c.peerId }])
    expect(running(a)).toEqual([b.peerId.toString()])
  })

  test('a peer that libp2p keeps alive and dials again by itself is back in the pool, once', async () => {
    const a = await poolNode(
      { requiredProtocols: [app] },
      { connectionManager: { reconnectRetries: 5, reconnectRetryInterval: 50, inboundConnectionThreshold: 1_000 } }
    )
    nodes.push(a)
    const b = await plain(app)
    await a.services.pool.connect(pointOf(b))
    await a.peerStore.merge(b.peerId, { tags: { 'keep-alive-app': { value: 1 } } })
    const again = a.services.pool.next('connection-opened', { signal: AbortSignal.timeout(5_000) })
    for (const connection of b.getConnections()) connection.abort(new Error('cut'))
    await again
    expect(running(a)).toEqual([b.peerId.toString()])
    expect(a.getConnections()).toHaveLength(1)
  })

  test('two pools that admit plain peers are a pool to each other', async () => {
    const [a, b] = await Promise.all([pool({ requiredProtocols: [] }), pool({ requiredProtocols: [] })])
    expect((await a.services.pool.connect(pointOf(b))).kind).toBe('pool')
    await until(() => running(b).length === 1)
    expect(b.services.pool.connections.list()).toMatchObject([{ kind: 'pool' }])
  })

  test('a plain peer that starts a pool is disconnected, and connected again as a pool', async () => {
    const [a, b] = await Promise.all([pool({ requiredProtocols: [] }), pool({ requiredProtocols: [] })])
    await b.services.pool.stop()
    expect((await a.services.pool.connect(pointOf(b))).kind).toBe('plain')
    const left = a.services.pool.next('connection-lost', { signal: AbortSignal.timeout(5_000) })
    await b.services.pool.start()
    await left
    expect((await a.services.pool.connect(pointOf(b))).kind).toBe('pool')
  })

  test('a node without identify fails, naming that plain peers need it', async () => {
    await expect(poolNode({}, { services: { identify: () => ({}) } })).rejects.toThrow('@libp2p/identify')
  })
})
