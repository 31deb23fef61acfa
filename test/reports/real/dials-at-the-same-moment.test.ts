import { afterEach, expect, test } from 'vitest'
import type { NodePeer, PeerId } from '../../../node/index.ts'
import { pointOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

const rounds = 8

async function message(from: NodePeer, to: NodePeer, byte: number): Promise<void> {
  const connection = (one: NodePeer, peerId: PeerId) => one.pool.connections.findByPeerId(peerId)
  const received = connection(to, from.pool.peerId)?.messages[Symbol.asyncIterator]().next()
  await connection(from, to.pool.peerId)?.send(Uint8Array.of(byte))
  expect((await received)?.value).toEqual(Uint8Array.of(byte))
}

test.each(['', '/ws'])(
  'two peers that dial each other at the same moment over tcp%s have one connection each, which works both ways',
  async (form) => {
    const listen = [`/ip4/127.0.0.1/tcp/0${form}`]
    const [a, b] = await Promise.all([startPeer({ listen }), startPeer({ listen })])
    const become = (count: number): Promise<void> =>
      expect.poll(() => [a, b].map(({ pool }) => pool.activeConnections), { timeout: 5_000, interval: 10 }).toEqual([count, count])
    for (let round = 0; round < rounds; round++) {
      await Promise.allSettled([a.pool.connect(pointOf(b)), b.pool.connect(pointOf(a))])
      await become(1)
      await Promise.all([message(a, b, round), message(b, a, round)])
      await a.pool.disconnect(b.pool.peerId)
      await become(0)
    }
  }
)
