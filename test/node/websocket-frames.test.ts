/** What a stranger sends on a WebSocket before anybody has proved an id. */
import { connect as openSocket, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodePeer, type NodePeer } from '../../node/index.ts'

const band = { minConnections: 0, expectedConnections: 0, maxConnections: 9 }
const sockets: Socket[] = []
const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)
let peer: NodePeer
let port: number

beforeAll(async () => {
  process.on('uncaughtException', note)
  peer = await createNodePeer({ network: 'test', listen: ['/ip4/127.0.0.1/tcp/0/ws'], ...band })
  port = Number(/tcp\/(\d+)/.exec(peer.pool.network.ownPoints()[0] ?? '')?.[1])
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await peer.stop()
  process.off('uncaughtException', note)
})

/** Upgrades to a WebSocket by hand; `early` goes out with the request. */
async function upgrade(early: number[] = []): Promise<Socket> {
  const socket = openSocket(port, '127.0.0.1').on('error', () => undefined)
  sockets.push(socket)
  const lines = ['GET / HTTP/1.1', 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  const head = Buffer.from(`${[...lines, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='].join('\r\n')}\r\n\r\n`)
  socket.write(Buffer.concat([head, Buffer.from(early)]))
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}

const badFrames = {
  'without a mask': [0x82, 0x05, 1, 2, 3, 4, 5],
  'of an unknown kind': [0x83, 0x80, 0, 0, 0, 0],
  'with reserved bits': [0xf2, 0x80, 0, 0, 0, 0],
  'of 2^56 bytes': [0x82, 0xff, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0],
  'above the largest frame': [0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0],
  'of text that is no UTF-8': [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff],
  'that controls and is too long': [0x89, 0xfe, 0, 200, 0, 0, 0, 0],
  'that closes with half a code': [0x88, 0x81, 0, 0, 0, 0, 1],
  'that closes with a code that is none': [0x88, 0x82, 0, 0, 0, 0, 0, 1]
}

test.each(Object.entries(badFrames))('a frame %s ends its connection and nothing else', async (_, frame) => {
  const later = await upgrade()
  later.write(Buffer.from(frame))
  const early = await upgrade(frame)
  await Promise.all([closed(later), closed(early)])
  expect(uncaught).toEqual([])
  const other = await createNodePeer({ network: 'test', listen: [], ...band })
  try {
    const { point } = other.pool.parsePoint(peer.pool.network.ownPoints()[0] ?? '')
    expect((await other.pool.connect(point)).peerId).toBe(peer.pool.peerId)
  } finally {
    await other.stop()
  }
})

test('a socket whose handshake fails is closed at once', async () => {
  const socket = await upgrade()
  const message = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'latin1')
    return Buffer.concat([Buffer.from([0x82, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
  }
  socket.write(message('\x13/multistream/1.0.0\n\x07/noise\n'))
  socket.write(message('\x00\x05hello'))
  const startedAt = performance.now()
  await closed(socket)
  expect(performance.now() - startedAt).toBeLessThan(4_000)
})
