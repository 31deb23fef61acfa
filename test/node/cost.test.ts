/**
 * What a hostile peer costs a Node peer, measured in a process of its own over real sockets. The bounds are of docs/security.md, or
 * wider where a busy machine could break them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, poolProtocol } from '../../node/index.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import type { PoolMessage } from '../../src/core/wire/schema.ts'
import { helloOf } from '../support/hostile-peer.ts'
import type { Application, Request, Spent } from './cost-child.ts'

const mebibyte = 1_048_576
const floodBytes = 250_000

let child: ChildProcess | undefined
let attacker: { stop(): Promise<void> | void } | undefined

afterEach(async () => {
  child?.kill('SIGKILL')
  await attacker?.stop()
})

async function request(what: Request = {}): Promise<Spent> {
  child?.send(what)
  const [spent] = (await once(child as ChildProcess, 'message')) as [Spent]
  return spent
}

async function startVictim(application: Application): Promise<string> {
  child = fork(fileURLToPath(new URL('cost-child.ts', import.meta.url)), [application], { execArgv: [] })
  const [address] = (await once(child, 'message')) as [string]
  return address
}

/** A pool connection of a peer that sends what it likes, and the memory that the victim held before. */
async function attack(application: Application): Promise<{ stream: Stream; heldBefore: number }> {
  const address = await startVictim(application)
  const peer = await createNodePeer({ network: 'other', listen: [], minConnections: 0, expectedConnections: 1, maxConnections: 10 })
  attacker = peer
  const connection = await peer.node.dial(multiaddr(address))
  const stream = await connection.newStream(poolProtocol)
  // In two steps: a listener reads nothing behind a Hello before it has accepted it.
  const answered = once(new Listener(stream), 'message')
  stream.send(encodeMessages([helloOf()]))
  await answered
  stream.send(encodeMessages([{ kind: 'ack' }]))
  await expect.poll(async () => (await request()).connections).toBe(1)
  // Twice, since a node that has just begun lets go of some memory later.
  await request({ memory: true })
  const { heldBytes } = await request({ memory: true })
  await request()
  return { stream, heldBefore: heldBytes }
}

/** `once` for a stream. */
class Listener extends EventTarget {
  constructor(stream: Stream) {
    super()
    stream.addEventListener('message', () => this.dispatchEvent(new Event('message')))
  }
}

/** What it cost until the victim had dealt with all that came, and the memory that it held then. */
async function cost(): Promise<Spent> {
  let [longestTurnMs, cpuMs] = [0, 0]
  for (let quiet = 0; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const spent = await request()
    longestTurnMs = Math.max(longestTurnMs, spent.longestTurnMs)
    cpuMs += spent.cpuMs
    quiet = spent.cpuMs < 30 ? quiet + 1 : 0
  }
  return { ...(await request({ memory: true })), longestTurnMs, cpuMs }
}

/** 250 kB of one message. */
function floodOf(message: Uint8Array): Uint8Array {
  const flood = new Uint8Array(floodBytes - (floodBytes % message.length))
  for (let at = 0; at < flood.length; at += message.length) flood.set(message, at)
  return flood
}

const empty = encodeMessages([{ kind: 'application', payload: new Uint8Array(0) }])
const ownPoints: PoolMessage = { kind: 'advertise', points: [], ownPoints: Array(8).fill('') }
const floods: readonly [name: string, application: Application, message: Uint8Array][] = [
  ['SwapRequests without a point', 'reads', encodeMessages([{ kind: 'swap-request', point: '', peerId: '' }])],
  ['lists of own points that are none', 'reads', encodeMessages([ownPoints])],
  ['messages of a later version', 'reads', Uint8Array.of(2, 0x7a, 0)],
  ['empty messages that the application answers', 'answers', empty],
  ['empty messages that it leaves unread', 'leaves unread', empty]
]

describe('250 kB of small messages stop nothing for 50 ms, cost little, and 2 MiB are held', () => {
  test.each(floods)('%s', async (_, application, message) => {
    const { stream, heldBefore } = await attack(application)
    stream.send(floodOf(message))
    const { longestTurnMs, cpuMs, heldBytes, messagesRead } = await cost()
    console.log(`turn ${Math.round(longestTurnMs)} ms, ${Math.round(cpuMs)} ms of processor time, ${heldBytes - heldBefore} bytes held`)
    expect(longestTurnMs).toBeLessThan(50)
    expect(cpuMs).toBeLessThan(900)
    expect(heldBytes - heldBefore).toBeLessThan(2 * mebibyte)
    if (application === 'answers') expect(messagesRead).toBe(Math.floor(floodBytes / message.length))
  })
})

test('frames of one byte that nobody reads hold 2 MiB, and leave the event loop to others', async () => {
  const { stream, heldBefore } = await attack('leaves unread')
  // More than one window: the stream says no when nobody reads any more.
  for (let sent = 0; sent < 400_000 && !stream.writableNeedsDrain; sent += 1_000) {
    for (let i = 0; i < 1_000 && !stream.writableNeedsDrain; i++) stream.send(empty.subarray(i % empty.length, (i % empty.length) + 1))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { longestTurnMs, heldBytes, connections } = await cost()
  console.log(`turn ${Math.round(longestTurnMs)} ms, ${heldBytes - heldBefore} bytes held`)
  // Half a second without pauses.
  expect(longestTurnMs).toBeLessThan(200)
  expect(heldBytes - heldBefore).toBeLessThan(2 * mebibyte)
  expect(connections).toBe(1)
})

test('400 broadcasts of a MiB to a peer that reads nothing hold 4 MiB; the rest is dropped, counted and shown by an event', async () => {
  const { stream, heldBefore } = await attack('reads')
  stream.pause()
  const { heldBytes, messagesDropped, dropEvents } = await request({ broadcasts: 400, memory: true })
  console.log(`${heldBytes - heldBefore} bytes held, ${messagesDropped} messages dropped, ${dropEvents} events`)
  expect(heldBytes - heldBefore).toBeLessThan(4 * mebibyte)
  expect(messagesDropped).toBeGreaterThan(390)
  await expect.poll(async () => (await request()).dropEvents).toBeGreaterThan(0)
  expect((await request()).dropEvents).toBeLessThan(20)
})

test('pings from a peer that reads no answer end its connection, and a few MiB are held until then', async () => {
  const address = await startVictim('reads')
  const muxed: (MessageStream & { readonly stream?: MessageStream })[] = []
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      () => {
        const factory = yamux()()
        const create = factory.createStreamMuxer.bind(factory)
        factory.createStreamMuxer = (connection) => {
          muxed.push(connection)
          return create(connection)
        }
        return factory
      }
    ]
  })
  attacker = node
  const connection = await node.dial(multiaddr(address))
  const { heldBytes: heldBefore } = await request({ memory: true })
  muxed[0]?.stream?.pause()
  // Yamux' header: version, type 2 (ping), flags (1: a question), stream 0, a number.
  const ping = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7)
  const pings = floodOf(ping).subarray(0, 60_000)
  let mostHeld = 0
  for (let sent = 0; sent < 24_000_000 && connection.status === 'open'; sent += pings.length) {
    muxed[0]?.send(pings)
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (sent % 3_000_000 === 0) mostHeld = Math.max(mostHeld, (await request({ memory: true })).heldBytes - heldBefore)
  }
  console.log(`${mostHeld} bytes held`)
  expect(connection.status).not.toBe('open')
  expect(mostHeld).toBeLessThan(24 * mebibyte)
})
