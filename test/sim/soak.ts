/**
 * `npm run sim:soak`: fault runs of many seeds over worker threads, one network each. Prints what was broken, with the seed that
 * shows it again (`npm run sim -- --scenario faults --seed S`), and ends with 1 if anything was.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { FaultRunReport } from './fault-run.ts'

/** What a worker is told; it answers with a `FaultRunReport`. */
export interface SoakTask {
  readonly seed: number
  readonly pools: number
  readonly minutes: number
}

const usage = `npm run sim:soak -- [--seeds N] [--from S] [--pools P] [--minutes M] [--workers W]

  --seeds    how many seeds (default 10000)
  --from     the first of them (default 1)
  --pools    pools in each run (default 20)
  --minutes  virtual minutes under faults (default 5)
  --workers  threads (default: one for each core)
`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    pools: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '5' },
    workers: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', default: false }
  }
})

const everyReports = 500

if (values.help) console.log(usage)
else process.exitCode = await soak()

async function soak(): Promise<number> {
  const [seeds, from, pools, minutes, workers] = [values.seeds, values.from, values.pools, values.minutes, values.workers].map(Number) as [
    number,
    number,
    number,
    number,
    number
  ]
  for (const value of [seeds, from, pools, minutes, workers])
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`expected whole numbers from 1, got ${value}\n\n${usage}`)
  const startedAt = performance.now()
  const totals = { done: 0, broken: 0, faults: 0, steps: 0, slowestS: 0 }
  let next = from
  const took = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`
  const heard = (report: FaultRunReport): void => {
    totals.done++
    totals.faults += report.faults
    totals.steps += report.steps
    totals.slowestS = Math.max(totals.slowestS, report.convergedAfterS)
    if (report.violations.length > 0) {
      totals.broken++
      console.log(
        `seed ${report.seed} BROKEN:\n  ${report.violations.join('\n  ')}\n  the last events:\n  ${report.lines.slice(-15).join('\n  ')}`
      )
    }
    if (totals.done % everyReports === 0) console.log(`${totals.done} seeds, ${totals.broken} broken, ${took()}`)
  }
  await Promise.all(
    Array.from({ length: workers }, () => work(() => (next < from + seeds ? { seed: next++, pools, minutes } : undefined), heard))
  )
  console.log(
    `${totals.done} seeds of ${pools} pools, ${minutes} virtual minutes under ${totals.faults} faults, ${totals.steps} steps, ${took()}`
  )
  console.log(`seeds with something broken: ${totals.broken}; all together again after at most ${totals.slowestS} virtual s`)
  return totals.broken === 0 ? 0 : 1
}

/** Gives one worker task after task. */
function work(task: () => SoakTask | undefined, heard: (report: FaultRunReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./soak-worker.ts', import.meta.url))
    const give = (): void => {
      const given = task()
      if (given === undefined) void worker.terminate().then(() => resolve())
      else worker.postMessage(given)
    }
    worker.on('message', (report: FaultRunReport) => {
      heard(report)
      give()
    })
    worker.on('error', reject)
    give()
  })
}
