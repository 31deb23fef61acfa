/** Sockets at the WebSocket listener of a Node peer that ask for nothing, or never finish: they are few, and not for long. */
import net from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer } from '../../node/index.ts'
import { guardingSockets } from '../../node/socket-guard.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { until } from '../libp2p/plain-nodes.ts'

const rest: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(rest.splice(0).map((stop) => stop()))
})

async function peer(): Promise<NodePeer> {
  const made = await createNodePeer({ network: 'test', listen: ['/ip4/127.0.0.1/tcp/0/ws'], minConnections: 0, expectedConnections: 5 })
  rest.push(made.stop)
  return made
}

/** Sockets from 127.0.0.9; they read what comes. */
function socketsTo({ node }: { node: Libp2p }, count: number, says: string): net.Socket[] {
  const port = Number(String(node.getMultiaddrs()[0]).split('/')[4])
  const sockets = Array.from({ length: count }, () => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' }, () => socket.write(says))
    return socket.on('error', () => undefined).resume()
  })
  rest.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

const openOf = (sockets: readonly net.Socket[]): number => sockets.filter(({ destroyed }) => !destroyed).length

describe('sockets that never become WebSockets', () => {
  test.each([
    ['say nothing', ''],
    ['never finish their request', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['are no HTTP', 'hello\r\n\r\n']
  ])('and %s: one host has half of the hundred places, and others come in', async (_, says) => {
    const victim = await peer()
    const sockets = socketsTo(victim, 70, says)
    await until(() => openOf(sockets) <= 50)
    const honest = await peer()
    const [point] = victim.pool.network.ownPoints()
    const connection = await honest.pool.connect(honest.pool.parsePoint(point ?? '').point)
    expect(connection.peerId).toBe(victim.pool.peerId)
  })

  test('make room for the next of their host after three seconds, and are gone after ten', async () => {
    const clock = new VirtualClock()
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [guardingSockets(webSockets(), { clock })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    rest.push(() => node.stop())
    const first = socketsTo({ node }, 60, '')
    await until(() => openOf(first) === 50)
    await clock.advance(3_000)
    const next = socketsTo({ node }, 10, '')
    await until(() => openOf(first) === 40)
    expect(openOf(next)).toBe(10)
    await clock.advance(7_000)
    await until(() => openOf(first) === 0)
    expect(openOf(next)).toBe(10)
    await clock.advance(3_000)
    await until(() => openOf(next) === 0)
    expect(clock.pending).toBe(0)
  })
})

test('one host opens so many sockets a second, whatever becomes of them', async () => {
  const clock = new VirtualClock()
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [guardingSockets(webSockets(), { clock, connectionsPerSecond: 1 })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  rest.push(() => node.stop())
  for (let second = 0; second < 2; second++) {
    // Twice the connections that libp2p takes, and ten times as many for a host that is not public.
    const sockets = socketsTo({ node }, 30, '')
    await until(() => openOf(sockets) === 20)
    for (const socket of sockets) socket.destroy()
    await until(() => clock.pending === 0)
    await clock.advance(1_000)
  }
})

test('a plain request gets its answer, and its place is free again; so is that of a WebSocket', async () => {
  const victim = await peer()
  for (let i = 0; i < 60; i++) {
    const [socket] = socketsTo(victim, 1, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    let answer = ''
    socket?.on('data', (data) => {
      answer += String(data)
    })
    await until(() => answer.includes('400') && socket?.destroyed === true)
  }
  const honest = await Promise.all([peer(), peer(), peer()])
  const [point] = victim.pool.network.ownPoints()
  await Promise.all(honest.map(({ pool }) => pool.connect(pool.parsePoint(point ?? '').point)))
  await until(() => victim.pool.activeConnections === 3)
})
