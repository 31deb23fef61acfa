/** The rules of docs/protocol.md on raw streams against a real pool: what another implementation may rely on. Faults: `protocol-faults.test.ts`. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, test } from 'vitest'
import { maxRates } from '../../src/core/flows/exchange.ts'
import type { PeerId, Point } from '../../src/core/index.ts'
import { nackMotive, reasonCode } from '../../src/core/values/reason.ts'
import { probe } from '../../src/libp2p/probe.ts'
import { helloOf } from '../support/hostile-peer.ts'
import { type PoolNode, until } from './plain-nodes.ts'
import type { RawStream } from './raw-peer.ts'
import { bootstrap, isBanned, isRead, isRunning, raw, start, stopAll } from './raw-world.ts'

afterEach(stopAll)

describe('the stream', () => {
  test('the handshake and messages in both directions, from the bytes of the page', async () => {
    const [pool, peer] = [await start(), await raw()]
    const stream = await peer.open(pool)
    // Hello { network: "test", protocol_versions: [1], application_versions: [0], instance: 01…08 }, then Ack.
    stream.send(Uint8Array.from(Buffer.from('180a160a04746573741201011a010042080102030405060708', 'hex')))
    await stream.hears('hello', 'ack')
    expect(stream.kinds).toEqual(['hello', 'ack'])
    stream.send(Uint8Array.from(Buffer.from('021200', 'hex')))
    await until(() => isRunning(pool, peer.peerId))
    stream.send(Uint8Array.from(Buffer.from('07420568656c6c6f', 'hex')))
    const connection = pool.services.pool.connections.findByPeerId(peer.peerId as PeerId)
    for await (const message of connection?.messages ?? []) {
      expect(Buffer.from(message).toString()).toBe('hello')
      break
    }
  })

  test('a second stream of the same run is refused with motive 5, and the first goes on', async () => {
    const [pool, peer] = [await start(), await raw()]
    const first = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const second = await peer.open(pool)
    second.say(helloOf())
    await second.hears('nack')
    expect(second.heard.at(-1)).toMatchObject({ motive: nackMotive.alreadyConnected })
    await second.ends()
    await isRead(pool, peer, first)
    expect(first.end).toBe('open')
  })

  test('the same run again, once the old connection is older than `twin`: the old one ends with reason 8', async () => {
    const [pool, peer] = [await start({ connectionTimeoutMs: 200 }), await raw()]
    const first = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const since = performance.now()
    await until(() => performance.now() - since > 220)
    const second = await peer.run(pool)
    await first.hears('disconnect')
    expect(first.heard.at(-1)).toMatchObject({ code: reasonCode.replaced })
    await first.ends()
    await isRead(pool, peer, second)
  })

  test('another run replaces the old connection at once, with reason 8', async () => {
    const [pool, peer] = [await start(), await raw()]
    const first = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const second = await peer.run(pool, { instance: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9) })
    await first.hears('disconnect')
    expect(first.heard.at(-1)).toMatchObject({ code: reasonCode.replaced })
    await isRead(pool, peer, second)
  })

  test('a silent handshake ends after `listen`, without a message and without blame', async () => {
    const [pool, peer] = [await start({ authenticationTimeoutMs: 200 }), await raw()]
    const stream = await peer.open(pool)
    await stream.ends()
    expect([stream.kinds, isBanned(pool, peer.peerId)]).toEqual([[], false])
  })

  test('after a Disconnect nothing is read, and the pool closes its side', async () => {
    const [pool, peer] = [await start(), await raw()]
    const ended = pool.services.pool.next('connection-lost')
    const stream = await peer.run(pool)
    stream.say({ kind: 'disconnect', code: 1, text: 'bye\u202e', comeBackAfterMs: 0 }, { kind: 'ack' })
    expect((await ended).detail.ending).toEqual({ by: 'them', reason: { kind: 'explicit', text: 'bye' } })
    await stream.ends()
    expect(isBanned(pool, peer.peerId)).toBe(false)
  })

  test('a side that is closed without a goodbye ends the connection', async () => {
    const [pool, peer] = [await start(), await raw()]
    const ended = pool.services.pool.next('connection-lost')
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    void stream.stream.close().catch(() => undefined)
    expect((await ended).detail.ending.reason.kind).toBe('closed-by-peer')
    await stream.ends()
  })

  test('the pool says Disconnect and closes; a stream that the peer does not close is reset after `closing`', async () => {
    const [pool, peer] = [await start(), await raw()]
    const stream = await peer.run(pool)
    stream.closesToo = false
    await until(() => isRunning(pool, peer.peerId))
    const connection = pool.services.pool.connections.findByPeerId(peer.peerId as PeerId)
    await connection?.disconnect({ kind: 'explicit', text: 'enough' }, 1_500)
    await stream.hears('disconnect')
    expect(stream.heard.at(-1)).toMatchObject({ code: reasonCode.explicit, text: 'enough', comeBackAfterMs: 1_500 })
    await until(() => stream.stream.status !== 'open')
  })
})

describe('two dials at once', () => {
  /** A key whose peer id is on that side of the pool's. */
  async function keyWith(isOurs: (peerId: string) => boolean): Promise<PrivateKey> {
    for (;;) {
      const key = await generateKeyPair('Ed25519')
      if (isOurs(peerIdFromPrivateKey(key).toString())) return key
    }
  }

  for (const [who, isSmaller] of [
    ['the peer', true],
    ['the pool', false]
  ] as const) {
    test(`the dial of the smaller peer id is kept: that of ${who}`, async () => {
      const pool = await start()
      const own = pool.peerId.toString()
      const peer = await raw({ privateKey: await keyWith((id) => id < own === isSmaller) })
      const [point] = peer.points as [Point]
      const dialed = pool.services.pool.connect(point).then(
        () => 'runs',
        () => 'gave up'
      )
      await until(() => peer.incoming[0]?.kinds.includes('hello') === true)
      const theirs = peer.incoming[0] as RawStream
      const ours = await peer.open(pool)
      ours.say(helloOf())
      await ours.hears('hello', 'ack')
      theirs.say(helloOf(), { kind: 'ack' })
      const kept = isSmaller ? ours : theirs
      const lost = isSmaller ? theirs : ours
      await lost.ends()
      if (isSmaller) {
        expect(theirs.heard.at(-1)).toMatchObject({ kind: 'nack', motive: nackMotive.alreadyConnected })
        ours.say({ kind: 'ack' })
      } else expect(theirs.kinds).toContain('ack')
      await until(() => isRunning(pool, peer.peerId))
      expect(await dialed).toBe(isSmaller ? 'gave up' : 'runs')
      await isRead(pool, peer, kept)
      expect([kept.end, isBanned(pool, peer.peerId), pool.services.pool.activeConnections]).toEqual(['open', false, 1])
    })
  }
})

