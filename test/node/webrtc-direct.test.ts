/** `/webrtc-direct` of a Node peer: a page in Chromium dials it, its address outlives restarts, and its handshakes are few. */
import { createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { CreateListenerOptions, Transport } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { chromium } from 'playwright-core'
import { afterEach, describe, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../../node/cli/chromium.ts'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'
import { guardingHandshakes, withDirectListener } from '../../node/webrtc-direct.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { until } from '../libp2p/plain-nodes.ts'
import { addressOf, bundlePage, servePage } from './pages.ts'
import type { TestPage } from './web-peer-page.ts'

declare const page: TestPage

const rest: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of rest.splice(0).reverse()) await stop()
})

async function peer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const listen = ['/ip4/127.0.0.1/tcp/0/ws']
  const made = await createNodePeer({ network: 'test', listen, minConnections: 0, expectedConnections: 5, webRtcDirect: true, ...init })
  rest.push(made.stop)
  return made
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-direct-'))
  rest.push(() => rm(path, { recursive: true, force: true }))
  return path
}

const directPointOf = ({ pool }: NodePeer): string => pool.network.ownPoints().find((point) => point.includes('/webrtc-direct/')) ?? ''

test('a page in Chromium dials it, and both sides know the transport and the host', async () => {
  const server: Server = await servePage(await bundlePage('web-peer-page.ts'))
  rest.push(() => server.close())
  const { path } = await findChromium()
  const browser = await chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args: [...chromiumFlags] })
  rest.push(() => browser.close())
  const node = await peer()
  const point = directPointOf(node)
  expect(point).toMatch(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/webrtc-direct\/certhash\/uEi[\w-]+$/)
  const tab = await browser.newPage()
  await tab.goto(addressOf(server))
  const started = await tab.evaluate(() => page.start({ network: 'test', minConnections: 0, expectedConnections: 0, name: 'direct' }, true))
  expect(started.transports).toContain('webrtc-direct')
  expect(await tab.evaluate((to) => page.connect(to as Parameters<typeof page.connect>[0]), point)).toMatchObject({
    peerId: node.pool.peerId,
    transport: 'webrtc-direct',
    host: '::ffff:127.0.0.1'
  })
  await until(() => node.pool.activeConnections === 1)
  expect(node.pool.connections.list()).toMatchObject([
    { peerId: started.peerId, transport: 'webrtc-direct', host: '::ffff:127.0.0.1', direction: 'incoming' }
  ])
  await tab.evaluate((id) => page.send(id, 200_000), node.pool.peerId)
  let received = 0
  for await (const message of node.pool.connections.findByPeerId(started.peerId)?.messages ?? []) {
    received += message.length
    if (received === 200_000) break
  }
}, 60_000)

test('a Node peer dials it, and stops in time', async () => {
  const [server, client] = await Promise.all([peer(), peer()])
  const connection = await client.pool.connect(client.pool.parsePoint(directPointOf(server)).point)
  expect(connection).toMatchObject({ peerId: server.pool.peerId, transport: 'webrtc-direct' })
  const began = performance.now()
  await Promise.all([server.stop(), client.stop()])
  expect(performance.now() - began).toBeLessThan(8_000)
})

test('a peer has 32 streams open on a connection, and one that opens more keeps nobody else out', async () => {
  const [server, hostile, honest] = await Promise.all([peer(), peer(), peer()])
  const address = multiaddr(`${directPointOf(server)}/p2p/${server.pool.peerId}`)
  const connection = await hostile.node.dial(address)
  const muxer = Reflect.get(connection, 'muxer') as { createStream(): Promise<unknown> }
  // Streams that never name a protocol.
  for (let i = 0; i < 100; i++) await muxer.createStream().catch(() => undefined)
  const [seen] = server.node.getConnections()
  const streams = (): readonly { readonly direction: string }[] => (Reflect.get(seen ?? {}, 'muxer') as { streams: [] }).streams
  await until(() => streams().filter(({ direction }) => direction === 'inbound').length === 32)
  await honest.pool.connect(honest.pool.parsePoint(directPointOf(server)).point)
  // One of them may have been identify's, and have ended.
  expect(streams().filter(({ direction }) => direction === 'inbound').length).toBeLessThanOrEqual(32)
})

test('the address outlives a restart with the same identity file, and no other', async () => {
  const identityFile = join(await folder(), 'identity')
  const pointOf = async (init: Partial<NodePeerInit>): Promise<string> => {
    const one = await peer(init)
    const point = directPointOf(one)
    await one.stop()
    return point.replace(/\/udp\/\d+/, '')
  }
  const first = await pointOf({ identityFile })
  expect(await pointOf({ identityFile })).toBe(first)
  expect(await pointOf({ identityFile: `${identityFile}-2` })).not.toBe(first)
  expect(await pointOf({})).not.toBe(first)
})

test('an announced address gets the hash of the certificate', async () => {
  const { pool } = await peer({ announce: ['/ip4/192.0.2.7/udp/4002/webrtc-direct'] })
  expect(pool.network.ownPoints()).toEqual([expect.stringMatching(/^\/ip4\/192\.0\.2\.7\/udp\/4002\/webrtc-direct\/certhash\/uEi/)])
})

