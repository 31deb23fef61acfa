/**
 * A hundred silent handshakes a second from one host, on real sockets: honest peers from other hosts hardly notice. The attacker
 * dials from 127.0.0.1, the honest ones from 127.0.0.2 and on; all stop by themselves.
 */
import net from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, type NodePeer, type Point, peerPool, poolProtocol } from '../../node/index.ts'

const attacksPerSecond = 100
/** What stops the attacker if nobody else does. */
const maxAttackMs = 20_000
const honestHosts = 12
const honestHandshakes = 9
/** Between two handshakes of one honest host. libp2p takes five connections a second from one; a busy machine bunches them. */
const honestPauseMs = 500

const rest: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  await Promise.all(rest.splice(0).map((stop) => stop()))
})

/** A node that dials from one address of the loopback. */
async function nodeAt(localAddress: string, withPool: boolean) {
  const pool = peerPool({ network: 'test', minConnections: 0, expectedConnections: 0, maxConnections: 10 })
  const node = await createLibp2p({
    transports: [tcp({ dialOpts: { localAddress } as object })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    ...(withPool ? { connectionGater: pool.gater } : {}),
    services: { identify: identify(), ...(withPool ? { pool } : {}) }
  })
  rest.push(() => node.stop())
  return node
}

type Attack = (victim: NodePeer, target: net.AddressInfo) => Promise<() => void>

/** Opens TCP connections and says nothing. */
const silentSockets: Attack = async (_, { port }) => {
  const sockets = new Set<net.Socket>()
  rest.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return () => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' })
    sockets.add(socket)
    socket.on('error', () => sockets.delete(socket))
  }
}

/** A peer id has two connections at most, so an attacker that wants many has many ids. */
const attackerIds = 10

/** Opens streams of the pool's protocol, on connections that it makes anew as they are closed, and says nothing. */
const silentStreams: Attack = async (victim, { port }) => {
  const nodes = await Promise.all(Array.from({ length: attackerIds }, () => nodeAt('127.0.0.1', false)))
  const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${victim.pool.peerId}`)
  let dials = 0
  let turn = 0
  const dial = (node: Libp2p): Promise<Connection> => {
    dials++
    return node.dial(address, { force: true, signal: AbortSignal.timeout(1_000) }).finally(() => dials--)
  }
  return () => {
    const node = nodes[turn++ % nodes.length] as Libp2p
    const open = node.getConnections().filter(({ status }) => status === 'open')
    const next = open[Math.floor(turn / nodes.length) % Math.max(1, open.length)]
    // A dial costs both ends ten milliseconds: some at a time, else streams on what is there.
    const connecting = next === undefined || (dials < 5 && open.length < 2) ? dial(node) : Promise.resolve(next)
    connecting.then((connection) => connection.newStream(poolProtocol, { signal: AbortSignal.timeout(1_000) })).catch(() => undefined)
  }
}

describe('a hundred silent handshakes a second from one host', () => {
  test.each([
    ['sockets that never begin libp2p’s handshake', { attack: silentSockets, connectionsPerSecond: undefined, atLeastSeen: 0 }],
    // As many connections as it likes: the pool's own limits stand alone against it.
    ['streams of the pool’s protocol that never say Hello', { attack: silentStreams, connectionsPerSecond: 1_000, atLeastSeen: 100 }]
  ] as const)('%s: 99 of 100 honest handshakes succeed', async (_, { attack, connectionsPerSecond, atLeastSeen }) => {
    const victim = await createNodePeer({
      network: 'test',
      listen: ['/ip4/127.0.0.1/tcp/0'],
      inboundConnectionThreshold: connectionsPerSecond,
      minConnections: 0,
      expectedConnections: 0
    })
    rest.push(victim.stop)
    const point = victim.pool.network.ownPoints()[0] as Point
    const honest = await Promise.all(Array.from({ length: honestHosts }, (_, i) => nodeAt(`127.0.0.${i + 2}`, true)))
    const strike = await attack(victim, { address: '127.0.0.1', family: 'IPv4', port: Number(point.split('/')[4]) })

    let reached = 0
    for (const name of ['handshake-started', 'handshake-refused'] as const) victim.pool.addEventListener(name, () => reached++)
    let struck = 0
    const began = performance.now()
    // By the clock: a timer that is late makes up for it.
    const timer = setInterval(() => {
      const elapsed = Math.min(performance.now() - began, maxAttackMs)
      for (; struck < (elapsed * attacksPerSecond) / 1_000; struck++) strike()
    }, 10)
    rest.push(() => clearInterval(timer))
    // The attacker has taken what it can get.
    await pause(500)

    const failures: unknown[] = []
    const took: number[] = []
    await Promise.all(
      honest.map(async ({ services }) => {
        const { pool } = services as unknown as { pool: NodePeer['pool'] }
        for (let i = 0; i < honestHandshakes; i++) {
          const start = performance.now()
          try {
            const connection = await pool.connect(point, { expectedPeerId: victim.pool.peerId })
            took.push(performance.now() - start)
            await connection.disconnect({ kind: 'explicit', text: 'done' })
          } catch (error) {
            failures.push(error)
          }
          await pause(Math.max(0, start + honestPauseMs - performance.now()))
        }
      })
    )
    // Honest ones are told once.
    reached -= took.length
    const perSecond = (struck * 1_000) / (performance.now() - began)
    clearInterval(timer)
    took.sort((a, b) => a - b)
    console.log(
      `${struck} silent ones, ${perSecond.toFixed(0)} a second, of which the pool saw ${reached}; honest handshakes ${took.length} of ${took.length + failures.length}, ` +
        `median ${took[took.length >> 1]?.toFixed(0)} ms, slowest ${took.at(-1)?.toFixed(0)} ms`,
      failures.slice(0, 3).map(String)
    )
    expect(reached, 'silent ones that the pool saw').toBeGreaterThanOrEqual(atLeastSeen)
    expect(perSecond).toBeGreaterThanOrEqual(attacksPerSecond * 0.9)
    expect(failures.length / (honestHosts * honestHandshakes)).toBeLessThanOrEqual(0.01)
  })
})

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