describe('points', () => {
  /** A pool that is connected with another, whose point it may advertise. */
  async function poolThatKnowsOne(): Promise<PoolNode> {
    const [pool, other] = [await start(), await start()]
    const [address] = other.getMultiaddrs()
    await pool.services.pool.connect(address?.decapsulate('/p2p').toString() as Point)
    return pool
  }

  test('a Bootstrap gets no frame where there is nothing to advertise', async () => {
    const [pool, peer] = [await start(), await raw()]
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    stream.say(bootstrap)
    await isRead(pool, peer, stream)
    expect(stream.kinds).not.toContain('advertise')
  })

  test('of many Bootstraps as many are answered as the rate allows; direct points come without peer ids', async () => {
    const [pool, peer] = [await poolThatKnowsOne(), await raw()]
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    stream.say(...Array.from({ length: 2 * maxRates.bootstraps.capacity }, () => bootstrap))
    await isRead(pool, peer, stream)
    await until(() => stream.kinds.filter((kind) => kind === 'advertise').length >= maxRates.bootstraps.capacity)
    const answers = stream.heard.filter((message) => message.kind === 'advertise')
    expect(answers).toHaveLength(maxRates.bootstraps.capacity)
    expect(answers[0]).toMatchObject({ points: [expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)] })
  })

  test('with `discovery` false nothing is answered and nothing learned, and it is no fault', async () => {
    const [pool, peer] = [await poolThatKnowsOne(), await raw()]
    const stream = await peer.run(pool, { discovery: false })
    await until(() => isRunning(pool, peer.peerId))
    stream.say(bootstrap, { kind: 'advertise', points: ['/ip4/127.0.0.1/tcp/4001'], ownPoints: [] })
    await isRead(pool, peer, stream)
    expect([stream.kinds, stream.end]).toEqual([['hello', 'ack'], 'open'])
    expect(pool.services.pool.points.info('/ip4/127.0.0.1/tcp/4001' as Point)).toBeUndefined()
  })

  test('points are taken with and without an id; texts that are none are dropped, the rest of the message kept', async () => {
    const [pool, peer] = [await start(), await raw()]
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const id = pool.peerId.toString().replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    const points = ['no point', '/ip4/127.0.0.1/tcp/4001', '', '/ip4/127.0.0.1/tcp/99999', `/ip4/127.0.0.1/tcp/4002/p2p/${peer.peerId}`]
    stream.say({ kind: 'advertise', points: [...points, `/ip4/127.0.0.1/tcp/4003/p2p/${id}x`], ownPoints: undefined })
    await isRead(pool, peer, stream)
    const known = [...pool.services.pool.points.known()].map(([point]) => point)
    expect(known).toContain('/ip4/127.0.0.1/tcp/4001')
    expect(known).toContain('/ip4/127.0.0.1/tcp/4002')
    expect([known.length, stream.end]).toEqual([2, 'open'])
  })

  test('`come_back_after_ms` holds at all addresses of the peer; the peer itself may come', async () => {
    const [pool, peer] = [
      await start({
        minConnections: 1,
        expectedConnections: 1,
        reconnection: { initialDelayMs: 100, factor: 1.2, jitter: 0, afterConnectionMs: 100, maxDelayMs: 60_000 }
      }),
      await raw({ listen: 2 })
    ]
    const stream = await peer.run(pool, { points: peer.points })
    await until(() => isRunning(pool, peer.peerId))
    await until(() => peer.points.every((point) => pool.services.pool.points.info(point) !== undefined))
    // It was hungry when it heard of the points, and has dialed one beside the handshake.
    await until(() => pool.services.pool.snapshot().outgoingAttempts === 0)
    peer.incoming.length = 0
    stream.say({ kind: 'disconnect', code: 1, text: 'not now', comeBackAfterMs: 1_500 })
    const since = performance.now()
    await stream.ends()
    peer.greet = (incoming) => incoming.say(helloOf(), { kind: 'ack' })
    await until(() => peer.incoming.length > 0)
    expect(performance.now() - since).toBeGreaterThan(1_400)
    // Then it may dial both addresses; one of the two is kept.
    await until(() => isRunning(pool, peer.peerId))
    for (const one of peer.incoming) one.say({ kind: 'disconnect', code: 1, text: 'nor now', comeBackAfterMs: 600_000 })
    await until(() => !isRunning(pool, peer.peerId))
    await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
  })
})

