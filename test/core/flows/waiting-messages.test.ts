/** What waits for a peer that reads slowly or not at all: bounded, counted, and given up after half a minute. */
import { describe, expect, it } from 'vitest'
import { maxWaitingBytes, maxWaitingSends } from '../../../src/core/flows/outbox.ts'
import type { Connection, PoolError } from '../../../src/core/index.ts'
import { type Member, record, World } from '../../support/pools.ts'

interface Pair {
  readonly world: World
  readonly a: Member
  readonly b: Member
  /** Of `a` to `b`, and the same seen by `b`. */
  readonly ours: Connection
  readonly theirs: Connection
}

async function pair(options: Parameters<World['make']>[1] = {}): Promise<Pair> {
  const world = new World()
  const [a, b] = [await world.start('a', options), await world.start('b', options)]
  const ours = await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  const [theirs] = b.pool.connections.list()
  if (theirs === undefined) throw new Error('b has no connection')
  return { world, a, b, ours, theirs }
}

/** Ten of the reader's, and what the link takes. */
async function fill({ world, ours }: Pair): Promise<void> {
  for (let i = 0; i < 20; i++) ours.send(new Uint8Array(65_536)).catch(() => undefined)
  await world.clock.advance(1_000)
}

const codeOf = (send: Promise<void>): Promise<string> =>
  send.then(
    () => 'sent',
    (error: unknown) => (error as PoolError).code
  )

function abortOf(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) }
}

async function readAll({ world, theirs }: Pair): Promise<number[]> {
  const sizes: number[] = []
  const reading = (async () => {
    for await (const message of theirs.messages) sizes.push(message.length)
  })()
  await world.clock.advance(1_000)
  void reading
  return sizes
}

describe('messages that wait for a slow link', () => {
  it(`are ${maxWaitingSends} at most; one more is refused, and the others arrive`, async () => {
    const made = await pair()
    await fill(made)
    const sends = Array.from({ length: maxWaitingSends }, () => codeOf(made.ours.send(Uint8Array.of(1))))
    await made.world.clock.advance(10)
    const sizes = await readAll(made)
    const results = await Promise.all(sends)
    expect(new Set(results)).toEqual(new Set(['sent', 'too-many-waiting']))
    expect(sizes.filter((size) => size === 1)).toHaveLength(results.filter((result) => result === 'sent').length)
  })

  it('have 2 MiB at most: the refusal names what waits and what may', async () => {
    const made = await pair()
    await fill(made)
    const codes: Promise<string>[] = []
    for (let i = 0; i < 50; i++) codes.push(codeOf(made.ours.send(new Uint8Array(65_536))))
    await expect(made.ours.send(new Uint8Array(65_536))).rejects.toThrow(
      new RegExp(`bytes wait for b, at most .* ${maxWaitingBytes} bytes may`)
    )
    const sizes = await readAll(made)
    const sent = (await Promise.all(codes)).filter((code) => code === 'sent').length
    expect(sent * 65_536).toBeLessThanOrEqual(maxWaitingBytes)
    expect(sent).toBeGreaterThan(20)
    expect(sizes).toHaveLength(20 + sent)
  })

  it('may be one that is larger than all together may be, if nothing else waits', async () => {
    const made = await pair({ maxMessageBytes: 2 * maxWaitingBytes })
    const first = made.ours.send(new Uint8Array(300_000))
    const second = made.ours.send(new Uint8Array(2 * maxWaitingBytes))
    await expect(made.ours.send(Uint8Array.of(1))).rejects.toMatchObject({ code: 'too-many-waiting' })
    expect(await readAll(made)).toEqual([300_000, 2 * maxWaitingBytes])
    await Promise.all([first, second])
  })

  it('are left out of broadcasts, which go to all others; that is counted, with an event once a second', async () => {
    const made = await pair()
    const c = await made.world.start('c')
    const quick = await made.world.clock.until(made.a.pool.connect(c.network.point))
    await made.world.clock.advance(100)
    const read = (async () => {
      for await (const _ of c.pool.connections.list()[0]?.messages ?? []);
    })()
    const dropped = record(made.a.pool, 'messages-dropped')
    await fill(made)
    for (let i = 0; i < 40; i++) {
      expect(made.a.pool.broadcast(new Uint8Array(100_000))).toBe(made.ours.stat.messagesDropped === 0 ? 2 : 1)
      await made.world.clock.advance(10)
    }
    const { messagesDropped } = made.ours.stat
    expect([messagesDropped > 20, quick.stat.messagesDropped]).toEqual([true, 0])
    await made.world.clock.advance(1_000)
    expect(dropped).toMatchObject([{ detail: { peerId: 'b', messages: messagesDropped, bytes: messagesDropped * 100_007 } }])
    made.a.pool.broadcast(new Uint8Array(1_000_000))
    await made.world.clock.until(made.a.pool.disconnect(made.b.pool.peerId))
    expect(dropped).toMatchObject([{}, { detail: { peerId: 'b', messages: 1 } }])
    await made.world.stop()
    await read
  })
})

