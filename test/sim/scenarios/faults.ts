/** One seed of the fault runs, to look at: what `npm run sim:soak` does with many. */
import { convergenceMs, faultRun } from '../fault-run.ts'
import { figure, type Scenario } from '../scenario.ts'

export const faults: Scenario = {
  name: 'faults',
  about: 'crashes, stops, partitions, loss, slowness, clock jumps, bans, trust, other bands, wishes of users, by chance; then none',
  bar: `no invariant broken, all together again ${convergenceMs / 60_000} virtual minutes after the faults, nothing left after the stop`,
  pools: [20],
  async run({ pools, seed, minutes = 5, checking }) {
    const report = await faultRun({ seed, pools, faultsMs: minutes * 60_000, checking })
    return {
      figures: [
        figure('faults and wishes', report.faults),
        figure('steps of the world', report.steps),
        figure('all together again after s', report.convergedAfterS),
        ...report.lines.map((line, i) => figure(`event ${i - report.lines.length}`, line))
      ],
      isMet: report.violations.length === 0,
      violations: report.violations,
      hash: report.hash,
      plot: undefined
    }
  }
}
