/** Node peers behind proxies, over real sockets on this machine: whose host counts, and which pages are taken. */
import http from 'node:http'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point, poolProtocol } from '../../node/index.ts'
import { until } from '../libp2p/plain-nodes.ts'
import { httpProxy, type RunningProxy, tcpProxy } from './proxies.ts'

const rest: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(rest.splice(0).map((stop) => stop()))
})

async function peer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
  const quiet = { minConnections: 0, expectedConnections: 5, maxConnections: 60, allowPrivatePoints: true }
  const made = await createNodePeer({ network: 'test', listen, ...quiet, ...init })
  rest.push(made.stop)
  return made
}

const portOf = ({ pool }: NodePeer, isWanted: (point: Point) => boolean): number => {
  const point = pool.network.ownPoints().find(isWanted)
  return Number(point?.split('/')[4])
}
const wsPortOf = (server: NodePeer): number => portOf(server, (point) => point.endsWith('/ws'))
const tcpPortOf = (server: NodePeer): number => portOf(server, (point) => !point.endsWith('/ws'))

async function kept(proxy: Promise<RunningProxy>): Promise<number> {
  const { port, close } = await proxy
  rest.push(close)
  return port
}

const wsAt = (port: number): Point => `/ip4/127.0.0.1/tcp/${port}/ws` as Point
const connected = async (client: NodePeer, port: number): Promise<boolean> =>
  client.pool.connect(wsAt(port)).then(
    () => true,
    () => false
  )
const hostsAt = (server: NodePeer): (string | undefined)[] => server.pool.connections.list().map(({ host }) => host)

