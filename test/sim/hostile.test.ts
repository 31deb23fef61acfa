import { describe, expect, it } from 'vitest'
import { advertise } from './scenarios/flood.ts'
import { hungry } from './scenarios/hungry.ts'
import { swappers } from './scenarios/swappers.ts'
import { withoutStacks } from './without-stacks.ts'

/** Short forms of `npm run sim -- --scenario advertise`, `hungry` and `swappers`, whose full figures are in docs/simulation.md. */
const options = { seed: 1, checking: { everySteps: 200 } }

describe('unknown peers that try to fill a pool', () => {
  it('one that advertises 10,000 points makes us lose no proven point', async () => {
    const { figures, violations } = await withoutStacks(() => advertise.run({ ...options, pools: 24, minutes: 10 }))
    expect(violations, `seed ${options.seed}`).toEqual([])
    expect(figures.find(({ name }) => name.includes('proven points lost'))?.value).toMatch(/^0 of /)
  })

  it('one that advertises dead points to a pool below its minimum has it dial a few of them a minute, and keeps it from no honest peer', async () => {
    const { isMet, figures, violations } = await withoutStacks(() => hungry.run({ ...options, pools: 45, minutes: 8 }))
    expect(violations, `seed ${options.seed}`).toEqual([])
    expect(isMet, JSON.stringify(figures)).toBe(true)
  })

  it('two that swap whenever they may hold less than a tenth of the connections', async () => {
    const { isMet, figures, violations } = await withoutStacks(() => swappers.run({ ...options, pools: 50, minutes: 20 }))
    expect(violations, `seed ${options.seed}`).toEqual([])
    expect(isMet, JSON.stringify(figures)).toBe(true)
  })
})
