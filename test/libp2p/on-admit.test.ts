/** `onAdmit` on real sockets: while it decides, the application talks to the peer over a protocol of its own. */
import { identify } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { type Libp2pPeerPool, type PeerPoolInit, withPool } from '../../src/libp2p/index.ts'
import { plainNode, pointOf, until } from './plain-nodes.ts'

const status = '/status/1.0.0'

/** Answers each question with the fork that the node is on. */
async function tellFork(node: Libp2p, fork: string): Promise<void> {
  await node.handle(status, async (stream) => {
    const messages = lpStream(stream)
    await messages.read()
    await messages.write(new TextEncoder().encode(fork))
    await stream.close()
  })
}

/** Throws if the peer does not speak the protocol or does not answer in time. */
async function askFork(connection: Connection, signal: AbortSignal): Promise<string> {
  const messages = lpStream(await connection.newStream(status, { signal }))
  await messages.write(new TextEncoder().encode('which fork?'), { signal })
  return new TextDecoder().decode((await messages.read({ signal })).subarray())
}

describe('onAdmit on libp2p', () => {
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  const start = async (fork: string, options: Partial<PeerPoolInit> = {}): Promise<Libp2p<{ pool: Libp2pPeerPool }>> => {
    const node = await createLibp2p(
      withPool(
        { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], services: { identify: identify() } },
        {
          network: 'test',
          ...{ minConnections: 0, expectedConnections: 0, maxConnections: 10, inboundConnectionThreshold: 1_000 },
          onAdmit: async ({ connection }, signal) => {
            const theirs = await askFork(connection, signal)
            return theirs === fork || `it is on fork ${theirs}`
          },
          ...options
        }
      )
    )
    stops.push(async () => node.stop())
    await tellFork(node, fork)
    return node as unknown as Libp2p<{ pool: Libp2pPeerPool }>
  }

  const dial = (from: Libp2p<{ pool: Libp2pPeerPool }>, to: Libp2p) => from.services.pool.connect(pointOf(to))

  test('both sides ask each other on the very connection, and connect when both agree', async () => {
    const [a, b] = await Promise.all([start('main'), start('main')])
    await dial(a, b)
    await until(() => b.services.pool.activeConnections === 1)
    expect(a.getConnections()).toHaveLength(1)
  })

  test('a peer that was dialed and is refused gets no place, and its connection is closed', async () => {
    const [a, b] = await Promise.all([start('main'), start('test', { onAdmit: () => true })])
    await expect(dial(a, b)).rejects.toMatchObject({ rejection: { kind: 'not-admitted', detail: 'it is on fork test' } })
    await until(() => a.getConnections().length === 0 && b.getConnections().length === 0)
    expect([a.services.pool.activeConnections, b.services.pool.activeConnections]).toEqual([0, 0])
  })

  test('a peer that came in and is refused learns it, and its connection is closed', async () => {
    const [a, b] = await Promise.all([start('main', { onAdmit: () => true }), start('test')])
    await expect(dial(a, b)).rejects.toMatchObject({ rejection: { kind: 'rejected-by-peer', motive: 6 } })
    await until(() => a.getConnections().length === 0 && b.getConnections().length === 0)
  })

  test('a peer that never answers is refused when the time is over, and the stream ends by the signal', async () => {
    const [a, b] = await Promise.all([start('main', { admitTimeoutMs: 300 }), start('main', { onAdmit: () => true })])
    await b.unhandle(status)
    await b.handle(status, () => undefined)
    const signals: AbortSignal[] = []
    const c = await start('main', {
      admitTimeoutMs: 300,
      onAdmit: ({ connection }, signal) => {
        signals.push(signal)
        return askFork(connection, signal).then(() => true)
      }
    })
    await expect(dial(a, b)).rejects.toMatchObject({ rejection: { detail: 'onAdmit gave no answer within 300 ms' } })
    await expect(dial(c, b)).rejects.toMatchObject({ rejection: { kind: 'not-admitted' } })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('a peer without a pool is asked too, before it counts', async () => {
    const a = await start('main', { plainPeers: 'admit', requiredProtocols: [status] })
    const [same, other] = [await plainNode(), await plainNode()]
    stops.push(async () => same.stop())
    stops.push(async () => other.stop())
    await tellFork(same, 'main')
    await tellFork(other, 'test')
    expect((await dial(a, same)).kind).toBe('plain')
    await expect(dial(a, other)).rejects.toMatchObject({ rejection: { kind: 'not-admitted', detail: 'it is on fork test' } })
    await until(() => other.getConnections().length === 0)
  })
})
