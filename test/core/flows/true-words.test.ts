/** What a running pool says of itself is true when it is said, and comes true when it says so. */
import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { type Member, record, World } from '../../support/pools.ts'

const app = '/app/1.0.0'
const admit = { plainPeers: 'admit', requiredProtocols: [app] } as const
/** Bounds 3, 3, 4, 7, 8. */
const band = { minConnections: 3, expectedConnections: 5, maxConnections: 9, maintenanceIdleMs: 120_000 }
const minutes = 60_000

/** A pool that holds as many plain peers as it wants at first, and two that it does not know. */
async function amongPlainPeers(known: number, options: object = {}): Promise<{ world: World; me: Member; plain: { point: Point }[] }> {
  const world = new World(5)
  const me = world.make('me', { ...band, ...admit, keepAliveIntervalMs: null, ...options })
  const plain = Array.from({ length: known }, (_, n) => world.plain(`plain${n}`, app))
  for (const { point } of plain) me.pool.registerPoint(point)
  await world.clock.until(me.pool.start())
  await world.clock.advance(5_000)
  return { world, me, plain }
}

describe('explainBand', () => {
  it('plain peers cannot be asked for points, and it does not say so', async () => {
    const { world, me } = await amongPlainPeers(2)
    const asked = record(me.pool, 'bootstrap-sent')
    const { step, text } = me.pool.explainBand()
    expect([step, text]).toEqual(['waiting', '2 connections, 3 wanted: no point can be dialed; nobody can be asked for more'])
    await world.clock.advance(5 * minutes)
    expect(asked).toEqual([])
  })

  it('a pool can be asked, and is when it is said', async () => {
    const { world, me } = await amongPlainPeers(1)
    const other = await world.start('other')
    await world.clock.until(me.pool.connect(other.network.point))
    await world.clock.advance(100)
    const asked = record(me.pool, 'bootstrap-sent')
    const { step, text } = me.pool.explainBand()
    expect(step).toBe('searching')
    const wait = /it asks 1 peer for more in (\d+) s$/.exec(text)?.[1]
    expect(wait, text).toBeDefined()
    await world.clock.advance((Number(wait) - 1) * 1_000 - 1)
    expect(asked).toHaveLength(0)
    await world.clock.advance(1_100)
    expect(asked).toHaveLength(1)
  })

  it('while every point waits it says how many, and when the next dial is', async () => {
    const { world, me } = await amongPlainPeers(5)
    await world.clock.advance(2 * minutes)
    for (const { peerId } of me.pool.connections.list()) await world.clock.until(me.pool.disconnect(peerId))
    const dials = record(me.pool, 'dial-started')
    await world.clock.advance(10)
    while (me.pool.explainBand().dialing > 0) await world.clock.advance(100)
    const { step, text, waiting, nextActInMs = 0 } = me.pool.explainBand()
    expect([step, waiting > 0]).toEqual(['waiting', true])
    expect(text).toMatch(/wanted: the next dial is in \d+ s, \d points? must wait; nobody can be asked for more$/)
    const before = dials.length
    await world.clock.advance(nextActInMs - 1)
    expect(dials).toHaveLength(before)
    await world.clock.advance(3)
    expect(dials.length).toBeGreaterThan(before)
  })

  it('a trusted peer that is more than the band is kept, and said to be', async () => {
    const world = new World(2)
    const friend = await world.start('friend')
    const me = world.make('me', {
      ...band,
      ...{ minConnections: 1, expectedConnections: 1, maxConnections: 1 },
      trustedPoints: [{ point: friend.network.point, expectedPeerId: undefined }]
    })
    await world.clock.until(me.pool.start())
    await world.clock.advance(1_000)
    const told = record(me.pool, 'maintenance-started', 'maintenance-ended', 'too-many-connections')
    me.pool.setBand({ min: 0, expected: 0, max: 0 })
    for (let seconds = 0; seconds <= 20; seconds += 10) {
      await world.clock.advance(10_000)
      expect(me.pool.explainBand()).toMatchObject({
        step: 'content',
        active: 1,
        text: '1 connection, more than 0: it closes none, since it is trusted',
        nextActInMs: undefined
      })
    }
    expect(told.map(({ type }) => type)).toEqual(['too-many-connections'])
  })

  it('trusted peers alone that are some too many do not keep it looking', async () => {
    const world = new World(2)
    const friends = await Promise.all(['a', 'b', 'c'].map((name) => world.start(name)))
    const trustedPoints = friends.map(({ network }) => ({ point: network.point, expectedPeerId: undefined }))
    // Bounds 0, 0, 0, 1, 3: three are two more than wanted, without haste.
    const me = world.make('me', { minConnections: 0, expectedConnections: 0, maxConnections: 5, trustedPoints, keepAliveIntervalMs: null })
    await world.clock.until(me.pool.start())
    await world.clock.advance(1_000)
    expect(me.pool.activeConnections).toBe(3)
    expect(me.pool.explainBand()).toMatchObject({ step: 'content', nextLookInMs: undefined, nextActInMs: undefined })
  })

  it('peers that come in find the places that are said to be free, and no more', async () => {
    const { world, me } = await amongPlainPeers(0)
    for (let n = 1; n <= 20; n++) {
      const { incoming, incomingPlaces } = me.pool.explainBand()
      const before = me.pool.activeConnections
      const newcomer = world.hub.node(`in${n}`, { speaks: [app], point: `/ip4/203.0.${n}.1/tcp/1` })
      void newcomer.start({ incoming: () => undefined, ownPointsChanged: () => undefined, discovered: () => undefined })
      await world.clock.until(newcomer.dialRaw(me.network.point))
      await world.clock.advance(100)
      expect(me.pool.activeConnections - before, `${n}th: ${incoming} of ${incomingPlaces}`).toBe(incoming < incomingPlaces ? 1 : 0)
    }
    expect(me.pool.explainBand()).toMatchObject({ incoming: 7, incomingPlaces: 7 })
  })
})

