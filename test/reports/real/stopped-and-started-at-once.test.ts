import { afterEach, expect, test } from 'vitest'
import type { NodePeer } from '../../../node/index.ts'
import { record } from '../../support/pools.ts'
import { addressOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

const names = ['connection-opened', 'connection-closed', 'connection-lost'] as const
const newsOf = ({ pool }: NodePeer) => record(pool, ...names)
const rounds = 4

test('a peer that is stopped and started at once is connected again in three seconds each time, with an event for each end and each beginning at both ends', async () => {
  const other = await startPeer()
  const me = await startPeer({ trustedPoints: [addressOf(other)], minConnections: 1, expectedConnections: 1 })
  const news = [me, other].map(newsOf)
  const together = (): Promise<void> =>
    expect.poll(() => [me, other].map(({ pool }) => pool.activeConnections), { timeout: 3_000, interval: 20 }).toEqual([1, 1])
  await together()
  for (let round = 0; round < rounds; round++) {
    await me.node.stop()
    await me.node.start()
    await together()
  }
  for (const heard of news) {
    const order = heard.map(({ type }) => (type === 'connection-opened' ? 'begins' : 'ends'))
    expect(order).toEqual(Array.from({ length: order.length }, (_, i) => ((i + heardBefore(order)) % 2 === 0 ? 'begins' : 'ends')))
    expect(order.filter((one) => one === 'ends')).toHaveLength(rounds)
    expect(order.at(-1)).toBe('begins')
  }
})

/** The first connection may have been there before we listened. */
const heardBefore = (order: readonly string[]): number => (order[0] === 'begins' ? 0 : 1)

test('the last call on a pool holds, however fast it is stopped and started', async () => {
  const other = await startPeer()
  const me = await startPeer({ trustedPoints: [addressOf(other)], minConnections: 1, expectedConnections: 1 })
  const { pool } = me
  await Promise.all([pool.stop(), pool.start(), pool.stop(), pool.start()])
  expect(pool.status).toBe('running')
  await expect.poll(() => pool.activeConnections, { timeout: 3_000 }).toBe(1)
  await Promise.all([pool.stop(), pool.start(), pool.stop()])
  expect(pool.status).toBe('stopped')
})
