/** What docs/protocol.md calls a fault, what it does not, and what a pool does then; on raw streams against a real pool. */
import { afterEach, describe, expect, test } from 'vitest'
import { maxRates } from '../../src/core/flows/exchange.ts'
import type { PeerId } from '../../src/core/index.ts'
import { reasonCode } from '../../src/core/values/reason.ts'
import * as wireCaps from '../../src/core/wire/caps.ts'
import { helloOf } from '../support/hostile-peer.ts'
import { until } from './plain-nodes.ts'
import { poolProtocol, RawStream } from './raw-peer.ts'
import { application, bootstrap, isBanned, isRead, isRunning, plain, raw, start, stopAll } from './raw-world.ts'

afterEach(stopAll)

describe('faults', () => {
  type Said = (stream: RawStream) => void
  const atAnyTime: Readonly<Record<string, Said>> = {
    'a padded length': (stream) => stream.send(Uint8Array.of(0x82, 0x00, 0x12, 0x00)),
    'a length of five bytes': (stream) => stream.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x01)),
    'an empty frame': (stream) => stream.send(Uint8Array.of(0)),
    'two messages in a frame': (stream) => stream.send(Uint8Array.of(4, 0x12, 0, 0x12, 0)),
    'an Ack': (stream) => stream.say({ kind: 'ack' })
  }
  const before: Readonly<Record<string, Said>> = {
    ...atAnyTime,
    'a Bootstrap': (stream) => stream.say(bootstrap),
    'a Hello with an instance of 7 bytes': (stream) => stream.send(Uint8Array.of(11, 0x0a, 9, 0x42, 7, 1, 2, 3, 4, 5, 6, 7)),
    'a length above `frameBytes`, at sight of it': (stream) => stream.send(Uint8Array.of(0x81, 0x80, 0x04, 0x42))
  }
  const running: Readonly<Record<string, Said>> = {
    ...atAnyTime,
    'a second Hello': (stream) => stream.say(helloOf()),
    'a Disconnect that breaks a cap': (stream) => stream.send(disconnectWithText(wireCaps.disconnectTextBytes + 1)),
    'an application message above the cap': (stream) => stream.say(application(new Uint8Array(1_048_577))),
    'more messages than the rate allows': (stream) =>
      stream.say(...Array.from({ length: maxRates.messages.capacity + 40 }, () => bootstrap))
  }

  for (const [what, say] of Object.entries(before)) {
    test(`before the connection runs: ${what}. The stream is closed without a word, the peer greylisted, its connections closed`, async () => {
      const [pool, peer] = [await start(), await raw()]
      const stream = await peer.open(pool)
      say(stream)
      await stream.ends()
      await until(() => isBanned(pool, peer.peerId) && peer.connections(pool).length === 0)
      expect(stream.kinds).toEqual([])
    })
  }

  for (const [what, say] of Object.entries(running)) {
    test(`while it runs: ${what}. Disconnect with reason 2 and a text comes, then the same`, async () => {
      const [pool, peer] = [await start(), await raw()]
      const stream = await peer.run(pool)
      await until(() => isRunning(pool, peer.peerId))
      say(stream)
      await stream.hears('disconnect')
      expect(stream.heard.at(-1)).toMatchObject({ code: reasonCode.fault, text: expect.stringMatching(/expect/) })
      await until(() => isBanned(pool, peer.peerId) && peer.connections(pool).length === 0)
    })
  }

  test('a trusted peer is cut off, and not greylisted', async () => {
    const [pool, peer] = [await start(), await raw()]
    await pool.services.pool.peers.trust(peer.peerId as PeerId)
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    stream.say({ kind: 'ack' })
    await stream.hears('disconnect')
    expect(isBanned(pool, peer.peerId)).toBe(false)
    await peer.run(pool)
  })

  test('a plain peer that breaks the pool protocol loses its plain connection too', async () => {
    const [pool, node] = [await start({ plainPeers: 'admit' }), await plain()]
    const connection = await node.dial(pool.getMultiaddrs())
    await until(() => pool.services.pool.connections.list()[0]?.kind === 'plain')
    const stream = new RawStream(await connection.newStream(poolProtocol))
    stream.send(Uint8Array.of(0))
    await until(() => isBanned(pool, node.peerId.toString()) && pool.services.pool.activeConnections === 0)
    await until(() => node.getConnections().length === 0)
  })

  test.each([
    ['before the connection runs', false],
    ['while it runs', true]
  ])('no faults, %s: a message and fields of a later version, an unknown motive, points that are none', async (_, runs) => {
    const [pool, peer] = [await start(), await raw()]
    const stream = runs ? await peer.run(pool) : await peer.open(pool)
    // Field 10 of Frame, then field 15 with an empty one.
    stream.send(Uint8Array.of(4, 0x52, 2, 1, 2, 2, 0x7a, 0))
    if (!runs) {
      stream.say(helloOf({ points: ['none'], transports: ['carrier-pigeon'] }))
      await stream.hears('ack')
      stream.say({ kind: 'ack' })
    }
    await until(() => isRunning(pool, peer.peerId))
    await isRead(pool, peer, stream)
    expect([stream.end, isBanned(pool, peer.peerId)]).toEqual(['open', false])
  })

  test('an application message of exactly the cap arrives', async () => {
    const [pool, peer] = [await start(), await raw()]
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const connection = pool.services.pool.connections.findByPeerId(peer.peerId as PeerId)
    stream.say(application(new Uint8Array(1_048_576)))
    for await (const message of connection?.messages ?? []) {
      expect(message).toHaveLength(1_048_576)
      break
    }
  })
})

/** A Disconnect with a text of so many bytes, which our own encoder would cut. */
function disconnectWithText(bytes: number): Uint8Array {
  const text = new Uint8Array(bytes).fill(0x78)
  const body = Uint8Array.of(0x12, (bytes & 0x7f) | 0x80, bytes >> 7, ...text)
  const message = Uint8Array.of(0x4a, (body.length & 0x7f) | 0x80, body.length >> 7, ...body)
  return Uint8Array.of((message.length & 0x7f) | 0x80, message.length >> 7, ...message)
}