describe('explain', () => {
  it('a peer that was refused when it came in is explained, with the reason', async () => {
    const { world, me } = await amongPlainPeers(0, { minConnections: 0, expectedConnections: 0, maxConnections: 1 })
    for (const name of ['first', 'second']) {
      const newcomer = world.plain(name, app)
      await world.clock.until(newcomer.dialRaw(me.network.point))
      await world.clock.advance(100)
    }
    await world.clock.advance(4_900)
    expect(me.pool.explain('first' as PeerId).text).toMatch(/^connected, incoming; kept, since /)
    expect(me.pool.explain('second' as PeerId)).toMatchObject({
      state: 'unknown',
      text: 'not a known peer; it dialed this pool 5 s ago and was refused: no free connection slot; no slot is free: 1 came in, 0 were dialed'
    })
    expect(me.pool.explain('third' as PeerId).text).toBe('not a known peer')
  })

  it('of too many refused peers the oldest is forgotten', async () => {
    const { world, me } = await amongPlainPeers(0, { minConnections: 0, expectedConnections: 0, maxConnections: 0 })
    for (let n = 0; n < 130; n++) {
      await world.clock.until(world.plain(`p${n}`, app).dialRaw(me.network.point))
      await world.clock.advance(20)
    }
    expect(me.pool.explain('p1' as PeerId).text).toBe('not a known peer')
    expect(me.pool.explain('p2' as PeerId).text).toMatch(/was refused: no free connection slot/)
  })

  it('a point that failed and waits says that no more connections are wanted then, where that is so', async () => {
    const { world, me } = await amongPlainPeers(5)
    const away = '/ip4/198.51.100.7/tcp/1' as Point
    me.pool.registerPoint(away)
    await world.clock.until(me.pool.connect(away).catch(() => undefined))
    expect(me.pool.explain(away).text).toMatch(
      /^the last dial failed: .*; it may be tried again in \d+ s, but it would be dialed if connections fell below 4; there are [45]/
    )
  })

  it('a point that waits while the pool is suspended is not said to be tried', async () => {
    const { world, me } = await amongPlainPeers(0)
    const away = '/ip4/198.51.100.7/tcp/1' as Point
    await world.clock.until(me.pool.connect(away).catch(() => undefined))
    await world.clock.until(me.pool.suspend({ keep: 'all' }))
    expect(me.pool.explain(away)).toMatchObject({ state: 'waiting', nextTryInMs: undefined })
    expect(me.pool.explain(away).text).toMatch(/; the pool is suspended: it dials nobody by itself$/)
  })

  it('an untried point of a full band says when exploring may choose it, and that comes true', async () => {
    const { world, me } = await amongPlainPeers(5)
    await world.clock.advance(2 * minutes)
    const other = world.plain('other', app)
    me.pool.registerPoint(other.point)
    const dials = record(me.pool, 'dial-started')
    const { text, nextTryInMs = 0 } = me.pool.explain(other.point)
    expect(text).toMatch(
      /^it would be dialed if connections fell below 4; there are \d; exploring may choose it, in \d+ s at the earliest$/
    )
    await world.clock.advance(nextTryInMs - 10)
    expect(dials).toHaveLength(0)
    await world.clock.advance(10 * minutes)
    expect(dials.map(({ detail }) => detail.point)).toContain(other.point)
  })

  it('a point that waits says when exploring may choose it, counted from now and not from the end of its wait', async () => {
    const { world, me } = await amongPlainPeers(5, { reconnection: { initialDelayMs: 5_000 } })
    await world.clock.advance(2 * minutes)
    const away = '/ip4/198.51.100.7/tcp/1' as Point
    for (let i = 0; i < 4; i++) await world.clock.until(me.pool.connect(away).catch(() => undefined))
    const said =
      /tried again in (\d+) s, but it would be dialed if connections fell below 4; there are \d; exploring may choose it, in (\d+) s/
    const at = (): number[] => said.exec(me.pool.explain(away).text)?.slice(1).map(Number) ?? []
    const [wait = 0, exploring = 0] = at()
    expect(exploring).toBeGreaterThanOrEqual(wait)
    expect(me.pool.explain(away).nextTryInMs).toBeGreaterThan((exploring - 1) * 1_000)
    await world.clock.advance(1_000)
    expect([at(), me.pool.explain(away).text]).toEqual([[wait - 1, exploring - 1], expect.any(String)])
  })

  it('the points of a banned peer say that it is banned, whatever happened to them before', async () => {
    const { world, me, plain } = await amongPlainPeers(5)
    const { peerId } = me.pool.connections.list()[0] ?? { peerId: '' as PeerId }
    await world.clock.until(me.pool.disconnect(peerId))
    await world.clock.until(me.pool.peers.ban(peerId))
    const point = plain[Number(peerId.slice(5))]?.point as Point
    const text = `peer ${peerId} is banned, until that is lifted`
    expect([me.pool.explain(point).text, me.pool.explain(peerId).text]).toEqual([text, text])
    me.pool.peers.unban(peerId)
    expect(me.pool.explain(point).state).toBe('ready')
  })

  it('a banned range says so at each of its points, and when it ends', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    const point = '/ip4/198.51.100.7/tcp/1' as Point
    await world.clock.until(pool.points.banRange('198.51.100.0/24', { endsAt: world.clock.date() + 30 * minutes }))
    expect(pool.explain(point)).toMatchObject({ state: 'refused', nextTryInMs: 30 * minutes })
    expect(pool.explain(point).text).toBe(`the host of ${point} is banned for 30 min more`)
    await world.clock.advance(29 * minutes)
    expect(pool.explain(point).text).toBe(`the host of ${point} is banned for 60 s more`)
  })
})