describe('the bytes of a message', () => {
  it('may be written over once send has resolved, also when the link was full', async () => {
    const made = await pair()
    const [buffer, received] = [new Uint8Array(100_000), [] as Uint8Array[]]
    const sending = (async () => {
      for (let i = 1; i <= 30; i++) await made.ours.send(buffer.fill(i))
      buffer.fill(0)
    })()
    await made.world.clock.advance(5_000)
    const reading = (async () => {
      for await (const message of made.theirs.messages) received.push(message)
    })()
    await made.world.clock.advance(60_000)
    await sending
    expect(received.map((message) => [message[0], message.at(-1), message.length])).toEqual(
      Array.from({ length: 30 }, (_, i) => [i + 1, i + 1, 100_000])
    )
    await made.world.stop()
    await reading
  })
})

describe('a signal', () => {
  it('ends the wait of a message that a full link took, and of one that waits for it: that one is not sent', async () => {
    const made = await pair()
    const { signal, abort } = abortOf()
    const [taken, waiting] = [1, 2].map((byte) => codeOf(made.ours.send(new Uint8Array(1_000_000).fill(byte), { signal })))
    abort()
    expect(await taken).toBe('sent')
    expect(await waiting).toBeUndefined()
    const sizes: number[] = []
    const reading = (async () => {
      for await (const message of made.theirs.messages) sizes.push(message[0] ?? 0)
    })()
    await made.world.clock.advance(5_000)
    await made.world.stop()
    await reading
    expect(sizes).toEqual([1])
  })
})

describe('a peer that reads nothing', () => {
  it('while something waits is disconnected after 30 s, without a fault; callers that wait get an error', async () => {
    const made = await pair()
    const send = codeOf(made.ours.send(new Uint8Array(1_000_000)))
    const waiting = codeOf(made.ours.send(new Uint8Array(1_000_000)))
    for (let i = 0; i < 12; i++) made.ours.send(new Uint8Array(1_000)).catch(() => undefined)
    await made.world.clock.advance(20_000)
    expect(made.ours.ending).toBeUndefined()
    await fill(made)
    await made.world.clock.advance(45_000)
    expect(made.ours.ending).toEqual({ by: 'us', reason: { kind: 'not-reading' } })
    // The link had taken the first one.
    expect(await send).toBe('sent')
    expect(await waiting).not.toBe('too-many-waiting')
    expect([made.a.pool.peers.isBanned(made.b.pool.peerId), made.a.pool.activeConnections]).toEqual([false, 0])
  })

  it('is kept as long as nothing waits for it', async () => {
    const made = await pair()
    await made.ours.send(new Uint8Array(1_000))
    await made.world.clock.advance(600_000)
    expect(made.ours.ending).toBeUndefined()
  })

  it('is kept if it reads a message now and then', async () => {
    const made = await pair()
    const messages = made.theirs.messages[Symbol.asyncIterator]()
    const sending = (async () => {
      for (let i = 0; i < 60; i++) await made.ours.send(new Uint8Array(65_536))
    })()
    sending.catch(() => undefined)
    for (let i = 0; i < 40; i++) {
      await made.world.clock.advance(15_000)
      await messages.next()
    }
    expect(made.ours.ending).toBeUndefined()
    await made.world.stop()
  })

  it('leaves no timer behind', async () => {
    const made = await pair()
    await fill(made)
    made.a.pool.broadcast(new Uint8Array(maxWaitingBytes / 4))
    await made.world.stop()
    await made.world.clock.advance(1_000)
    expect(made.world.clock.pending).toBe(0)
  })
})

it('an application that reads nothing has a MiB of messages before it, or ten; then the sender waits', async () => {
  const made = await pair()
  for (let i = 0; i < 4; i++) made.ours.send(new Uint8Array(700_000)).catch(() => undefined)
  await made.world.clock.advance(1_000)
  expect(made.theirs.stat.messagesReceived).toBe(2)
})
