/** Short streams that keep connections with plain peers open; on a virtual clock, without sockets. */
import type { Connection } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { PlainKeepAlive } from '../../src/libp2p/plain-keep-alive.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

class FakeConnection {
  status = 'open'
  streams: { protocol: string }[] = []
  /** The protocol that each stream which was opened on it asked for first. */
  readonly opened: string[] = []
  answers: () => Promise<unknown> = () =>
    Promise.resolve({ closeRead: async () => undefined, close: async () => undefined, abort: () => undefined })

  newStream([protocol]: [string, ...string[]]): Promise<unknown> {
    this.opened.push(protocol)
    return this.answers()
  }

  get connection(): Connection {
    return this as unknown as Connection
  }
}

function setUp(): { clock: VirtualClock; keepAlive: PlainKeepAlive; fake: FakeConnection } {
  const clock = new VirtualClock()
  const keepAlive = new PlainKeepAlive(clock)
  const fake = new FakeConnection()
  keepAlive.add(fake.connection)
  return { clock, keepAlive, fake }
}

test('a connection on which nothing runs gets one in any ten seconds at least', async () => {
  const { clock, fake } = setUp()
  for (let seen = 0; seen < 5; seen = fake.opened.length) {
    await clock.advance(9_999)
    expect(fake.opened.length).toBeGreaterThan(seen)
  }
  expect(new Set(fake.opened)).toEqual(new Set(['/ipfs/ping/1.0.0']))
})

test.each([
  ['an application’s stream spares it', ['/app/1.0.0'], 0],
  ['an open ping stream does not, since rust-libp2p does not count it', ['/ipfs/ping/1.0.0'], 1],
  ['nor does identify', ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0'], 1],
  ['nor a stream without a protocol', [''], 1],
  ['one of an application among those spares it', ['', '/ipfs/ping/1.0.0', '/meshsub/1.2.0'], 0]
])('%s', async (_, protocols, expected) => {
  const { clock, fake } = setUp()
  fake.streams = protocols.map((protocol) => ({ protocol }))
  await clock.advance(5_000)
  expect(fake.opened).toHaveLength(expected)
})

test('a peer that does not answer is asked again, and costs nothing else', async () => {
  const { clock, fake } = setUp()
  fake.answers = () => Promise.reject(new Error('reset'))
  await clock.advance(8_500)
  expect(fake.opened).toHaveLength(2)
})

test('a connection that is closing gets none', async () => {
  const { clock, fake } = setUp()
  fake.status = 'closing'
  await clock.advance(8_500)
  expect(fake.opened).toHaveLength(0)
})

test('without connections there is no timer', () => {
  const { clock, keepAlive, fake } = setUp()
  expect(clock.pending).toBe(1)
  keepAlive.remove(fake.connection)
  expect(clock.pending).toBe(0)
})

test('while the pool rests there is no timer, even if peers come in; afterwards there is', async () => {
  const { clock, keepAlive, fake } = setUp()
  keepAlive.rest(true)
  keepAlive.add(new FakeConnection().connection)
  expect(clock.pending).toBe(0)
  keepAlive.rest(false)
  await clock.advance(5_000)
  expect(fake.opened).toHaveLength(1)
})
