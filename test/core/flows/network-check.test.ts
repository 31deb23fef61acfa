import { describe, expect, it } from 'vitest'
import type { PoolOptions } from '../../../src/core/index.ts'
import { DialError, type Link } from '../../../src/core/values/ports.ts'
import { type Member, record, World } from '../../support/pools.ts'

/** A page has a band for when nobody sees it. */
const page: Partial<PoolOptions> = { suspendedBand: { min: 1, expected: 2, max: 3 } }

/** A pool that dialed `servers` others more than ten seconds ago, and wants to stay connected with them. */
async function connected(
  servers: number,
  options: Partial<PoolOptions> = {}
): Promise<{ world: World; a: Member; others: Member[]; lost: ReturnType<typeof record> }> {
  const world = new World(5)
  const a = await world.start('a', { ...options, minConnections: servers, expectedConnections: servers })
  const others: Member[] = []
  for (let i = 0; i < servers; i++) {
    const other = await world.start(`s${i}`)
    others.push(other)
    await world.clock.until(a.pool.connect(other.network.point))
  }
  letReach(world, a)
  // Only now there is something to look at.
  a.pool.resume()
  await world.clock.advance(15_000)
  return { world, a, others, lost: record(a.pool, 'connection-lost', 'connection-closed') }
}

/** Its links may be dialed once more: that works where a dial of the pool would. */
function letReach(world: World, member: Member): void {
  for (const link of member.network.links) {
    link.reach = async (signal) => {
      const another = await member.network.dial(link.remote.point, { expectedPeerId: link.remote.peerId, signal })
      await another.close()
    }
  }
  expect(world.hub.links.size).toBeGreaterThan(0)
}

/** Our address is another one: what the others send, and what belongs to links of before, is lost. */
function changeAddress(member: Member): void {
  for (const link of member.network.links) {
    link.isStale = true
    if (link.peer !== undefined) link.peer.isStale = true
  }
}

describe('a pool whose public address changes', () => {
  it('is connected again with all peers within 5 s, though nothing was reported', async () => {
    for (const servers of [1, 3, 20]) {
      const { world, a, others } = await connected(servers)
      changeAddress(a)
      await world.clock.advance(5_000)
      expect(a.pool.activeConnections, `${servers} servers`).toBe(servers)
      expect([...a.network.links].filter(({ isStale }) => isStale)).toEqual([])
      for (const other of others) expect(other.pool.connections.findByPeerId(a.pool.peerId), other.pool.peerId).toBeDefined()
      expect(a.complaints).toEqual([])
    }
  })

  it('is so within 5 s of the last late timer, though the machine is busy for seconds again and again', async () => {
    for (const busyMs of [2_001, 5_000, 3_600_000]) {
      for (const times of [1, 2, 5]) {
        const { world, a } = await connected(3)
        changeAddress(a)
        for (let time = 0; time < times; time++) {
          await world.clock.advance(700)
          world.clock.stall(busyMs)
        }
        await world.clock.advance(5_000)
        expect(a.pool.activeConnections, `${times} times ${busyMs} ms`).toBe(3)
        expect([...a.network.links].filter(({ isStale }) => isStale)).toEqual([])
      }
    }
  })

  it('is so within 10 s in a page, which looks less often', async () => {
    for (const servers of [1, 3, 8]) {
      const { world, a, others } = await connected(servers, page)
      changeAddress(a)
      await world.clock.advance(10_000)
      expect(a.pool.activeConnections, `${servers} servers`).toBe(servers)
      expect([...a.network.links].filter(({ isStale }) => isStale)).toEqual([])
      for (const other of others) expect(other.pool.connections.findByPeerId(a.pool.peerId), other.pool.peerId).toBeDefined()
    }
  })

  it('has its old connections ended below the pool by the others, where they would keep its places', async () => {
    const { world, a, others } = await connected(3)
    const ended: string[] = []
    for (const { network } of others) Object.assign(network, { endOlder: (link: Link) => ended.push(link.peerId) })
    changeAddress(a)
    await world.clock.advance(5_000)
    expect(ended).toEqual([a.pool.peerId, a.pool.peerId, a.pool.peerId])
  })

  it('dials again at once the peers that it reaches another way, and keeps a link that answers', async () => {
    const { world, a, lost } = await connected(3)
    const [stale] = a.network.links
    if (stale?.peer === undefined) throw new Error('there is no link')
    stale.isStale = stale.peer.isStale = true
    await world.clock.advance(12_000)
    expect(a.pool.activeConnections).toBe(3)
    expect(lost.map(({ detail }) => detail)).toEqual([
      expect.objectContaining({ peerId: stale.remote.peerId, ending: { by: 'network', reason: { kind: 'lost' } } })
    ])
  })
})

