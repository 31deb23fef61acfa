import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { memoryStorage, nodePreset, PeerPool, resolveConfig } from '../../../src/core/index.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const [x, y] = ['x', 'y'] as PeerId[] as [PeerId, PeerId]

/** A pool whose application keeps a number of each peer. */
function scoring(world: World): PeerPool<Uint8Array, number> {
  const peerMetadata = { initial: () => 1, toJson: (meta: number) => ({ meta }), fromJson: Number, score: (meta: number) => meta * 2 }
  const config = resolveConfig<Uint8Array, number, Uint8Array>(
    { network: 'test', peerMetadata },
    { preset: nodePreset, storage: memoryStorage() }
  )
  const log = { error: () => undefined }
  return new PeerPool(config, { network: world.hub.node('scorer'), clock: world.clock, random: seededRandom(1), log })
}

async function two(): Promise<{ world: World; a: Member; b: Member }> {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  return { world, a, b }
}

describe('pool.peers', () => {
  it('Peers.info: the live record of a known peer, nothing for others', async () => {
    const { a, b } = await two()
    expect(a.pool.peers.info(b.pool.peerId)).toMatchObject({ peerId: 'b', trusted: false, state: { kind: 'running' } })
    expect(a.pool.peers.info(x)).toBeUndefined()
  })

  it('Peers.get_peer_metadata, set_peer_metadata: the application keeps what it likes', () => {
    const pool = scoring(new World())
    expect(pool.peers.getMetadata(x)).toBeUndefined()
    pool.peers.setMetadata(x, 7)
    expect(pool.peers.getMetadata(x)).toBe(7)
    expect(pool.registerPeer(y).metadata).toBe(1)
  })

  it('Peers.get_score, score: what the application makes of its metadata', () => {
    const pool = scoring(new World())
    pool.peers.setMetadata(x, 7)
    expect([pool.peers.getScore(x), pool.peers.getScore(y), pool.score(5)]).toEqual([14, undefined, 10])
  })

  it('Peers.fold_known, iter_known, fold_connected: known ones, and those that run', async () => {
    const { a, b } = await two()
    a.pool.registerPeer(x)
    expect([...a.pool.peers.known()].map(([peerId]) => peerId)).toEqual(['b', x])
    expect([...a.pool.peers.connected()]).toEqual([[b.pool.peerId, a.pool.peers.info(b.pool.peerId)]])
  })

  it('Peers.ban, unban, banned: the connection ends, the peer stays out in both directions until it is unbanned, once', async () => {
    const { world, a, b } = await two()
    const told = record(a.pool, 'peer-banned', 'peer-unbanned', 'connection-closed')
    for (let twice = 0; twice < 2; twice++) await world.clock.until(a.pool.peers.ban(b.pool.peerId))
    expect([a.pool.peers.isBanned(b.pool.peerId), a.pool.activeConnections]).toEqual([true, 0])
    await world.clock.advance(100)
    expect(await rejectionOf(world.clock.until(b.pool.connect(a.network.point)))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'peer-banned' })
    a.pool.peers.unban(b.pool.peerId)
    expect(a.pool.peers.isBanned(b.pool.peerId)).toBe(false)
    await world.clock.until(b.pool.connect(a.network.point))
    expect(told.map(({ type }) => type).toSorted()).toEqual(['connection-closed', 'peer-banned', 'peer-banned', 'peer-unbanned'])
  })

  it('Peers.ban: a peer that is not known can be banned, and an end can be set', async () => {
    const { world, a } = await two()
    await a.pool.peers.ban(x, { endsAt: world.clock.date() + 1_000 })
    expect(a.pool.peers.isBanned(x)).toBe(true)
    await world.clock.advance(1_000)
    expect(a.pool.peers.isBanned(x)).toBe(false)
    await expect(a.pool.peers.ban(x, { endsAt: 5 })).rejects.toThrow(/got 5/)
  })

  it('Peers.ban: a name such as __proto__ is a peer like any other', async () => {
    const { a } = await two()
    const odd = '__proto__' as PeerId
    await a.pool.peers.ban(odd)
    a.pool.peers.trust(odd)
    expect([a.pool.peers.isBanned(odd), a.pool.peers.isTrusted(odd), a.pool.peers.isBanned(x)]).toEqual([true, true, false])
  })

  it('Peers.get_trusted, trust, untrust: and a trusted peer leaves the greylist', () => {
    const { pool } = new World().make('a')
    pool.greylistPeer(x)
    expect([pool.peers.isTrusted(x), pool.peers.isBanned(x)]).toEqual([false, true])
    pool.peers.trust(x)
    expect([pool.peers.isTrusted(x), pool.peers.isBanned(x)]).toEqual([true, false])
    pool.peers.untrust(x)
    pool.peers.untrust(y)
    expect([pool.peers.isTrusted(x), pool.peers.info(y)]).toEqual([false, undefined])
  })

  it('Peers.get_greylisted_list: who, and since when', async () => {
    const world = new World()
    const { pool } = world.make('a')
    pool.greylistPeer(x)
    expect(pool.peers.greylisted()).toEqual([{ peerId: x, since: world.clock.date() }])
  })

  it('Peers.info_of_peer_info: a plain object, the same after JSON', async () => {
    const { world, a, b } = await two()
    const info = a.pool.peers.info(b.pool.peerId)
    if (info === undefined) throw new Error('b is not known')
    const running = a.pool.peers.describe(info)
    expect(running).toMatchObject({ peerId: 'b', state: 'running', connection: { point: b.network.point, direction: 'outgoing' } })
    await world.clock.until(a.pool.disconnect(b.pool.peerId))
    const gone = a.pool.peers.describe(info)
    expect(gone).toMatchObject({
      state: 'disconnected',
      connection: null,
      lastSeenPoint: b.network.point,
      lastFailure: { point: b.network.point }
    })
    for (const description of [running, gone]) expect(JSON.parse(JSON.stringify(description))).toEqual(description)
    expect(gone.events.map(({ kind, point }) => [kind, point as Point])).toEqual([
      ['connection-opened', b.network.point],
      ['connection-closed', b.network.point]
    ])
  })
})
