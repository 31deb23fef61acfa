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
  const told = record(a.pool, 'peer-reported', 'greylisted', 'disconnection')
  const heard = record(b.pool, 'external-disconnection')
  await world.clock.until(a.pool.peers.report(b.pool.peerId, { kind: 'fault', reason: 'a header with a bad proof' }))
  await world.clock.advance(100)
  expect(told.map(({ type }) => type).toSorted()).toEqual(['disconnection', 'greylisted', 'peer-reported'])
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

it('Peers.report: of a peer that nobody met a fault is kept, and nothing else', async () => {
  const { pool } = await new World().start('a')
  const [x, y] = ['x', 'y'] as PeerId[] as [PeerId, PeerId]
  await pool.peers.report(x, { kind: 'fault', reason: 'told by others' })
  await pool.peers.report(y, { kind: 'useless', reason: 'told by others' })
  expect([pool.peers.isBanned(x), pool.peers.isBanned(y), pool.peers.info(y)]).toEqual([true, false, undefined])
})
