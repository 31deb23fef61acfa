/** The fault runs of one CI run, a quarter of the seeds in each of four test files, so that all processors get their share. */
import { expect } from 'vitest'
import { convergenceMs, faultRun } from './fault-run.ts'

const pools = 20
const faultsMs = 240_000

export async function expectSeedsToHold(from: number, to: number): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    const report = await faultRun({ seed, pools, faultsMs })
    expect(report.violations, `seed ${seed}: npm run sim -- --scenario faults --minutes ${faultsMs / 60_000} --seed ${seed}`).toEqual([])
    expect(report.convergedAfterS * 1_000, `seed ${seed}`).toBeLessThanOrEqual(convergenceMs)
    expect(report.faults, `seed ${seed}`).toBeGreaterThan(50)
  }
}
