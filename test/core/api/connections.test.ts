import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { type Member, World } from '../../support/pools.ts'

/** `a` in the middle; `others` by name, each with its options; dialed by `a` unless it does not listen. */
async function star(others: Record<string, Parameters<World['make']>[1]>): Promise<{ world: World; a: Member; all: Member[] }> {
  const world = new World()
  const a = await world.start('a')
  const all: Member[] = []
  for (const [name, options] of Object.entries(others)) {
    const other = await world.start(name, options)
    all.push(other)
    const trusted = { trusted: true }
    if (options?.privateMode === true) other.pool.peers.trust(a.pool.peerId)
    await world.clock.until(options?.listens === false ? other.pool.connect(a.network.point) : a.pool.connect(other.network.point, trusted))
  }
  await world.clock.advance(100)
  return { world, a, all }
}

describe('pool.connections', () => {
  it('Connection.fold, iter, list: all that run, the longest established first', async () => {
    const { a } = await star({ b: {}, c: {}, d: {} })
    expect([...a.pool.connections].map(([peerId]) => peerId)).toEqual(['b', 'c', 'd'])
    expect(a.pool.connections.list()).toEqual([...a.pool.connections].map(([, connection]) => connection))
  })

  it('Connection.find_by_point, find_by_peer_id', async () => {
    const { a, all } = await star({ b: {} })
    const [connection] = a.pool.connections.list()
    expect(connection).toBeDefined()
    expect(a.pool.connections.findByPeerId('b' as PeerId)).toBe(connection)
    expect(a.pool.connections.findByPoint(all[0]?.network.point as Point)).toBe(connection)
    expect(a.pool.connections.findByPeerId('c' as PeerId)).toBeUndefined()
    expect(a.pool.connections.findByPoint('/ip4/10.9.9.9/tcp/1' as Point)).toBeUndefined()
  })

  it('Connection.random_addr: any running one with a point, never the one excepted', async () => {
    const { a } = await star({ b: {}, c: {}, silent: { listens: false } })
    expect(a.pool.activeConnections).toBe(3)
    const draw = (differentThan?: PeerId): Set<string | undefined> =>
      new Set(Array.from({ length: 100 }, () => a.pool.connections.randomAddress({ differentThan, noPrivate: false })?.peerId))
    expect(draw()).toEqual(new Set(['b', 'c']))
    expect(draw('b' as PeerId)).toEqual(new Set(['c']))
    const address = a.pool.connections.randomAddress({ noPrivate: false })
    expect(a.pool.connections.findByPoint(address?.point as Point)?.peerId).toBe(address?.peerId)
  })

  it('Connection.random_addr: ~no_private leaves out peers that asked not to be advertised; nothing if there is none', async () => {
    const { a } = await star({ b: { privateMode: true } })
    expect(a.pool.activeConnections).toBe(1)
    expect(a.pool.connections.randomAddress({ noPrivate: true })).toBeUndefined()
    expect(a.pool.connections.randomAddress({ noPrivate: false })?.peerId).toBe('b')
  })

  it('Connection.propose_swap_request: a recipient and another one to offer, neither private', async () => {
    const { a } = await star({ b: {}, c: {}, hidden: { privateMode: true } })
    const seen = new Set<string>()
    for (let i = 0; i < 100; i++) {
      const proposal = a.pool.connections.proposeSwapRequest()
      if (proposal !== undefined) seen.add(`${proposal.peerId} to ${proposal.recipient.peerId}`)
    }
    expect([...seen].toSorted()).toEqual(['b to c', 'c to b'])
  })

  it('Connection.propose_swap_request: nothing with fewer than two public connections', async () => {
    const { a } = await star({ b: {} })
    expect(a.pool.connections.proposeSwapRequest()).toBeUndefined()
  })
})
