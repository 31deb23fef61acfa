/** Peers that do not speak the pool protocol, in a pool that admits them. */
import { describe, expect, it } from 'vitest'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const app = '/app/1.0.0'
const admit = { plainPeers: 'admit', requiredProtocols: [app] } as const

async function plainWorld(): Promise<{ world: World; a: Member }> {
  const world = new World()
  return { world, a: await world.start('a', admit) }
}

describe('a plain peer', () => {
  it('runs once it is connected and speaks what is required, without a handshake', async () => {
    const { world, a } = await plainWorld()
    const plain = world.plain('plain', '/other/1.0.0', app)
    const told = record(a.pool, 'dial-started', 'handshake-accepted', 'connection-opened')
    const before = world.clock.now()
    const connection = await world.clock.until(a.pool.connect(plain.point))
    expect(world.clock.now() - before).toBe(10)
    expect(connection).toMatchObject({
      kind: 'plain',
      peerId: 'plain',
      direction: 'outgoing',
      remoteMetadata: undefined,
      rttMs: null,
      isPrivate: true
    })
    expect(a.pool.snapshot().connections).toMatchObject([{ kind: 'plain', point: plain.point, bytesSent: 0, bytesReceived: 0 }])
    expect(told.map(({ type }) => type)).toEqual(['dial-started', 'handshake-accepted', 'connection-opened'])
    expect(a.pool.activeConnections).toBe(1)
    expect(a.pool.explain(plain.point).state).toBe('connected')
  })

  it('that dials us runs too, at the point that it advertised', async () => {
    const { world, a } = await plainWorld()
    const plain = world.plain('plain', app)
    await world.clock.until(plain.dialRaw(a.network.point))
    expect(a.pool.connections.list()).toMatchObject([{ kind: 'plain', direction: 'incoming', point: plain.point }])
    expect(a.pool.points.info(plain.point)).toMatchObject({ isPublic: false, state: { kind: 'running' } })
  })

  it.each([
    ['that lacks a required protocol', admit, ['/other/1.0.0']],
    ['of any kind, unless the pool admits them', {}, [app]]
  ])('%s does not run', async (_, options, speaks) => {
    const world = new World()
    const a = await world.start('a', options)
    const plain = world.plain('plain', ...speaks)
    expect(await rejectionOf(world.clock.until(a.pool.connect(plain.point)))).toMatchObject({ kind: 'dial-failed', failure: 'no-pool' })
    await world.clock.until(plain.dialRaw(a.network.point))
    expect(a.pool.activeConnections).toBe(0)
    expect(a.pool.peers.isBanned(plain.peerId)).toBe(false)
  })

  it('gets no messages, and none are taken for it', async () => {
    const { world, a } = await plainWorld()
    const [plain, b] = [world.plain('plain', app), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(plain.point))
    await world.clock.until(a.pool.connect(b.network.point))
    await expect(connection.send(Uint8Array.of(1))).rejects.toMatchObject({ code: 'plain-peer' })
    expect(a.pool.broadcast(Uint8Array.of(1))).toBe(1)
    plain.crash()
    await world.clock.advance(10)
    expect((await connection.messages[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  it('is not advertised, not asked for points, and in no swap', async () => {
    const { world, a } = await plainWorld()
    const [plain, b] = [world.plain('plain', app), await world.start('b', { minConnections: 1, expectedConnections: 1 })]
    await world.clock.until(a.pool.connect(plain.point))
    const told = record(a.pool, 'bootstrap-received', 'bootstrap-sent')
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.until(b.pool.maintain())
    await world.clock.advance(1_000)
    expect(told.every(({ detail }) => detail.peerId === b.pool.peerId)).toBe(true)
    expect(b.pool.points.info(plain.point)).toBeUndefined()
    expect(a.pool.connections.proposeSwapRequest()).toBeUndefined()
    expect(a.pool.connections.randomAddress({ noPrivate: true })?.peerId).not.toBe('plain')
  })

  it('that left is reported, and found again by maintenance', async () => {
    const world = new World()
    const reconnection = { afterConnectionMs: 2_000 }
    const a = await world.start('a', { ...admit, minConnections: 1, expectedConnections: 1, reconnection })
    const plain = world.plain('plain', app)
    a.network.discover({ point: plain.point, expectedPeerId: plain.peerId })
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
    const left = a.pool.next('connection-lost')
    plain.crash()
    expect((await world.clock.until(left)).detail).toMatchObject({ peerId: 'plain', ending: { reason: { kind: 'lost' } } })
    await world.clock.advance(60_000)
    expect(a.pool.activeConnections).toBe(0)
    await plain.start({ incoming: () => undefined, ownPointsChanged: () => undefined, discovered: () => undefined })
    await world.clock.advance(30_000)
    expect(a.pool.activeConnections).toBe(1)
  })

  it('is banned, trusted, refused by a full or private pool like any other', async () => {
    const { world, a } = await plainWorld()
    const [plain, other] = [world.plain('plain', app), world.plain('other', app)]
    const connection = await world.clock.until(a.pool.connect(plain.point))
    await world.clock.until(a.pool.peers.ban(plain.peerId))
    expect(connection.ending).toMatchObject({ by: 'us', reason: { kind: 'peer-banned' } })
    expect(await rejectionOf(world.clock.until(plain.dialRaw(a.network.point)))).toMatchObject({ failure: 'refused' })
    expect(await rejectionOf(world.clock.until(a.pool.connect(other.point, { expectedPeerId: plain.peerId })))).toMatchObject({
      kind: 'peer-banned'
    })

    const full = await world.start('full', { ...admit, expectedConnections: 1, maxConnections: 1 })
    await world.clock.until(full.pool.connect(other.point))
    const refusals = record(full.pool, 'handshake-refused')
    const third = world.plain('third', app)
    const link = await world.clock.until(third.dialRaw(full.network.point))
    await world.clock.until(link.over)
    expect(refusals).toMatchObject([{ detail: { peerId: 'third', rejection: { kind: 'too-many-connections' } } }])

    const hidden = await world.start('hidden', { ...admit, privateMode: true })
    expect(await rejectionOf(world.clock.until(hidden.pool.connect(other.point)))).toEqual({ kind: 'private-mode' })
    expect((await world.clock.until(hidden.pool.connect(other.point, { trusted: true }))).kind).toBe('plain')
  })

  it('that dials us while we dial it is connected once', async () => {
    for (let gap = 0; gap <= 20; gap++) {
      const { world, a } = await plainWorld()
      const plain = world.plain('plain', app)
      const ours = rejectionOf(a.pool.connect(plain.point))
      await world.clock.advance(gap)
      const theirs = world.clock.until(plain.dialRaw(a.network.point))
      await world.clock.until(Promise.all([ours, theirs]))
      await world.clock.advance(1_000)
      expect(a.pool.activeConnections, `gap ${gap}`).toBe(1)
      expect(a.pool.snapshot().outgoingAttempts + a.pool.snapshot().incomingHandshakes, `gap ${gap}`).toBe(0)
      expect(a.complaints).toEqual([])
      await world.stop()
      await world.clock.advance(1_000)
      expect(world.clock.pending, `gap ${gap}`).toBe(0)
    }
  })

  it('is known after a restart, and found again', async () => {
    const world = new World()
    const a = await world.start('a', { ...admit, minConnections: 1, expectedConnections: 1 })
    const plain = world.plain('plain', app)
    await world.clock.until(a.pool.connect(plain.point))
    await world.clock.until(a.pool.stop())
    const again = await world.start('a', { ...admit, minConnections: 1, expectedConnections: 1, storage: a.pool.config.storage })
    await world.clock.advance(1_000)
    expect(again.pool.connections.list()).toMatchObject([{ kind: 'plain', peerId: 'plain' }])
  })
})