test.each([
  [
    'the port of the first WebSocket listener',
    ['/ip4/0.0.0.0/tcp/1', '/ip4/0.0.0.0/tcp/2/ws', '/ip6/::/tcp/3/ws'],
    '/ip4/0.0.0.0/udp/2/webrtc-direct'
  ],
  ['that of a secure one too', ['/ip6/::/tcp/443/tls/ws'], '/ip6/::/udp/443/webrtc-direct'],
  ['nothing more where an address is given', ['/ip4/0.0.0.0/tcp/2/ws', '/ip4/0.0.0.0/udp/9/webrtc-direct'], undefined],
  ['nothing without a listener', ['/ip4/0.0.0.0/tcp/1'], undefined]
])('it listens at %s', (_, listen, more) => {
  expect(withDirectListener(listen)).toEqual(more === undefined ? listen : [...listen, more])
})

describe('strangers', () => {
  const attribute = (type: number, value: Uint8Array): Buffer => {
    const made = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
    made.writeUInt16BE(type, 0)
    made.writeUInt16BE(value.length, 2)
    made.set(value, 4)
    return made
  }

  /** A binding request of STUN as a dialer sends it (RFC 8489): with the name as password, and a checksum. */
  const bindingRequest = (name: string): Buffer => {
    const header = Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)])
    const user = attribute(0x0006, Buffer.from(`${name}:${name}`))
    header.writeUInt16BE(user.length + 24, 2)
    const integrity = createHmac('sha1', name).update(header).update(user).digest()
    const body = Buffer.concat([user, attribute(0x0008, integrity)])
    header.writeUInt16BE(body.length + 8, 2)
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE((crc32(Buffer.concat([header, body])) ^ 0x5354554e) >>> 0)
    return Buffer.concat([header, body, attribute(0x8028, checksum)])
  }

  test('with a thousand requests and garbage keep nobody out, and the process stays up', async () => {
    const server = await peer()
    const port = Number(directPointOf(server).split('/')[4])
    const socket = createSocket('udp4').bind(0, '127.0.0.9')
    rest.push(() => socket.close())
    for (let i = 0; i < 1_000; i++) {
      for (const name of [`libp2p+webrtc+v1/${String(i).padStart(32, 'a')}`, 'x'.repeat(300), 'ü'])
        socket.send(bindingRequest(name), port, '127.0.0.1')
      socket.send(Buffer.from(`garbage ${i}`), port, '127.0.0.1')
    }
    const client = await peer()
    const connection = await client.pool.connect(client.pool.parsePoint(directPointOf(server)).point)
    expect(connection).toMatchObject({ peerId: server.pool.peerId, transport: 'webrtc-direct' })
  })
})

describe('handshakes at a listener', () => {
  type Handshake = { readonly host: string; readonly signal: AbortSignal; readonly end: () => void }

  /** A listener of libp2p whose handshakes the test ends. */
  function listener(clock: VirtualClock) {
    const begun: Handshake[] = []
    const inner = {
      incomingConnection: (_name: string, host: string, _port: number, signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          begun.push({ host, signal, end: resolve })
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        }),
      close: () => new Promise<void>(() => undefined)
    }
    const fake = { createListener: () => inner } as unknown as Transport
    const transport = guardingHandshakes(() => fake, { clock, connectionsPerSecond: 100 })({})
    const made = transport.createListener({} as CreateListenerOptions)
    const knock = (name: string, host: string, port = 1): void => {
      inner.incomingConnection(name, host, port, new AbortController().signal).catch(() => undefined)
    }
    const open = (): Handshake[] => begun.filter(({ signal }) => !signal.aborted)
    return { made, begun, knock, open }
  }

  test('are 25 of one host that is not public, five of a public one, and fifty in all; a repeated request is one', async () => {
    const clock = new VirtualClock()
    const { begun, knock } = listener(clock)
    for (let i = 0; i < 100; i++) knock('same', '127.0.0.9')
    expect(begun.length).toBe(1)
    for (let i = 0; i < 100; i++) knock(`local ${i}`, '127.0.0.9')
    expect(begun.length).toBe(25)
    for (let i = 0; i < 100; i++) knock(`public ${i}`, '198.51.100.9')
    expect(begun.length).toBe(30)
    for (let i = 0; i < 100; i++) knock(`many ${i}`, `203.${i}.113.9`)
    expect(begun.filter(({ signal }) => !signal.aborted).length).toBe(50)
  })

  test('are begun at a rate of one host', async () => {
    const clock = new VirtualClock()
    const { begun, knock } = listener(clock)
    for (let second = 1; second <= 2; second++) {
      for (let i = 0; i < 500; i++) {
        knock(`${second} ${i}`, '198.51.100.9')
        begun.at(-1)?.end()
        await Promise.resolve()
        await new Promise(setImmediate)
      }
      expect(begun.length).toBe(100 * second)
      await clock.advance(1_000)
    }
  })

  test('make room for the next of their host after three seconds', async () => {
    const clock = new VirtualClock()
    const { begun, knock, open } = listener(clock)
    for (let i = 0; i < 10; i++) knock(`first ${i}`, '198.51.100.9')
    await clock.advance(3_000)
    for (let i = 0; i < 5; i++) knock(`next ${i}`, '198.51.100.9')
    expect(begun.length).toBe(10)
    expect(open().length).toBe(5)
  })

  test('do not keep a listener from closing', async () => {
    const clock = new VirtualClock()
    const { made, knock } = listener(clock)
    knock('one', '127.0.0.9')
    await clock.until(made.close())
    expect(clock.now()).toBe(4_000)
  })
})
