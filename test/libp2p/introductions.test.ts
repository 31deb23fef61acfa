/** Peers that reach each other through a common peer, on real libp2p nodes with WebRTC; and peers that abuse it. */
import type { Stream } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import type { IntroductionHandlers, Link } from '../../src/core/values/ports.ts'
import { introductionProtocol } from '../../src/libp2p/introduction-host.ts'
import { readMessage, sendMessage } from '../../src/libp2p/introduction-message.ts'
import { type IntroducedNode, introductionPoint, startIntroduced } from './introduction-nodes.ts'
import { until } from './plain-nodes.ts'

const rest: IntroducedNode[] = []
afterEach(async () => {
  await Promise.all(rest.splice(0).map((node) => node.stop()))
})

type Handlers = Partial<IntroductionHandlers> | 'off'

async function start(handlers?: Handlers): Promise<IntroducedNode> {
  const node = await startIntroduced(handlers)
  rest.push(node)
  return node
}

async function end(node: IntroducedNode): Promise<void> {
  rest.splice(rest.indexOf(node), 1)
  await node.stop()
}

const signal = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms)

/** A and B are connected with C, and C may introduce B. */
async function three(handlers: { b?: Handlers; c?: Handlers } = {}) {
  const [a, b, c] = await Promise.all([start(), start(handlers.b), start(handlers.c)])
  await Promise.all([a.meet(c), b.meet(c)])
  b.network.introductions.reserve(c.id)
  await until(() => c.network.introductions.pointOf(b.id) !== undefined)
  const dial = (ms?: number): Promise<Link> => a.network.dial(introductionPoint(c, b), { expectedPeerId: b.id, signal: signal(ms) })
  return { a, b, c, dial }
}

/** C is a libp2p node that answers as it likes. */
async function hostile(answer: (stream: Stream) => unknown) {
  const [a, b, c] = await Promise.all([start(), start(), start('off')])
  await c.node.handle(introductionProtocol, (stream) => void answer(stream))
  await Promise.all([a.meet(c), b.meet(c)])
  const dial = (ms?: number): Promise<Link> => a.network.dial(introductionPoint(c, b), { expectedPeerId: b.id, signal: signal(ms) })
  return { a, b, c, dial }
}

async function opened(from: IntroducedNode, to: IntroducedNode): Promise<Stream> {
  const [connection] = from.node.getConnections(to.node.peerId)
  if (connection === undefined) throw new Error('not connected')
  return connection.newStream(introductionProtocol, { signal: signal() })
}

test('a peer reaches another through a common peer, and their connection outlives it', async () => {
  const { a, b, c, dial } = await three()
  expect(c.network.introductions.pointOf(b.id)).toBe(introductionPoint(c, b))
  expect(a.network.canDial(introductionPoint(c, b))).toBe(true)
  const link = await dial()
  const { peerId, transport, direction, host } = link
  expect({ peerId, transport, direction, host }).toEqual({ peerId: b.id, transport: 'webrtc', direction: 'outgoing', host: undefined })
  await until(() => b.came.some(({ peerId }) => peerId === a.id))
  // Libp2p has no connection over the introducer, and tells nobody of the way.
  for (const { node } of [a, b]) {
    expect(node.getConnections().filter(({ limits }) => limits !== undefined)).toEqual([])
    expect(node.getMultiaddrs().map(String).join()).not.toContain('p2p-circuit')
  }
  await end(c)
  link.send(Uint8Array.of(1, 2, 3))
  const incoming = b.came.find(({ peerId }) => peerId === a.id)
  for await (const piece of incoming?.chunks ?? []) {
    expect([...piece]).toEqual([1, 2, 3])
    break
  }
  await until(() => !a.network.canDial(introductionPoint(c, b)))
  // On a busy machine a handshake is begun anew, twice at most.
  for (const { made } of [a, b]) expect(made.count).toBeLessThanOrEqual(3)
})

test('an introduction is over for its introducer as soon as the two peers are connected', async () => {
  const over: string[] = []
  const { a, b, dial } = await three({ c: { introduces: (from, to) => () => over.push(`${from} ${to}`) } })
  await dial()
  await until(() => over.length > 0)
  expect(over).toEqual([`${a.id} ${b.id}`])
})

test('before introductions are allowed, a node introduces nobody, and its own reservations wait', async () => {
  const [a, b, c] = await Promise.all([start('off'), start(), start('off')])
  await Promise.all([a.meet(c), b.meet(c)])
  expect(a.network.canDial(introductionPoint(c, b))).toBe(false)
  await expect(opened(b, c)).rejects.toThrow()
  c.network.introductions.allow({
    introduces: () => () => undefined,
    introduced: () => true,
    proved: () => undefined,
    reserved: () => undefined
  })
  b.network.introductions.reserve(c.id)
  await until(() => c.network.introductions.pointOf(b.id) !== undefined)
})

