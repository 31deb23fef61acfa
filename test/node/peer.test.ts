import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point } from '../../node/index.ts'

describe('createNodePeer', () => {
  let folder: string
  const peers: NodePeer[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-pool-peer-'))
  })

  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.stop()))
    await rm(folder, { recursive: true })
  })

  const create = async (init: Partial<NodePeerInit> = {}): Promise<NodePeer> => {
    const peer = await createNodePeer({
      network: 'test',
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
      inboundConnectionThreshold: 1_000,
      minConnections: 0,
      expectedConnections: 0,
      maxConnections: 10,
      ...init
    })
    peers.push(peer)
    return peer
  }
  const pointOf = (peer: NodePeer, form: RegExp): Point => {
    const point = peer.pool.network.ownPoints().find((own) => form.test(own))
    if (point === undefined) throw new Error(`no own point like ${form}`)
    return point
  }

  test.each([
    ['TCP', /\/tcp\/\d+$/, 'tcp'],
    ['WebSockets', /\/ws$/, 'ws']
  ] as const)('makes peers that connect over %s', async (_name, form, transport) => {
    const [a, b] = await Promise.all([create(), create()])
    const connection = await a.pool.connect(pointOf(b, form))
    expect(connection).toMatchObject({ peerId: b.pool.peerId, transport, host: '::ffff:127.0.0.1' })
  })

  test.each([
    ['TCP', /\/tcp\/\d+$/],
    ['WebSockets', /\/ws$/]
  ])(
    'says which address it cannot listen at where another program has its port, over %s, and leaves nothing running',
    async (_name, form) => {
      const other = await create()
      const taken = pointOf(other, form)
      const identityFile = join(folder, 'identity.key')
      const failed = create({ identityFile, listen: ['/ip4/127.0.0.1/tcp/0', taken] })
      await expect(failed).rejects.toMatchObject({
        code: 'cannot-listen',
        message: `cannot listen at ${taken.replace(/\/ws$/, '')}: another program listens there`
      })
      await other.stop()
      expect(await create({ identityFile, listen: [taken] })).toBeDefined()
    }
  )

  test('a restart keeps the identity and the known peers', async () => {
    const files = { peersFile: join(folder, 'peers.json'), identityFile: join(folder, 'identity.key') }
    const other = await create()
    const first = await create(files)
    await first.pool.connect(pointOf(other, /\/tcp\/\d+$/))
    const { peerId } = first.pool
    await first.stop()
    expect((await stat(files.identityFile)).mode & 0o077).toBe(0)
    expect(JSON.parse((await readFile(files.peersFile, 'utf8')).split('\n')[0] ?? '')).toBeTypeOf('object')
    const second = await create(files)
    expect(second.pool.peerId).toBe(peerId)
    expect([...second.pool.peers.known()].map(([id]) => id)).toContain(other.pool.peerId)
    expect([...second.pool.points.known()].map(([point]) => point)).toContain(pointOf(other, /\/tcp\/\d+$/))
  })

  test('tells the announced addresses instead of its own', async () => {
    const peer = await create({ announce: ['/dns4/peer.example.org/tcp/443/tls/ws'] })
    expect(peer.pool.network.ownPoints()).toEqual(['/dns4/peer.example.org/tcp/443/tls/ws'])
  })

  test('is a relay only if asked', async () => {
    const hop = '/libp2p/circuit/relay/0.2.0/hop'
    const [plain, relay] = await Promise.all([create(), create({ relay: { maxReservations: 3 } })])
    expect(plain.node.getProtocols()).not.toContain(hop)
    expect(relay.node.getProtocols()).toContain(hop)
  })

  test('dials by TCP and WebSockets', async () => {
    expect((await create()).pool.network.transports).toEqual(['tcp', 'wss', 'ws'])
  })

  test('if it cannot listen it rejects and leaves nothing running', async () => {
    const peersFile = join(folder, 'peers.json')
    await expect(create({ peersFile, listen: ['/ip4/192.0.2.1/tcp/1'] })).rejects.toThrow()
    const next = await create({ peersFile })
    expect(next.pool.snapshot().storage).toMatchObject({ name: peersFile, failure: null })
  })
})