describe('events of maintenance', () => {
  const names = ['too-many-connections', 'maintenance-started', 'maintenance-ended', 'connection-closed'] as const

  it('closing down has a beginning and an end, with its cause, and each goodbye between them', async () => {
    const { world, me } = await amongPlainPeers(5)
    const told = record(me.pool, ...names)
    me.pool.setBand({ min: 0, expected: 1, max: 2 })
    await world.clock.advance(1_000)
    const active = me.pool.activeConnections
    const details = told.map(({ type, detail }) => (type === 'connection-closed' ? type : { type, ...detail }))
    const before = active + told.filter(({ type }) => type === 'connection-closed').length
    expect(details).toEqual([
      { type: 'too-many-connections', active: before },
      { type: 'maintenance-started', active: before, cause: 'too-many' },
      ...Array.from({ length: before - active }, () => 'connection-closed'),
      { type: 'maintenance-ended', active }
    ])
    await world.clock.advance(5 * minutes)
    expect(told.filter(({ type }) => type === 'maintenance-started')).toHaveLength(1)
  })

  it('every beginning has its end, also when the pool stops, and when its band gets smaller', async () => {
    const { world, me } = await amongPlainPeers(5)
    const open = (): number => started.length - ended.length
    const [started, ended] = [record(me.pool, 'maintenance-started'), record(me.pool, 'maintenance-ended')]
    me.pool.setBand({ min: 7, expected: 8, max: 12 })
    me.pool.setBand({ min: 6, expected: 8, max: 12 })
    await world.clock.advance(100)
    me.pool.setBand({ min: 0, expected: 1, max: 9 })
    await world.clock.advance(100)
    expect(open()).toBe(0)
    me.pool.setBand({ min: 8, expected: 9, max: 12 })
    await world.clock.advance(100)
    await world.clock.until(me.pool.stop())
    await world.clock.advance(100)
    expect(open()).toBe(0)
    await world.clock.until(me.pool.start())
    await world.clock.advance(100)
    await world.clock.until(me.pool.suspend({ keep: 'all' }))
    await world.clock.advance(100)
    expect(open()).toBe(0)
    expect(started.length).toBeGreaterThanOrEqual(3)
  })
})
