import { expect, it } from 'vitest'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

async function two(): Promise<{ world: World; a: Member; b: Member }> {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point))
  await world.clock.advance(100)
  return { world, a, b }
}

it('Peers.report: a fault ends the connection at once, with the reason, and keeps the peer out', async () => {
  const { world, a, b } = await two()
  const told = record(a.pool, 'peer-reported', 'greylisted', 'connection-closed')
  const heard = record(b.pool, 'connection-lost')
  await world.clock.until(a.pool.peers.report(b.pool.peerId, { kind: 'fault', reason: 'a header with a bad proof' }))
  await world.clock.advance(100)
  expect(told.map(({ type }) => type).toSorted()).toEqual(['connection-closed', 'greylisted', 'peer-reported'])
  expect(heard[0]?.detail.ending.reason).toEqual({ kind: 'fault', detail: 'a header with a bad proof' })
  expect([a.pool.activeConnections, a.pool.peers.isBanned(b.pool.peerId)]).toEqual([0, true])
  expect(await rejectionOf(world.clock.until(b.pool.connect(a.network.point)))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
  expect(a.pool.snapshot().peers[0]).toMatchObject({
    peerId: 'b',
    greylisted: true,
    lastReport: { kind: 'fault', reason: 'a header with a bad proof' }
  })
})

it('Peers.report: slow answers are kept for people and for the score, until they are too many', async () => {
  const { world, a, b } = await two()
  const told = record(a.pool, 'peer-reported')
  const slow = (): Promise<void> => world.clock.until(a.pool.peers.report(b.pool.peerId, { kind: 'slow', reason: 'x'.repeat(300) }))
  for (let i = 0; i < 9; i++) await slow()
  const info = a.pool.peers.info(b.pool.peerId)
  if (info === undefined) throw new Error('b is not known')
  const described = a.pool.peers.describe(info)
  expect([described.penalty, described.lastReport?.reason.length, a.pool.activeConnections]).toEqual([9, 200, 1])
  expect(JSON.parse(JSON.stringify(described))).toEqual(described)
  await slow()
  expect([a.pool.activeConnections, a.pool.peers.isBanned(b.pool.peerId)]).toEqual([0, true])
  expect(told.map(({ detail }) => detail.greylisted)).toEqual([...Array.from({ length: 9 }, () => false), true])
})

it('Peers.report: of a peer that was never connected a fault is kept, and nothing else', async () => {
  const { pool } = await new World().start('a')
  const [x, y] = ['x', 'y'] as PeerId[] as [PeerId, PeerId]
  await pool.peers.report(x, { kind: 'fault', reason: 'told by others' })
  await pool.peers.report(y, { kind: 'useless', reason: 'told by others' })
  expect([pool.peers.isBanned(x), pool.peers.isBanned(y), pool.peers.info(y)]).toEqual([true, false, undefined])
})

it('Peers.report: after a restart a liar is free, but what it did is known, and it is the last to be dialed', async () => {
  const { world, a, b } = await two()
  const c = await world.start('c')
  await world.clock.until(a.pool.connect(c.network.point))
  await world.clock.until(a.pool.peers.report(b.pool.peerId, { kind: 'fault', reason: 'it lied' }))
  await world.clock.until(a.pool.stop())
  const { storage } = a.pool.config
  const one = { minConnections: 1, expectedConnections: 1, maxParallelDials: 1 }
  const again = await world.start('a', { storage, point: '/ip4/10.9.9.9/tcp/1', ...one })
  expect(again.pool.peers.isBanned(b.pool.peerId)).toBe(false)
  expect(again.pool.peers.info(b.pool.peerId)?.lastReport).toMatchObject({ kind: 'fault', reason: 'it lied' })
  expect(again.pool.peers.getScore(b.pool.peerId)).toBeLessThan(-30)
  await world.clock.advance(1_000)
  expect([...again.pool.connectedPeerIds.keys()]).toEqual([c.pool.peerId])
})

it('Peers.report: another kind is an error that names it', async () => {
  const { a, b } = await two()
  const odd = { kind: 'rude', reason: 'r' } as unknown as Parameters<typeof a.pool.peers.report>[1]
  await expect(a.pool.peers.report(b.pool.peerId, odd)).rejects.toThrow(/'fault' or 'useless' or 'slow', got "rude"/)
  expect(a.pool.peers.info(b.pool.peerId)?.penalty.amount).toBe(0)
})