describe('a pool whose network is away for a moment', () => {
  it('gives nobody up', async () => {
    for (const awayMs of [3_000, 8_000, 12_000]) {
      const { world, lost } = await connected(3)
      world.hub.reaches = () => false
      await world.clock.advance(awayMs)
      world.hub.reaches = () => true
      await world.clock.advance(60_000)
      expect(lost, `${awayMs} ms`).toEqual([])
    }
  })

  it('keeps a peer whose program is held up for some seconds and then answers everything', async () => {
    for (const heldMs of [1_500, 2_500, 3_500]) {
      const { world, a, lost } = await connected(1)
      const goesOnAt = world.clock.now() + heldMs
      const heldUp = async (signal: AbortSignal): Promise<void> => {
        await new Promise<void>((resolve) => world.clock.schedule(Math.max(0, goesOnAt - world.clock.now()), resolve))
        signal.throwIfAborted()
      }
      for (const link of a.network.links) {
        const [reach, probe] = [link.reach?.bind(link), link.probe.bind(link)]
        link.reach = (signal) => heldUp(signal).then(() => reach?.(signal))
        link.probe = (signal) => heldUp(signal).then(() => probe(signal))
      }
      await world.clock.advance(20_000)
      expect(lost, `${heldMs} ms`).toEqual([])
    }
  })

  it('keeps a peer whose program is held up: a new connection does not work either', async () => {
    const { world, a, lost } = await connected(1)
    const refuse = async (): Promise<never> => {
      throw new DialError('timeout', 'no answer')
    }
    for (const link of a.network.links) {
      link.reach = refuse
      link.probe = () => new Promise(() => undefined)
    }
    await world.clock.advance(15_000)
    expect(lost).toEqual([])
  })
})

describe('the check of our own network', () => {
  it('goes on when a second connection never comes to be, and its signal is ignored', async () => {
    const { world, a, lost } = await connected(1)
    let tries = 0
    for (const link of a.network.links) {
      link.reach = () => {
        tries++
        return new Promise(() => undefined)
      }
      link.probe = () => new Promise(() => undefined)
    }
    await world.clock.advance(20_000)
    expect(tries).toBe(3)
    expect(lost).toEqual([])
  })

  it('makes three second connections to a peer in ten minutes at most, however late its answers are', async () => {
    const { world, a, lost } = await connected(1)
    const reachedAt: number[] = []
    for (const link of a.network.links) {
      link.reach = async () => {
        reachedAt.push(world.clock.now())
        throw new DialError('refused', 'nothing there')
      }
      const probe = link.probe.bind(link)
      link.probe = async (signal) => {
        await new Promise<void>((resolve) => world.clock.schedule(2_000, resolve))
        signal.throwIfAborted()
        await probe(signal)
      }
    }
    await world.clock.advance(540_000)
    expect(reachedAt.length).toBe(3)
    await world.clock.advance(120_000)
    expect(reachedAt.length).toBeGreaterThan(3)
    expect(lost).toEqual([])
  })

  it('checks one peer a second while nothing comes, and none while something does', async () => {
    const { world, a, others } = await connected(20)
    let asked = 0
    for (const link of a.network.links) {
      link.probe = async () => {
        asked++
      }
    }
    await world.clock.advance(10_000)
    expect(asked).toBeGreaterThanOrEqual(9)
    expect(asked).toBeLessThanOrEqual(11)
    asked = 0
    for (let second = 0; second < 20; second++) {
      await others[second]?.pool.connections.findByPeerId(a.pool.peerId)?.send(new Uint8Array(1))
      await world.clock.advance(500)
    }
    expect(asked).toBe(0)
  })

  it('checks one peer every four seconds in a page', async () => {
    const { world, a } = await connected(5, page)
    let asked = 0
    for (const link of a.network.links) {
      link.probe = async () => {
        asked++
      }
    }
    await world.clock.advance(16_000)
    expect(asked).toBeGreaterThanOrEqual(3)
    expect(asked).toBeLessThanOrEqual(5)
  })

  it('has no timer while the pool is suspended, without connections, or switched off', async () => {
    const { world, a } = await connected(1)
    await world.clock.until(a.pool.suspend())
    await world.clock.until(a.pool.tearDownConnections('test'))
    await world.clock.until(world.stop())
    await world.clock.advance(12_000)
    expect(world.clock.pending).toBe(0)
  })
})
