/** The fault runs of one CI run, half of the seeds in each of two test files, so that all processors get their share. */
import { expect } from 'vitest'
import { convergenceMs, faultRun } from './fault-run.ts'
import { withoutStacks } from './without-stacks.ts'

const pools = 12
const faultsMs = 240_000

export async function expectSeedsToHold(from: number, to: number): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    const report = await withoutStacks(() => faultRun({ seed, pools, faultsMs }))
    const command = `npm run sim -- --scenario faults --pools ${pools} --minutes ${faultsMs / 60_000} --seed ${seed}`
    expect(report.violations, `seed ${seed}: ${command}`).toEqual([])
    expect(report.convergedAfterS * 1_000, `seed ${seed}`).toBeLessThanOrEqual(convergenceMs)
    expect(report.faults, `seed ${seed}`).toBeGreaterThan(50)
  }
}
