import { describe, expect, it } from 'vitest'
import { type Connection, type DisconnectReason, type Ending, PoolError } from '../../../src/core/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, World } from '../../support/pools.ts'

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

/** 64 KiB, numbered: four of them fill the link. */
function large(i: number): Uint8Array {
  const message = new Uint8Array(65_536)
  new DataView(message.buffer).setUint32(0, i)
  return message
}

function numberOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0)
}

/** Reads up to `count` messages; fewer if no more come within a second. */
async function read({ world, theirs }: Pair, count: number): Promise<number[]> {
  const messages = theirs.messages[Symbol.asyncIterator]()
  const heard: number[] = []
  for (let i = 0; i < count; i++) {
    let next: IteratorResult<Uint8Array> | undefined
    const reading = messages.next().then((result) => {
      next = result
    })
    await world.clock.advance(50)
    if (next === undefined || next.done === true) return heard
    await reading
    heard.push(numberOf(next.value))
  }
  return heard
}

describe('back-pressure', () => {
  it('with ten messages undelivered the reading stops and the sender waits; reading lets it go on, in order', async () => {
    const made = await pair()
    const sent: number[] = []
    const sending = (async () => {
      for (let i = 0; i < 60; i++) {
        await made.ours.send(large(i))
        sent.push(i)
      }
    })()
    await made.world.clock.advance(20_000)
    const stuck = sent.length
    expect(stuck).toBeGreaterThanOrEqual(10)
    expect(stuck).toBeLessThan(20)
    expect(made.theirs.stat.messagesReceived).toBe(10)
    expect(await read(made, 3)).toEqual([0, 1, 2])
    await made.world.clock.advance(1_000)
    expect(sent.length).toBe(stuck + 3)
    expect(await read(made, 57)).toEqual(Array.from({ length: 57 }, (_, i) => i + 3))
    await sending
  })

  it('maxUndeliveredMessages says how many', async () => {
    const made = await pair({ maxUndeliveredMessages: 3 })
    for (let i = 0; i < 5; i++) await made.ours.send(Uint8Array.of(0, 0, 0, i))
    await made.world.clock.advance(1_000)
    expect(made.theirs.stat.messagesReceived).toBe(3)
    expect(await read(made, 5)).toEqual([0, 1, 2, 3, 4])
  })

  it('many sends that are not awaited keep their order, through a link that is full', async () => {
    const made = await pair()
    const sends = Array.from({ length: 30 }, (_, i) => made.ours.send(large(i)))
    expect(await read(made, 30)).toEqual(Array.from({ length: 30 }, (_, i) => i))
    await Promise.all(sends)
    expect(made.ours.stat.messagesSent).toBe(30)
  })

  it('a send that is cancelled while it waits was not sent; those behind it are', async () => {
    const made = await pair()
    const abort = new AbortController()
    const before = Array.from({ length: 6 }, (_, i) => made.ours.send(large(i)))
    const given = made.ours.send(large(77), { signal: abort.signal })
    const after = made.ours.send(large(6))
    abort.abort(new Error('never mind'))
    await expect(given).rejects.toThrow('never mind')
    expect(await read(made, 8)).toEqual([0, 1, 2, 3, 4, 5, 6])
    await Promise.all([...before, after])
    await expect(made.ours.send(large(8), { signal: abort.signal })).rejects.toThrow('never mind')
  })

  it('sends that wait when the connection ends reject with how it ended', async () => {
    const made = await pair()
    const sends = Array.from({ length: 30 }, (_, i) =>
      made.ours.send(large(i)).then(
        () => undefined,
        (error: unknown) => error as PoolError
      )
    )
    await made.world.clock.advance(10)
    await made.world.clock.until(made.a.pool.disconnect(made.b.pool.peerId, 'enough'))
    const errors = (await Promise.all(sends)).filter((error) => error !== undefined)
    expect(errors.length).toBeGreaterThan(10)
    for (const error of errors) expect(error).toMatchObject({ code: 'not-connected', ending: { by: 'us', reason: { text: 'enough' } } })
  })
})

