import { expect, it } from 'vitest'
import type { LinkBudget } from '../../../src/core/index.ts'
import type { NetworkHandlers } from '../../../src/core/values/ports.ts'
import { record, World } from '../../support/pools.ts'

it('a budget of links is in the snapshot, with an event when it gets low and when it is spent', async () => {
  const world = new World()
  const { pool, network } = world.make('a')
  const told = record(pool, 'link-budget')
  let handlers: NetworkHandlers | undefined
  const start = network.start.bind(network)
  network.start = (given) => {
    handlers = given
    return start(given)
  }
  await world.clock.until(pool.start())
  expect(pool.snapshot().linkBudget).toBeNull()
  for (const [used, state] of [
    [1, 'plenty'],
    [2, 'low'],
    [3, 'low'],
    [4, 'spent']
  ] as const) {
    const budget: LinkBudget = { used, max: 4, state }
    Object.assign(network, { budget })
    handlers?.budgetChanged?.()
    expect(pool.snapshot().linkBudget).toEqual(budget)
  }
  await world.clock.advance(1)
  expect(told.map(({ detail }) => detail.state)).toEqual(['low', 'spent'])
})