test('who refuses makes no RTCPeerConnection, and the dialer makes none either', async () => {
  const byIntroducer = await three({ c: { introduces: () => undefined } })
  await expect(byIntroducer.dial()).rejects.toMatchObject({
    failure: 'refused',
    message: expect.stringContaining('introduces us to nobody')
  })
  const asked: (readonly [PeerId, PeerId])[] = []
  const byGuest = await three({ b: { introduced: (from, by) => asked.push([from, by]) === 0 } })
  await expect(byGuest.dial()).rejects.toMatchObject({ failure: 'refused', message: expect.stringContaining('does not take') })
  expect(asked).toEqual([[byGuest.a.id, byGuest.c.id]])
  for (const { a, b } of [byIntroducer, byGuest]) expect([a.made.count, b.made.count]).toEqual([0, 0])
})

test('an introducer that is gone is not dialed for an introduction', async () => {
  const { a, c, dial } = await three()
  await end(c)
  await until(() => a.node.getConnections().length === 0)
  await expect(dial()).rejects.toMatchObject({ failure: 'no-transport' })
})

test('a guest that leaves, or ends its reservation, is introduced no more', async () => {
  const { a, b, c, dial } = await three()
  await b.network.stop()
  await until(() => c.network.introductions.pointOf(b.id) === undefined, 20_000)
  await expect(dial()).rejects.toMatchObject({ failure: 'refused', message: expect.stringContaining('any more') })
  expect(a.made.count).toBe(0)
})

test('a peer is visited only by introducers that hold its reservation, and only over connections of the pool', async () => {
  const { a, b, c } = await three()
  const stranger = await start()
  await stranger.node.dial(b.node.getMultiaddrs())
  await expect(opened(stranger, b).then((stream) => ask(stream, stranger.id))).rejects.toThrow()
  await a.meet(b)
  expect(await ask(await opened(a, b), c.id)).toBe('refused')

  async function ask(stream: Stream, peerId: PeerId): Promise<string> {
    sendMessage(stream, { kind: 'visit', peerId })
    return (await readMessage(stream, signal())).kind
  }
})

test('an introducer that answers anything else costs a dial and no RTCPeerConnection', async () => {
  let answer: (stream: Stream) => unknown = () => undefined
  const { a, dial } = await hostile((stream) => answer(stream))
  const answers: readonly (readonly [string, (stream: Stream) => unknown, string])[] = [
    ['nothing', () => undefined, 'timeout'],
    ['the end of the stream', (stream) => stream.abort(new Error('no')), 'refused'],
    ['garbage', (stream) => stream.send(new Uint8Array(1_000).fill(255)), 'refused'],
    ['a request', (stream) => sendMessage(stream, { kind: 'guest' }), 'refused'],
    ['a flood', (stream) => stream.send(new Uint8Array(1_000_000)), 'refused'],
    ['yes, then a flood', (stream) => yes(stream, new Uint8Array(1_000_000).fill(1)), 'refused'],
    ['yes, then garbage', (stream) => yes(stream, new Uint8Array(600).fill(1)), 'refused'],
    ['yes, then nothing', (stream) => yes(stream, new Uint8Array(0)), 'timeout']
  ]
  for (const [name, given, failure] of answers) {
    answer = given
    await expect(dial(failure === 'timeout' ? 800 : undefined), name).rejects.toMatchObject({ failure })
  }
  expect(a.made.count).toBe(0)
  await until(() => a.node.getConnections().every(({ streams }) => streams.every(({ protocol }) => protocol !== introductionProtocol)))
})

async function yes(stream: Stream, more: Uint8Array): Promise<void> {
  await readMessage(stream, signal())
  sendMessage(stream, { kind: 'ok' })
  if (more.length > 0) stream.send(more)
}

test('an introducer that puts itself in the place of the guest is found out', async () => {
  const { a, c, dial } = await hostile(async (stream) => {
    await readMessage(stream, signal())
    sendMessage(stream, { kind: 'ok' })
    const { upgrader } = Reflect.get(c.node, 'components') as {
      upgrader: { getConnectionEncrypters(): Map<string, { secureInbound(stream: Stream, options: object): Promise<unknown> }> }
    }
    await upgrader
      .getConnectionEncrypters()
      .get('/noise')
      ?.secureInbound(stream, { skipStreamMuxerNegotiation: true })
      .catch(() => undefined)
  })
  await expect(dial()).rejects.toMatchObject({ failure: 'wrong-peer-id' })
  expect(a.made.count).toBe(0)
})