test.each([
  [1, { network: 'another' }, nackMotive.unknownNetwork],
  [2, { protocolVersions: [2, 99] }, nackMotive.deprecatedProtocol],
  [3, { applicationVersions: [5] }, nackMotive.deprecatedApplication]
])('a Hello that does not fit is answered with Hello and Nack, and no blame (%i)', async (_, hello, motive) => {
  const [pool, peer] = [await start(), await raw()]
  const stream = await peer.open(pool)
  stream.say(helloOf(hello))
  await stream.hears('hello', 'nack')
  expect(stream.heard.at(-1)).toMatchObject({ kind: 'nack', motive, points: [] })
  await stream.ends()
  expect(isBanned(pool, peer.peerId)).toBe(false)
})

test('a full pool answers with motive 1 and points that may be tried', async () => {
  const [pool, other, peer] = [await start({ maxConnections: 1 }), await start(), await raw()]
  const [address] = other.getMultiaddrs()
  const point = address?.decapsulate('/p2p').toString() as Point
  await pool.services.pool.connect(point)
  const stream = await peer.open(pool)
  stream.say(helloOf())
  await stream.hears('nack')
  expect(stream.heard.at(-1)).toMatchObject({ motive: nackMotive.tooManyConnections, points: [point] })
})

describe('the liveness check', () => {
  test('is a ping of the muxer, and opens no stream', async () => {
    const [pool, peer] = [await start({ keepAliveIntervalMs: 100 }), await raw()]
    let streams = 0
    await peer.node.handle('/ipfs/ping/1.0.0', () => void streams++)
    await peer.run(pool)
    const [connection] = pool.getConnections()
    await until(() => (pool.services.pool.connections.list()[0]?.rttMs?.last ?? -1) >= 0)
    const { muxer } = connection as unknown as { muxer: { nextPingID: number } }
    const asked = muxer.nextPingID
    await until(() => muxer.nextPingID >= asked + 3)
    expect([streams, isRunning(pool, peer.peerId)]).toEqual([0, true])
  })

  test('an answer that comes after the question was given up ends nothing', async () => {
    const [pool, peer] = [await start({ keepAliveIntervalMs: null }), await raw()]
    const stream = await peer.run(pool)
    await until(() => isRunning(pool, peer.peerId))
    const [connection] = pool.getConnections()
    if (connection === undefined) throw new Error('not connected')
    await probe(connection, AbortSignal.timeout(4_000))
    await expect(probe(connection, AbortSignal.abort(new Error('no patience')))).rejects.toThrow('no patience')
    await probe(connection, AbortSignal.timeout(4_000))
    await isRead(pool, peer, stream)
    expect([connection.status, stream.end]).toEqual(['open', 'open'])
  })

  test('where muxers have no ping it negotiates a stream of the ping protocol, sends nothing on it and closes it', async () => {
    const [pool, peer] = [await start({ keepAliveIntervalMs: 100 }), await raw()]
    const checks: { bytes: number; over: boolean }[] = []
    await peer.node.handle('/ipfs/ping/1.0.0', (stream) => {
      const check = { bytes: 0, over: false }
      checks.push(check)
      stream.addEventListener('message', ({ data }) => {
        check.bytes += data.byteLength
      })
      stream.addEventListener('remoteCloseWrite', () => void stream.close())
      stream.addEventListener('close', () => {
        check.over = true
      })
    })
    await peer.run(pool)
    withoutMuxerPing(pool)
    await until(() => checks.filter(({ over }) => over).length >= 3)
    expect(checks.every(({ bytes }) => bytes === 0)).toBe(true)
    expect(isRunning(pool, peer.peerId)).toBe(true)
  })

  test('a peer that refuses the ping protocol has answered', async () => {
    const [pool, peer] = [await start({ keepAliveIntervalMs: 100 }), await raw()]
    const stream = await peer.run(pool)
    withoutMuxerPing(pool)
    await until(() => isRunning(pool, peer.peerId))
    const since = performance.now()
    await until(() => performance.now() - since > 1_000)
    expect([isRunning(pool, peer.peerId), stream.end]).toEqual([true, 'open'])
  })
})

/** From now on its connections are like those of WebRTC. */
function withoutMuxerPing(node: PoolNode): void {
  for (const connection of node.getConnections()) Object.assign((connection as unknown as { muxer: object }).muxer, { ping: undefined })
}