describe('application messages', () => {
  it('above maxMessageBytes are refused here with both sizes, and are a fault when they come', async () => {
    const world = new World()
    const [a, b] = [await world.start('a', { maxMessageBytes: 200_000 }), await world.start('b', { maxMessageBytes: 100_000 })]
    const connection = await world.clock.until(b.pool.connect(a.network.point))
    await expect(connection.send(new Uint8Array(100_001))).rejects.toThrow(/100001 .*100000/)
    expect(() => b.pool.broadcast(new Uint8Array(100_001))).toThrow(PoolError)
    await world.clock.advance(100)
    const [other] = a.pool.connections.list()
    await other?.send(new Uint8Array(150_000))
    await world.clock.advance(1_000)
    expect(connection.ending).toMatchObject({ by: 'us', reason: { kind: 'fault' } })
    expect(b.pool.peers.isBanned(a.pool.peerId)).toBe(true)
  })

  it('that the application cannot decode are a fault of the sender', async () => {
    const messageCodec = {
      encode: (bytes: Uint8Array) => bytes,
      decode: (bytes: Uint8Array): Uint8Array => {
        if (bytes[0] === 13) throw new Error('unlucky')
        return bytes
      }
    }
    const made = await pair({ messageCodec })
    await made.ours.send(Uint8Array.of(13))
    await made.world.clock.advance(100)
    expect(made.theirs.ending).toMatchObject({ by: 'us', reason: { kind: 'fault' } })
    expect(made.ours.ending).toMatchObject({ by: 'them', reason: { kind: 'fault' } })
    expect([made.b.pool.peers.isBanned(made.a.pool.peerId), made.a.pool.peers.isBanned(made.b.pool.peerId)]).toEqual([true, false])
  })

  it('what had come before the end can still be read; then the reading ends', async () => {
    const made = await pair()
    for (const i of [1, 2, 3]) await made.ours.send(Uint8Array.of(0, 0, 0, i))
    await made.world.clock.until(made.a.pool.disconnect(made.b.pool.peerId))
    await made.world.clock.advance(100)
    const heard: number[] = []
    for await (const message of made.theirs.messages) heard.push(numberOf(message))
    expect(heard).toEqual([1, 2, 3])
  })

  it('exchange messages before them do not hold them up, also with discovery switched off', async () => {
    const made = await pair({ discovery: false })
    const evil = new HostilePeer(made.world, 'evil')
    const bytes = Uint8Array.of(0, 0, 0, 9)
    say(
      await evil.dial(made.b.network.point),
      helloOf(),
      { kind: 'ack' },
      { kind: 'bootstrap', transports: ['tcp'] },
      { kind: 'advertise', points: [], ownPoints: undefined },
      { kind: 'application', payload: bytes }
    )
    await made.world.clock.advance(100)
    const connection = made.b.pool.connections.findByPeerId(made.b.pool.parsePeerId('evil'))
    expect((await connection?.messages[Symbol.asyncIterator]().next())?.value).toEqual(bytes)
    expect(evil.kinds()).toEqual(['hello', 'ack'])
  })

  it('connections tell what went through them', async () => {
    const made = await pair()
    const { stat: before } = made.ours
    await made.ours.send(new Uint8Array(1_000))
    await made.world.clock.advance(5_000)
    const { stat } = made.ours
    expect(stat.messagesSent).toBe(1)
    expect(stat.bytesSent - before.bytesSent).toBe(1_005)
    expect(stat.sentPerSecond).toBeGreaterThan(0)
    expect(made.theirs.stat).toMatchObject({ messagesReceived: 1, bytesReceived: stat.bytesSent })
  })
})

describe('the end of a connection', () => {
  const reasons: readonly (DisconnectReason & { readonly seen?: DisconnectReason })[] = [
    { kind: 'explicit', text: 'good night' },
    { kind: 'fault', detail: 'frame: too long' },
    { kind: 'peer-banned' },
    { kind: 'point-banned' },
    { kind: 'unexpected-peer-id' },
    { kind: 'too-many-connections' },
    { kind: 'swapped' },
    { kind: 'replaced' },
    { kind: 'going-away' },
    { kind: 'pool-destroyed' },
    { kind: 'not-reading' },
    { kind: 'unknown', code: 4_242, text: 'of a later version' },
    { kind: 'lost', seen: { kind: 'closed-by-peer' } }
  ]
  for (const { seen, ...reason } of reasons) {
    it(`says ${reason.kind} to the other side`, async () => {
      const made = await pair()
      await made.world.clock.until(made.a.pool.disconnect(made.b.pool.peerId, reason as DisconnectReason))
      await made.world.clock.advance(100)
      const endings: (Ending | undefined)[] = [made.ours.ending, made.theirs.ending]
      expect(endings).toEqual([
        { by: 'us', reason },
        { by: 'them', reason: seen ?? reason }
      ])
      expect([made.a.pool.activeConnections, made.b.pool.activeConnections, made.world.hub.links.size]).toEqual([0, 0, 0])
    })
  }

  it('without a goodbye is reported as closed by the peer; a cut wire as lost', async () => {
    const made = await pair()
    made.a.network.crash()
    await made.world.clock.advance(100)
    expect([made.ours.ending, made.theirs.ending]).toEqual(Array(2).fill({ by: 'network', reason: { kind: 'lost' } }))
    const evil = new HostilePeer(made.world, 'evil')
    const link = await evil.dial(made.b.network.point)
    say(link, helloOf(), { kind: 'ack' })
    await made.world.clock.advance(100)
    const [connection] = made.b.pool.connections.list()
    await link.close()
    await made.world.clock.advance(100)
    expect(connection?.ending).toEqual({ by: 'them', reason: { kind: 'closed-by-peer' } })
  })

  it('both sides at once: each keeps its own reason, nothing is left', async () => {
    const made = await pair()
    const both = [made.a.pool.disconnect(made.b.pool.peerId, 'mine'), made.b.pool.disconnect(made.a.pool.peerId, 'yours')]
    await made.world.clock.until(Promise.all(both))
    await made.world.clock.advance(100)
    expect([made.ours.ending, made.theirs.ending]).toMatchObject([
      { by: 'us', reason: { text: 'mine' } },
      { by: 'us', reason: { text: 'yours' } }
    ])
    expect(made.world.hub.links.size).toBe(0)
  })

  it('the request to come back later is kept: no dial of maintenance before', async () => {
    const world = new World()
    const a = await world.start('a')
    const evil = new HostilePeer(world, 'evil')
    await evil.listen((link) => say(link, helloOf(), { kind: 'ack' }, { kind: 'disconnect', code: 6, text: '', comeBackAfterMs: 600_000 }))
    const connection = await world.clock.until(a.pool.connect(evil.network.point))
    await world.clock.advance(100)
    expect(connection.ending).toEqual({ by: 'them', reason: { kind: 'too-many-connections' } })
    const barred = a.pool.snapshot().points[0]?.backoffForMs
    expect(barred).toBeGreaterThan(480_000 - 1_000)
    expect(barred).toBeLessThan(720_000)
  })
})
