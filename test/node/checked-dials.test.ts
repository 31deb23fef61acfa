/** Where DNS names lead, on real sockets of the loopback and with a resolver of our own. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkedDials, createNodePeer, type LookUpName, type Point } from '../../node/index.ts'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool } from '../../src/libp2p/index.ts'
import { cert, certifiedName, key } from '../support/certificate.ts'
import { type CountingServer, countingServer } from '../support/counting-server.ts'

const unknownPeer = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'
const running: { stop(): unknown }[] = []
const servers: CountingServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

beforeAll(() => {
  setDefaultCACertificates([...getCACertificates('default'), cert])
})

interface Names {
  /** What each look-up of a name gives, one after the other; the last one again and again. */
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>>
  /** What `/dnsaddr` stands for. */
  readonly answers?: Readonly<Record<string, readonly string[]>>
}

interface TestPeer {
  readonly node: Libp2p
  readonly pool: Libp2pPeerPool
  readonly lookUps: readonly string[]
}

/** A node of a user's own, with everything that `checkedDials` gives. */
async function start({ names = {}, answers = {} }: Names, init: Partial<PeerPoolInit> = {}, listen: string[] = []): Promise<TestPeer> {
  const service = peerPool({ network: 'test', minConnections: 0, expectedConnections: 0, maxConnections: 10, ...init })
  const lookUps: string[] = []
  const lookUp: LookUpName = async (name) => {
    const given = names[name] ?? []
    const found = given[Math.min(lookUps.filter((other) => other === name).length, given.length - 1)] ?? []
    lookUps.push(name)
    if (found.length === 0) throw Object.assign(new Error(`no such name: ${name}`), { code: 'ENOTFOUND' })
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const dials = checkedDials(service, { lookUp })
  const query = async (name: string) => ({
    Answer: (answers[name.replace('_dnsaddr.', '')] ?? []).map((to) => ({ data: `dnsaddr=${to}` }))
  })
  const node = await createLibp2p({
    addresses: { listen },
    transports: [dials.tcp(tcp()), dials.webSockets(webSockets({ https: { key, cert } }))],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: service.gater,
    connectionManager: { resolvers: dials.resolvers, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    dns: { query } as never,
    services: { identify: identify(), pool: service }
  })
  running.push(node)
  return { node, pool: node.services.pool, lookUps }
}

async function serve(host: string): Promise<CountingServer> {
  const server = await countingServer(host)
  servers.push(server)
  return server
}

async function failureOf(dialing: Promise<unknown>): Promise<string> {
  return dialing.then(
    () => 'connected',
    (error: Error) => error.message
  )
}

/** The forms in which a point can name a host. */
const forms: Record<string, (name: string, port: number) => Point> = {
  TCP: (name, port) => `/dns4/${name}/tcp/${port}` as Point,
  WebSockets: (name, port) => `/dns/${name}/tcp/${port}/ws` as Point,
  'secure WebSockets': (name, port) => `/dns4/${name}/tcp/${port}/tls/ws` as Point
}

describe.each(Object.entries(forms))('a name that an unknown peer named, dialed by %s', (_, spell) => {
  /** Has the pool dial a point by itself, as many times as it takes to look the name up `times` times; then says why the last dial failed. */
  async function dialed({ pool, lookUps }: TestPeer, point: Point, times: number): Promise<string> {
    expect(
      pool.registerNewPoints([{ point, expectedPeerId: undefined }], { discoverySource: 'advertise', source: unknownPeer as never })
    ).toBe(1)
    const failed = Promise.withResolvers<void>()
    let failures = 0
    pool.addEventListener('connection-failed', () => {
      if (++failures === times) failed.resolve()
    })
    await failed.promise
    expect(lookUps).toHaveLength(times)
    const failure = pool.points.info(point)?.lastFailure
    expect(failure).toMatchObject({ kind: 'dial-failed', failure: 'denied' })
    return failure?.kind === 'dial-failed' ? failure.detail : ''
  }

  const hungry = { minConnections: 1, expectedConnections: 1, maxConnections: 10 }

  test.each([
    ['this machine', '127.0.0.2'],
    ['another address of this machine', '::1'],
    ['this machine, written as IPv6', '::ffff:127.0.0.2']
  ])('and that stands for %s opens no socket there', async (_name, address) => {
    const server = await serve(address.replace('::ffff:', ''))
    const peer = await start({ names: { 'evil.example': [[address]] } }, hungry)
    const text = await dialed(peer, spell('evil.example', server.port), 1)
    expect(text).toContain(`${address} is not public, and the operator has not registered the point`)
    expect(server.accepted).toBe(0)
  })

  test('and that stands for private addresses opens no socket there', async () => {
    const peer = await start({ names: { 'evil.example': [['10.1.2.3', '192.168.1.1', '169.254.169.254', 'fd00::1', '0.0.0.0']] } }, hungry)
    const point = spell('evil.example', 6_379)
    const text = await dialed(peer, point, 1)
    expect(text).toContain('10.1.2.3 is not public')
    expect(peer.pool.explain(point).text).toContain('evil.example stands only for addresses that are refused: 10.1.2.3 is not public')
  })

  test('and that stands for this machine at the second look-up only opens no socket there', async () => {
    const server = await serve('127.0.0.2')
    const peer = await start(
      { names: { 'evil.example': [[], ['127.0.0.2']] } },
      { ...hungry, reconnection: { initialDelayMs: 1, factor: 1, jitter: 0 } }
    )
    const text = await dialed(peer, spell('evil.example', server.port), 2)
    expect(text).toContain('127.0.0.2 is not public')
    expect(server.accepted).toBe(0)
  })

  test.each([
    ['host', (pool: Libp2pPeerPool) => pool.points.banHost('127.0.0.3')],
    ['range', (pool: Libp2pPeerPool) => pool.points.banRange('127.0.0.3/32')]
  ])('and that stands for a banned %s at the second look-up opens no socket there', async (_name, ban) => {
    const [allowed, banned] = [await serve('127.0.0.2'), await countingServerAt('127.0.0.3')]
    const peer = await start(
      { names: { 'evil.example': [['127.0.0.2'], ['127.0.0.3']] } },
      { ...hungry, allowPrivatePoints: true, reconnection: { initialDelayMs: 1, factor: 1, jitter: 0 } }
    )
    await ban(peer.pool)
    const text = await dialed(peer, spell('evil.example', allowed.port), 2)
    expect(text).toContain('127.0.0.3 is banned')
    expect([allowed.accepted, banned.accepted]).toEqual([1, 0])

    async function countingServerAt(host: string): Promise<CountingServer> {
      const server = await countingServer(host, servers.at(-1)?.port)
      servers.push(server)
      return server
    }
  })
})

describe('an address that /dnsaddr stands for', () => {
  const registered = (pool: Libp2pPeerPool, point: Point): void => void pool.registerPoint(point)
  const ofOthers = (pool: Libp2pPeerPool, point: Point): void =>
    void pool.registerNewPoints([{ point, expectedPeerId: undefined }], { discoverySource: 'advertise', source: unknownPeer as never })
  const evil = '/dnsaddr/evil.example' as Point

  /** What a dial of the node comes to, at a `/dnsaddr` that somebody named. The pool itself dials none. */
  async function dial(given: Names, name: (pool: Libp2pPeerPool, point: Point) => void): Promise<string> {
    const { node, pool } = await start(given)
    name(pool, evil)
    return failureOf(node.dial(multiaddr(evil)))
  }

  test.each([
    ['on this machine', (port: number) => `/ip4/127.0.0.2/tcp/${port}`, 'is not public'],
    ['that is no way to a host', (port: number) => `/ip4/203.0.113.1/tcp/${port}/tls/sni/localhost/ws`, 'is no point'],
    ['that is a file', () => '/unix/%2Ftmp%2Fsocket', 'is no point'],
    ['at a port of other services', () => '/ip4/203.0.113.1/tcp/22', 'is at a port of other services'],
    ['that is a name of this machine', (port: number) => `/dns4/inner.example/tcp/${port}`, '127.0.0.2 is not public'],
    ['behind another /dnsaddr', () => '/dnsaddr/second.example', 'is not public']
  ])('%s opens no socket there, if an unknown peer named it', async (_name, answer, reason) => {
    const server = await serve('127.0.0.2')
    const answers = { 'evil.example': [answer(server.port)], 'second.example': [`/ip4/127.0.0.2/tcp/${server.port}`] }
    expect(await dial({ answers, names: { 'inner.example': [['127.0.0.2']] } }, ofOthers)).toContain(reason)
    expect(server.accepted).toBe(0)
  })

  test('on this machine is dialed if the operator named it, also behind another name', async () => {
    const server = await serve('127.0.0.2')
    const direct = { answers: { 'evil.example': [`/ip4/127.0.0.2/tcp/${server.port}`] } }
    await dial(direct, registered)
    expect(server.accepted).toBe(1)
    const inner = { answers: { 'evil.example': [`/dns4/inner.example/tcp/${server.port}`] }, names: { 'inner.example': [['127.0.0.2']] } }
    await dial(inner, registered)
    expect(server.accepted).toBe(2)
  })

  test('that is banned opens no socket there, whatever the source of the name', async () => {
    const server = await serve('127.0.0.2')
    const ban = (pool: Libp2pPeerPool, point: Point): void => {
      void pool.points.banHost('127.0.0.2')
      registered(pool, point)
    }
    expect(await dial({ answers: { 'evil.example': [`/ip4/127.0.0.2/tcp/${server.port}`] } }, ban)).toContain('is banned')
    expect(server.accepted).toBe(0)
  })
})

describe('a name of the operator', () => {
  const listen = { TCP: '/ip4/127.0.0.1/tcp/0', WebSockets: '/ip4/127.0.0.1/tcp/0/ws', 'secure WebSockets': '/ip4/127.0.0.1/tcp/0/tls/ws' }
  const names = { [certifiedName]: [['127.0.0.1']] }

  async function listener(form: string): Promise<{ there: TestPeer; point: Point; close: () => Promise<void> }> {
    const there = await start({}, {}, [listen[form as keyof typeof listen]])
    const port = Number(/\/tcp\/(\d+)/.exec(there.pool.network.ownPoints()[0] ?? '')?.[1])
    const point = (forms[form] as (name: string, port: number) => Point)(certifiedName, port)
    return { there, point, close: async () => there.node.stop() }
  }

  describe.each(Object.keys(forms))('dialed by %s', (form) => {
    test('may stand for this machine; messages of any size come through', async () => {
      const { there, point } = await listener(form)
      const { pool, lookUps } = await start({ names })
      const got = (async () => {
        const [, connection] = await Promise.all([
          pool.connect(point, { expectedPeerId: there.pool.peerId }),
          new Promise<Awaited<ReturnType<Libp2pPeerPool['connect']>> | undefined>((resolve) =>
            there.pool.addEventListener('connection-opened', () => resolve(there.pool.connections.findByPeerId(pool.peerId)))
          )
        ])
        const sizes: number[] = []
        for await (const message of connection?.messages ?? []) if (sizes.push(message.length) === 2) break
        return sizes
      })()
      await expect.poll(() => pool.activeConnections).toBe(1)
      const ours = pool.connections.findByPeerId(there.pool.peerId)
      expect(ours).toMatchObject({ host: certifiedName, point })
      void ours?.send(new Uint8Array(1))
      void ours?.send(new Uint8Array(1_000_000))
      expect(await got).toEqual([1, 1_000_000])
      expect(lookUps).toEqual([certifiedName])
    })

    test('leads nowhere once its address is banned, and a connection that is there ends', async () => {
      const { there, point } = await listener(form)
      const { pool } = await start({ names })
      const connection = await pool.connect(point)
      await pool.points.banHost('127.0.0.1', { banPeers: false })
      await connection.closed
      expect(pool.activeConnections).toBe(0)
      expect(await failureOf(pool.connect(point))).toContain('127.0.0.1 is banned')
      await expect.poll(() => there.pool.activeConnections).toBe(0)
    })

    test('a connection that breaks ends, and nothing else', async () => {
      const { there, point, close } = await listener(form)
      const { pool } = await start({ names })
      const connection = await pool.connect(point)
      for (const { id } of there.node.getConnections())
        there.node
          .getConnections()
          .find((one) => one.id === id)
          ?.abort(new Error('cut'))
      await connection.closed
      await close()
      expect(await failureOf(pool.connect(point))).not.toBe('connected')
    })
  })

  test('is kept as the operator’s when unknown peers named it before, and over a restart', async () => {
    const { there, point } = await listener('TCP')
    const { pool } = await start({ names })
    pool.registerNewPoints([{ point, expectedPeerId: undefined }], { discoverySource: 'advertise', source: unknownPeer as never })
    expect(pool.points.info(point)).toMatchObject({ discoverySource: 'advertise', registered: false })
    expect((await pool.connect(point)).peerId).toBe(there.pool.peerId)
    expect(pool.points.info(point)).toMatchObject({ discoverySource: 'advertise', registered: true, address: '::ffff:127.0.0.1' })
  })

  test('leads to the first of its addresses that may be dialed and answers', async () => {
    const { point } = await listener('TCP')
    const { pool } = await start({ names: { [certifiedName]: [['127.0.0.9', '127.0.0.8', '127.0.0.1']] } })
    await pool.points.banHost('127.0.0.9')
    expect((await pool.connect(point)).point).toBe(point)
    expect(pool.points.info(point)?.address).toBe('::ffff:127.0.0.1')
  })
})

describe('what the application dials', () => {
  test('leads to this machine by a name that says so, and by no other unless the point is registered', async () => {
    const server = await serve('127.0.0.1')
    const { node, pool } = await start({ names: { localhost: [['127.0.0.1']], 'inner.example': [['127.0.0.1']] } })
    await failureOf(node.dial(multiaddr(`/dns4/localhost/tcp/${server.port}`)))
    expect(server.accepted).toBe(1)
    expect(await failureOf(node.dial(multiaddr(`/dns4/inner.example/tcp/${server.port}`)))).toContain('is not public')
    expect(server.accepted).toBe(1)
    pool.registerPoint(`/dns4/inner.example/tcp/${server.port}` as Point)
    await failureOf(node.dial(multiaddr(`/dns4/inner.example/tcp/${server.port}`)))
    expect(server.accepted).toBe(2)
  })
})

test('createNodePeer checks names', async () => {
  const server = await serve('127.0.0.1')
  const peer = await createNodePeer({ network: 'test', listen: [], minConnections: 0, expectedConnections: 0 })
  running.push(peer)
  await peer.pool.points.banHost('127.0.0.1')
  await peer.pool.points.banHost('::1')
  for (const end of ['', '/ws', '/tls/ws']) {
    const failure = await failureOf(peer.pool.connect(`/dns/localhost/tcp/${server.port}${end}` as Point))
    expect(failure).toMatch(/(127\.0\.0\.1|::1) is banned/)
  }
  expect(server.accepted).toBe(0)
})

test('checkedDials takes what peerPool returned, and transports of libp2p', async () => {
  expect(() => checkedDials({})).toThrow(expect.objectContaining({ code: 'invalid-config' }))
  const dials = checkedDials(peerPool({ network: 'test' }))
  const make = dials.tcp(() => ({ [Symbol.toStringTag]: 'other' }) as never)
  expect(() => make({})).toThrow('expected a transport of libp2p')
})
