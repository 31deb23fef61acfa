import { expect, it } from 'vitest'
import { hostileIntroducers } from './scenarios/hostile-introducers.ts'
import { withoutStacks } from './without-stacks.ts'

/** A short form of `npm run sim -- --scenario hostile-introducer-ghosts`, whose full figures are in docs/simulation.md. */
it('an introducer that names peers that do not exist keeps no page of twenty below its minimum, and in no part of its own', {
  timeout: 60_000
}, async () => {
  const seed = 1
  const scenario = hostileIntroducers.find(({ name }) => name === 'hostile-introducer-ghosts')
  const report = await withoutStacks(async () => scenario?.run({ pools: 20, seed, minutes: 10, checking: { everySteps: 1_009 } }))
  expect(report?.violations, `seed ${seed}`).toEqual([])
  expect(report?.isMet, JSON.stringify(report?.figures)).toBe(true)
})