/** Sends what is no message of the pool, and waits until it was noticed. */
async function sendGarbage(from: NodePeer, server: NodePeer, port: number): Promise<void> {
  const noticed = server.pool.next('greylisted')
  const connection = await from.node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws/p2p/${server.pool.peerId}`))
  const stream = await connection.newStream(poolProtocol)
  stream.send(new Uint8Array(64).fill(255))
  await noticed
}

describe('behind a proxy', () => {
  test('that is trusted, each peer is at the host that the proxy names', async () => {
    const server = await peer({ trustedProxies: ['127.0.0.1'] })
    let n = 0
    const port = await kept(httpProxy(wsPortOf(server), () => `198.51.100.${++n}`))
    for (const client of [await peer(), await peer()]) await client.pool.connect(wsAt(port))
    await until(() => hostsAt(server).length === 2)
    expect(hostsAt(server)).toEqual(['::ffff:198.51.100.1', '::ffff:198.51.100.2'])
    const [connection] = server.node.getConnections()
    expect(connection?.remoteAddr.toString()).toMatch(/^\/ip4\/198\.51\.100\.1\/tcp\/\d+\/ws\/p2p\//)
  })

  test('that is trusted, a fault greylists the stranger’s host and nobody else’s', async () => {
    const server = await peer({ trustedProxies: ['127.0.0.1'] })
    let client = '198.51.100.1'
    const port = await kept(httpProxy(wsPortOf(server), () => client))
    await sendGarbage(await peer(), server, port)
    expect(server.pool.points.greylisted().map(({ host }) => host)).toEqual(['::ffff:198.51.100.1'])
    expect(await connected(await peer(), port)).toBe(false)
    client = '198.51.100.2'
    expect(await connected(await peer(), port)).toBe(true)
  })

  test('that is trusted, a ban of the host counts', async () => {
    const server = await peer({ trustedProxies: ['127.0.0.1'] })
    const port = await kept(httpProxy(wsPortOf(server), () => '198.51.100.1'))
    await server.pool.points.banRange('198.51.100.0/24')
    expect(await connected(await peer(), port)).toBe(false)
  })

  test.each([
    ['that nobody named', {}, true],
    ['that is trusted and names no host', { trustedProxies: ['127.0.0.0/8'] }, false]
  ] as const)('%s, the host is unknown, so no address rule counts', async (_, options, names) => {
    const server = await peer({ ...options, allowPrivatePoints: false })
    const port = await kept(httpProxy(wsPortOf(server), () => (names ? '198.51.100.1' : undefined)))
    await sendGarbage(await peer(), server, port)
    expect(server.pool.points.greylisted()).toEqual([])
    const client = await peer()
    expect(await connected(client, port)).toBe(true)
    await until(() => hostsAt(server).length === 1)
    expect(hostsAt(server)).toEqual([undefined])
    // Its own points on this machine are not taken: it may be anywhere.
    expect([...server.pool.points.known()]).toEqual([])
  })

  test('that is trusted and knows nothing but bytes, a TCP peer’s host is unknown; without it, it is at the proxy’s', async () => {
    for (const [trustedProxies, host] of [
      [['127.0.0.1'], undefined],
      [[], '::ffff:127.0.0.1']
    ] as const) {
      const server = await peer({ trustedProxies })
      const port = await kept(tcpProxy(tcpPortOf(server)))
      await (await peer()).pool.connect(`/ip4/127.0.0.1/tcp/${port}` as Point)
      await until(() => hostsAt(server).length === 1)
      expect(hostsAt(server)).toEqual([host])
    }
  })

  test.each([[{}], [{ trustedProxies: ['127.0.0.1'] }]])(
    'that knows nothing but bytes, with %j: one of twelve peers sends garbage all the time, the others stay and return at once',
    async (options) => {
      const server = await peer({ ...options, expectedConnections: 40 })
      const port = await kept(tcpProxy(wsPortOf(server)))
      const point = wsAt(port)
      const seeks = { minConnections: 1, expectedConnections: 1, listen: [], trustedPoints: [point] }
      const pages = await Promise.all(Array.from({ length: 11 }, () => peer(seeks)))
      await until(() => server.pool.activeConnections === 11)
      for (let i = 0; i < 3; i++) await sendGarbage(await peer({ listen: [] }), server, port)
      expect(server.pool.activeConnections).toBe(11)
      // They reload: the same identity, a new run.
      await Promise.all(pages.map(({ pool }) => pool.stop()))
      await until(() => server.pool.activeConnections === 0)
      const sends = (async () => {
        for (let i = 0; i < 3; i++) await sendGarbage(await peer({ listen: [] }), server, port)
      })()
      await Promise.all(pages.map(({ pool }) => pool.start()))
      await until(() => server.pool.activeConnections === 11, 5_000)
      await sends
    }
  )
})

/** The status with which a request for a WebSocket is answered. */
function statusOf(port: number, headers: Record<string, string>): Promise<{ status: number | undefined; text: string }> {
  const key = Buffer.from('the sample nonce').toString('base64')
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13' }
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', headers: { ...upgrade, ...headers } })
    request.on('upgrade', ({ statusCode: status }, socket) => {
      socket.destroy()
      resolve({ status, text: '' })
    })
    request.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    request.on('error', reject)
  })
}

describe('pages', () => {
  test('of a public website may not connect to a peer on the visitor’s machine', async () => {
    const port = wsPortOf(await peer())
    const answer = await statusOf(port, { Origin: 'https://website.example' })
    expect(answer.status).toBe(403)
    expect(answer.text).toMatch(/pages of https:\/\/website\.example may not connect .*allowedOrigins.*trustedProxies/)
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1:8080'])
      expect((await statusOf(port, { Origin: origin })).status).toBe(101)
    expect((await statusOf(port, {})).status).toBe(101)
  })

  test('of listed sites alone may connect where there is a list', async () => {
    const port = wsPortOf(await peer({ allowedOrigins: ['https://app.example.org'] }))
    const found = ['https://app.example.org', 'https://other.example', 'http://localhost:5173'].map((Origin) => statusOf(port, { Origin }))
    expect((await Promise.all(found)).map(({ status }) => status)).toEqual([101, 403, 403])
  })

  test('of any site may connect through a proxy', async () => {
    for (const trustedProxies of [['127.0.0.1'], []]) {
      const server = await peer({ trustedProxies })
      const port = await kept(httpProxy(wsPortOf(server), () => '198.51.100.1'))
      expect((await statusOf(port, { Origin: 'https://app.example.org' })).status).toBe(101)
    }
  })
})

test('options that make no sense are refused, naming what was expected and what came', async () => {
  await expect(createNodePeer({ network: 'test', trustedProxies: ['proxy.example.org'] })).rejects.toThrow(
    /trustedProxies\[0\]: expected an IP address or a range such as .*, got "proxy\.example\.org"/
  )
  await expect(createNodePeer({ network: 'test', allowedOrigins: ['app.example.org'] })).rejects.toThrow(
    /allowedOrigins\[0\]: expected the origin of a page such as .*, got "app\.example\.org"/
  )
})
