import { describe, expect, it } from 'vitest'
import { type Member, record, World } from '../../support/pools.ts'

/** Two pools with a connection, and a third that can be reached; all that `a` lost, with why. */
async function pair(
  options: Parameters<World['make']>[1] = {}
): Promise<{ world: World; a: Member; b: Member; lost: ReturnType<typeof heard> }> {
  const world = new World(3)
  const [a, b] = [await world.start('a', options), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(1_000)
  return { world, a, b, lost: heard(a) }
}

const heard = (member: Member) => record(member.pool, 'connection-lost', 'connection-closed')

describe('a link whose other end vanished', () => {
  it('is found and ended as lost within 60 s, and no peer is blamed', async () => {
    for (const quietMs of [1, 9_000, 19_999, 25_000, 39_000]) {
      const { world, a, lost } = await pair()
      await world.clock.advance(quietMs)
      world.hub.reaches = () => false
      await world.clock.advance(50_000)
      expect(
        lost.map(({ detail }) => detail.ending),
        `after ${quietMs} ms`
      ).toEqual([{ by: 'network', reason: { kind: 'lost' } }])
      expect(a.pool.activeConnections).toBe(0)
      expect(a.pool.peers.greylisted()).toEqual([])
    }
  })

  it('one lost answer in a quiet hour ends nothing', async () => {
    const { world, lost } = await pair()
    await world.clock.advance(30_000)
    world.hub.reaches = () => false
    await world.clock.advance(13_000)
    world.hub.reaches = () => true
    await world.clock.advance(120_000)
    expect(lost).toEqual([])
  })

  it('after resume it is found within 5 s', async () => {
    const { world, a, lost } = await pair()
    world.hub.reaches = () => false
    a.pool.resume()
    await world.clock.advance(5_000)
    expect(lost).toHaveLength(1)
  })

  it('also when the last question was asked before the sleep', async () => {
    const { world, a, lost } = await pair()
    a.pool.resume()
    world.hub.reaches = () => false
    world.clock.jumpDate(3_600_000)
    a.pool.resume()
    await world.clock.advance(5_000)
    expect(lost).toHaveLength(1)
  })
})

/** Makes a timer that is due in `dueMs` late by `lateMs`, and lets it fire. */
const holdUps: Readonly<Record<string, (world: World, dueMs: number, lateMs: number) => Promise<void>>> = {
  'a busy machine': (world, dueMs, lateMs) => {
    world.clock.stall(dueMs + lateMs)
    return world.clock.advance(0)
  },
  'a sleep in which timers stand still': (world, dueMs, lateMs) => {
    world.clock.jumpDate(lateMs)
    return world.clock.advance(dueMs)
  }
}

/** ms until the first connection was lost. */
async function msUntilLost(world: World, lost: readonly unknown[]): Promise<number> {
  const from = world.clock.now()
  while (lost.length === 0 && world.clock.now() - from < 60_000) await world.clock.advance(100)
  return world.clock.now() - from
}

describe('a cut while our own timers are late', () => {
  for (const [name, holdUp] of Object.entries(holdUps)) {
    it(`is seen within 5 s of the last late timer after resume: ${name}`, async () => {
      for (const lateMs of [1_001, 5_000, 3_600_000]) {
        for (const times of [1, 2, 5]) {
          const { world, a, lost } = await pair()
          world.hub.reaches = () => false
          a.pool.resume()
          for (let time = 0; time < times; time++) {
            await world.clock.advance(2_000)
            await holdUp(world, 2_000, lateMs)
            expect(lost, `${time} of ${times} times late by ${lateMs} ms`).toEqual([])
          }
          expect(await msUntilLost(world, lost), `${times} times late by ${lateMs} ms`).toBeLessThanOrEqual(5_100)
        }
      }
    })

    it(`is seen as fast as ever, but for the time of one question, when a look or its question is late: ${name}`, async () => {
      for (const afterMs of [0, 10_000, 18_000, 39_000, 41_000, 45_000]) {
        const [calm, late] = [await pair(), await pair()]
        for (const { world } of [calm, late]) {
          world.hub.reaches = () => false
          await world.clock.advance(afterMs)
        }
        await holdUp(late.world, 0, 60_000)
        const ordinaryMs = await msUntilLost(calm.world, calm.lost)
        expect(await msUntilLost(late.world, late.lost), `late after ${afterMs} ms`).toBeLessThanOrEqual(ordinaryMs + 4_000)
      }
    })

    it(`ends no link that lives: ${name}`, async () => {
      const { world, a, lost } = await pair()
      for (let time = 0; time < 20; time++) {
        a.pool.resume()
        world.hub.reaches = () => false
        await world.clock.advance(3_000)
        await holdUp(world, 1_000, 6_000)
        world.hub.reaches = () => true
        await world.clock.advance(6_000)
      }
      expect(lost).toEqual([])
    })
  }

  it('of a page that was frozen is seen within 5 s, though it thaws again and again', async () => {
    const { world, a, lost } = await pair({ suspendedBand: { min: 1, expected: 1, max: 3 } })
    world.hub.reaches = () => false
    for (let time = 0; time < 5; time++) {
      a.pool.resume()
      await world.clock.advance(2_000)
      await world.clock.until(a.pool.suspend())
      world.clock.stall(600_000)
    }
    a.pool.resume()
    expect(await msUntilLost(world, lost)).toBeLessThanOrEqual(5_100)
  })

  it('is asked about no more once the pool has stopped', async () => {
    const { world, a } = await pair()
    const [link] = a.network.links
    if (link === undefined) throw new Error('there is no link')
    let asked = 0
    link.probe = () => {
      asked++
      return new Promise(() => undefined)
    }
    a.pool.resume()
    await world.clock.advance(2_000)
    expect(asked).toBeGreaterThan(0)
    asked = 0
    world.clock.stall(10_000)
    await world.clock.until(a.pool.stop())
    await world.clock.advance(60_000)
    expect(asked).toBe(0)
  })
})

describe('a link that lives', () => {
  it('is never ended, however quiet, and a question costs no place in its stream', async () => {
    const { world, a, lost } = await pair()
    const before = a.pool.connections.list()[0]?.stat.bytesSent
    await world.clock.advance(24 * 3_600_000)
    expect(lost).toEqual([])
    expect(a.pool.connections.list()[0]?.stat.bytesSent).toBe(before)
  })

  it('answers though its application reads hardly anything and the stream is full', async () => {
    const { world, a, b, lost } = await pair()
    const connection = a.pool.connections.list()[0]
    for (let i = 0; i < 40; i++) void connection?.send(new Uint8Array(100_000)).catch(() => undefined)
    for (let asked = 0; asked < 10; asked++) {
      await world.clock.advance(25_000)
      // Else the peer would be left for reading nothing.
      await b.pool.connections.list()[0]?.messages[Symbol.asyncIterator]().next()
    }
    expect(lost).toEqual([])
    expect(b.pool.activeConnections).toBe(1)
  })

  it('is not ended for a silence in which our own clock stood still', async () => {
    const { world, a, lost } = await pair()
    await world.clock.advance(30_000)
    world.hub.reaches = () => false
    a.pool.resume()
    world.clock.jumpDate(3_600_000)
    await world.clock.advance(3_999)
    world.hub.reaches = () => true
    await world.clock.advance(60_000)
    expect(lost).toEqual([])
  })
})

describe('probing', () => {
  it('has no timer while the pool is suspended, without connections, after stop, or switched off', async () => {
    const { world, a, b } = await pair({ suspendedBand: { min: 0, expected: 1, max: 3 } })
    await world.clock.until(b.pool.stop())
    await world.clock.advance(60_000)
    expect([a.pool.activeConnections, world.clock.pending]).toEqual([0, 0])
    const c = await world.start('c', { keepAliveIntervalMs: null })
    await world.clock.until(a.pool.connect(c.network.point))
    await world.clock.advance(12_000)
    expect(world.clock.pending).toBe(1)
    await world.clock.until(a.pool.suspend())
    expect(world.clock.pending).toBe(0)
    a.pool.resume()
    await world.clock.advance(12_000)
    expect(world.clock.pending).toBe(1)
    await world.clock.until(world.stop())
    await world.clock.advance(1_000)
    expect(world.clock.pending).toBe(0)
  })
})

describe('what a sleep has cost', () => {
  it('is dialed again at once, whether it is found dead or closes by itself, and has no backoff as other losses have', async () => {
    for (const closes of [true, false]) {
      const { world, a, b } = await pair({ minConnections: 1, expectedConnections: 1 })
      if (closes) {
        a.pool.resume()
        for (const link of [...world.hub.links]) link.breakBoth()
      } else {
        world.hub.reaches = () => false
        await world.clock.until(b.pool.tearDownConnections({ kind: 'lost' }))
        await world.clock.advance(11_000)
        a.pool.resume()
        await world.clock.advance(1_000)
        world.hub.reaches = () => true
      }
      await world.clock.advance(5_000)
      expect(a.pool.connections.findByPeerId(b.pool.peerId), closes ? 'closed' : 'found dead').toBeDefined()
      for (const link of [...world.hub.links]) link.breakBoth()
      await world.clock.advance(5_000)
      expect(a.pool.activeConnections, 'an ordinary loss').toBe(0)
    }
  })
})
