import { expect, it } from 'vitest'
import { hostileIntroducers } from './scenarios/hostile-introducers.ts'
import { withoutStacks } from './without-stacks.ts'

/** A short form of `npm run sim -- --scenario hostile-introducer-ghosts`, whose full figures are in docs/simulation.md. */
it('twenty pages, one of which names peers that do not exist, stay in their bands and in one graph', {
  timeout: 60_000
}, async () => {
  const seed = 1
  const scenario = hostileIntroducers.find(({ name }) => name === 'hostile-introducer-ghosts')
  const report = await withoutStacks(async () => scenario?.run({ pools: 20, seed, minutes: 10, checking: { everySteps: 1_009 } }))
  expect(report?.violations, `seed ${seed}`).toEqual([])
  const figureOf = (name: string): string | undefined => report?.figures.find((one) => one.name.startsWith(name))?.value
  expect(figureOf('looks at the graph'), `seed ${seed}`).toMatch(/; 1$/)
  expect(Number.parseFloat(figureOf('time with at least their minimum') ?? ''), `seed ${seed}`).toBeGreaterThan(95)
})
