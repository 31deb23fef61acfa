/** What strangers do at a port that speaks TLS: the process stays up, they hold few places and not for long, and peers get in. */
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'
import { guardingSockets } from '../../node/socket-guard.ts'
import { loadCertificate } from '../../node/tls-certificate.ts'
import { tlsServerOptions, withCertificate } from '../../node/tls-listener.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { until } from '../libp2p/plain-nodes.ts'
import { type NewCertificate, newCertificate } from '../support/new-certificate.ts'

const rest: (() => unknown)[] = []
const faults: unknown[] = []
const note = (error: unknown): void => void faults.push(error)
let certificate: NewCertificate
let hello: Buffer

beforeAll(async () => {
  certificate = await newCertificate()
  hello = await clientHello()
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.pem.cert])
})

beforeEach(() => {
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
})

afterEach(async () => {
  for (const stop of rest.splice(0).reverse()) await stop()
  process.off('uncaughtException', note)
  process.off('unhandledRejection', note)
  expect(faults.splice(0)).toEqual([])
})

async function peer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const listen = ['/ip4/127.0.0.1/tcp/0/ws']
  const made = await createNodePeer({ network: 'test', listen, minConnections: 0, expectedConnections: 5, ...init })
  rest.push(made.stop)
  return made
}

/** The first message of a TLS client. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.once('data', (data) => {
        resolve(data)
        socket.destroy()
        server.close()
      })
    })
    server.listen(0, '127.0.0.1', () => tls.connect({ port: portOf(server), host: '127.0.0.1' }).on('error', () => undefined))
  })
}

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port
}

const securePointOf = ({ pool }: NodePeer): string => pool.network.ownPoints().find((point) => point.includes('/tls/')) ?? ''
const securePortOf = (victim: NodePeer): number => Number(securePointOf(victim).split('/')[4])

type Attack = (port: number) => net.Socket

/** From 127.0.0.9. */
const rawSocket = (port: number, says: Buffer | string): net.Socket => {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' }, () => socket.write(says))
  return socket
}

const tlsSocket = (port: number, { says = '', ...options }: tls.ConnectionOptions & { says?: string } = {}): net.Socket => {
  const raw = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
  const socket = tls.connect({ socket: raw, servername: 'localhost', rejectUnauthorized: false, ...options }, () => socket.write(says))
  socket.on('error', () => undefined)
  raw.on('error', () => undefined)
  return socket
}

/** They hold their socket for as long as they can. */
const holding: readonly (readonly [string, Attack])[] = [
  ['send half a ClientHello', (port) => rawSocket(port, hello.subarray(0, hello.length / 2))],
  ['send one byte of TLS', (port) => rawSocket(port, Buffer.of(0x16))],
  ['finish the handshake and say nothing', (port) => tlsSocket(port)],
  ['send half a request by TLS', (port) => tlsSocket(port, { says: 'GET / HTTP/1.1\r\nHost: a\r\n' })],
  ['keep a connection alive with plain requests by TLS', (port) => tlsSocket(port, { says: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' })]
]

/** They are turned away at once. */
const refused: readonly (readonly [string, Attack])[] = [
  ['send bytes that are neither TLS nor HTTP', (port) => rawSocket(port, Buffer.alloc(2_000, 0xee))],
  [
    'send a ClientHello with other bytes in it',
    (port) => rawSocket(port, Buffer.concat([hello.subarray(0, 20), randomBytes(hello.length)]))
  ],
  ['speak TLS 1.0', (port) => tlsSocket(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })],
  ['refuse the certificate', (port) => tlsSocket(port, { servername: 'another.example', rejectUnauthorized: true })],
  [
    'send an oversized upgrade request',
    (port) =>
      tlsSocket(port, {
        says: `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: ${'a'.repeat(40_000)}\r\n\r\n`
      })
  ],
  [
    'ask for a WebSocket of an unknown version',
    (port) =>
      tlsSocket(port, {
        says: 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 99\r\n\r\n'
      })
  ],
  [
    'end their side after the first byte',
    (port) =>
      rawSocket(port, Buffer.of(0x16)).on('connect', function (this: net.Socket) {
        this.end()
      })
  ]
]

function started(attack: Attack, port: number, count: number): net.Socket[] {
  const sockets = Array.from({ length: count }, () =>
    attack(port)
      .on('error', () => undefined)
      .resume()
  )
  rest.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

const openOf = (sockets: readonly net.Socket[]): number => sockets.filter(({ destroyed }) => !destroyed).length

describe('strangers that', () => {
  test.each(holding)('%s: one host has half of the hundred places, and a peer gets in by TLS', async (_, attack) => {
    const victim = await peer({ tls: certificate.pem })
    const sockets = started(attack, securePortOf(victim), 70)
    await until(() => openOf(sockets) <= 50)
    const honest = await peer({ listen: [] })
    const connection = await honest.pool.connect(honest.pool.parsePoint(securePointOf(victim)).point)
    expect(connection).toMatchObject({ peerId: victim.pool.peerId, transport: 'wss' })
  })

  test.each(holding)('%s: they are gone after ten seconds, and their places are free', async (_, attack) => {
    const clock = new VirtualClock(Date.now())
    const followed = await loadCertificate(certificate.pem)
    const secured = withCertificate(webSockets({ https: tlsServerOptions(followed) }), followed, { clock, warn: note })
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [guardingSockets(secured, { clock })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    rest.push(() => node.stop())
    const port = Number(String(node.getMultiaddrs()[0]).split('/')[4])
    const unwatched = clock.pending
    for (let round = 0; round < 2; round++) {
      const sockets = started(attack, port, 60)
      await until(() => openOf(sockets) === 50 && clock.pending === unwatched + 50)
      await clock.advance(10_000)
      await until(() => openOf(sockets) === 0)
      expect(clock.pending).toBe(unwatched)
    }
  })

  test.each(refused)('%s are turned away at once, and hold no place', async (_, attack) => {
    const victim = await peer({ tls: certificate.pem })
    for (let round = 0; round < 4; round++) {
      const sockets = started(attack, securePortOf(victim), 40)
      await until(() => openOf(sockets) === 0)
    }
    const honest = await peer({ listen: [] })
    await honest.pool.connect(honest.pool.parsePoint(securePointOf(victim)).point)
  })

  test('ask for an unknown name get the certificate that there is: they judge it', async () => {
    const victim = await peer({ tls: certificate.pem })
    const socket = tls.connect({ port: securePortOf(victim), host: '127.0.0.1', servername: 'another.example' })
    await expect(new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))).rejects.toThrow(
      /another\.example/
    )
  })

  test('send a page’s request by TLS are judged as by plain text: 403 for an origin that may not connect', async () => {
    const victim = await peer({ tls: certificate.pem, allowedOrigins: ['https://app.example.org'] })
    const statusOf = (origin: string): Promise<unknown> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`wss://localhost:${securePortOf(victim)}`, { origin })
        socket.on('open', () => resolve('open'))
        socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
        socket.on('error', () => undefined)
        rest.push(() => socket.terminate())
      })
    expect(await statusOf('https://other.example.org')).toBe(403)
    expect(await statusOf('https://app.example.org')).toBe('open')
  })
})
