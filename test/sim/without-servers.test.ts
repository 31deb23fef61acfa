import { expect, it } from 'vitest'
import { PagesAlone } from './pages-alone.ts'

/** A short form of `npm run sim -- --scenario without-servers`, whose full figures are in docs/simulation.md. */
it('pages whose servers vanish stay in their bands and in one graph by introductions, and newcomers find their way', {
  timeout: 60_000
}, async () => {
  const world = new PagesAlone({ pages: 30, seed: 1, churn: 0.02 })
  await world.begin()
  await world.run(8 * 60_000)
  const { looked, inBand, parts, lost } = world.seen
  expect(inBand / looked).toBeGreaterThan(0.99)
  expect([parts, lost]).toEqual([1, 0])
  expect(world.sim.violations).toEqual([])
})