test('a guest that never answers, and a peer that asks a thousand times, cost an introducer little', async () => {
  const running = { now: 0, most: 0, all: 0 }
  const introduces = () => {
    running.all++
    running.most = Math.max(running.most, ++running.now)
    return () => void running.now--
  }
  const [a, b, c] = await Promise.all([start('off'), start('off'), start({ introduces })])
  await b.node.handle(introductionProtocol, () => undefined)
  await Promise.all([a.meet(c), b.meet(c)])
  const guest = await opened(b, c)
  sendMessage(guest, { kind: 'guest' })
  expect(await readMessage(guest, signal())).toEqual({ kind: 'ok' })
  // Processor time, so that a busy machine adds little.
  const turns: number[] = []
  let last = process.threadCpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last)
    turns.push((user + system) / 1_000)
    last = process.threadCpuUsage()
  }, 5)
  const asked = Array.from({ length: 1_000 }, async () => {
    const stream = await opened(a, c)
    sendMessage(stream, { kind: 'introduce', peerId: b.id })
    return (await readMessage(stream, signal(1_500))).kind
  })
  const answers = await Promise.allSettled(asked)
  clearInterval(timer)
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(60)
  expect(running.all).toBeLessThanOrEqual(60)
  expect(running.most).toBeLessThanOrEqual(8)
  // The guest is still there, and so is the connection with the peer that asked.
  expect(c.network.introductions.pointOf(b.id)).toBeDefined()
  expect(turns.toSorted((x, y) => x - y).at(Math.floor(0.99 * turns.length))).toBeLessThan(500)
}, 60_000)

test('an introduction whose place another peer gets ends, before the guest has answered and while bytes trickle through it', async () => {
  const cuts: (() => void)[] = []
  let over = 0
  const introduces: IntroductionHandlers['introduces'] = (_from, _to, cut) => {
    cuts.push(cut)
    return () => void over++
  }
  const [a, b, c] = await Promise.all([start('off'), start('off'), start({ introduces })])
  const visits: Stream[] = []
  await b.node.handle(introductionProtocol, (stream) => void visits.push(stream))
  await Promise.all([a.meet(c), b.meet(c)])
  const guest = await opened(b, c)
  sendMessage(guest, { kind: 'guest' })
  await readMessage(guest, signal())
  const ask = async (): Promise<Stream> => {
    const stream = await opened(a, c)
    sendMessage(stream, { kind: 'introduce', peerId: b.id })
    const count = visits.length
    await until(() => visits.length > count)
    return stream
  }
  const silent = await ask()
  cuts[0]?.()
  expect(await readMessage(silent, signal())).toEqual({ kind: 'failed' })
  const slow = await ask()
  sendMessage(visits[1] as Stream, { kind: 'ok' })
  expect(await readMessage(slow, signal())).toEqual({ kind: 'ok' })
  const trickle = setInterval(() => slow.status === 'open' && slow.send(Uint8Array.of(1)), 5)
  cuts[1]?.()
  await until(() => over === 2 && [slow, ...visits].every(({ status }) => status !== 'open'))
  clearInterval(trickle)
  expect(c.network.introductions.pointOf(b.id)).toBeDefined()
})

test('two peers that agree to send payload through an introducer get 64 KiB through', async () => {
  const [a, b, c] = await Promise.all([start('off'), start('off'), start()])
  let got = 0
  const ended = Promise.withResolvers<void>()
  await b.node.handle(introductionProtocol, async (stream) => {
    await readMessage(stream, signal())
    sendMessage(stream, { kind: 'ok' })
    stream.addEventListener('message', ({ data }) => {
      got += data.byteLength
    })
    stream.addEventListener('close', () => ended.resolve())
  })
  await Promise.all([a.meet(c), b.meet(c)])
  const guest = await opened(b, c)
  sendMessage(guest, { kind: 'guest' })
  await readMessage(guest, signal())
  const stream = await opened(a, c)
  sendMessage(stream, { kind: 'introduce', peerId: b.id })
  expect(await readMessage(stream, signal())).toEqual({ kind: 'ok' })
  for (let sent = 0; sent < 200; sent++) {
    try {
      stream.send(new Uint8Array(1_024))
    } catch {
      break
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await ended.promise
  expect(got).toBeLessThanOrEqual(65_536)
})

test('two peers that work together send no more through a third than the budget of the one that asks', async () => {
  const [a, b, c] = await Promise.all([start('off'), start('off'), start({ introduces: () => () => undefined })])
  let through = 0
  await b.node.handle(introductionProtocol, async (stream) => {
    await readMessage(stream, signal())
    sendMessage(stream, { kind: 'ok' })
    stream.addEventListener('message', ({ data }) => {
      through += data.byteLength
    })
  })
  await Promise.all([a.meet(c), b.meet(c)])
  sendMessage(await opened(b, c), { kind: 'guest' })
  await until(() => c.network.introductions.pointOf(b.id) !== undefined)
  const began = performance.now()
  const answers: string[] = []
  while (answers.at(-1) !== 'refused' && answers.length < 20) {
    const stream = await opened(a, c)
    sendMessage(stream, { kind: 'introduce', peerId: b.id })
    answers.push((await readMessage(stream, signal())).kind)
    if (answers.at(-1) !== 'ok') continue
    const before = through
    stream.send(new Uint8Array(60_000))
    await until(() => through >= before + 60_000 || stream.status !== 'open')
    stream.abort(new Error('enough'))
  }
  expect(answers.at(-1)).toBe('refused')
  expect(through).toBeLessThanOrEqual(262_144 + (4_096 * (performance.now() - began)) / 1_000)
  expect(through).toBeGreaterThanOrEqual(180_000)
})
