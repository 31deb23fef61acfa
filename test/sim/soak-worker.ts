/**
 * One thread of `soak.ts`: runs the seeds that it is given, one after the other. Errors have no stacks here: making those of
 * refusals, which nobody reads, took a tenth of the time. `npm run sim -- --scenario faults --seed S` shows them.
 */
import { parentPort } from 'node:worker_threads'
import { faultRun } from './fault-run.ts'
import type { SoakTask } from './soak.ts'

Error.stackTraceLimit = 0

parentPort?.on('message', ({ seed, pools, minutes }: SoakTask) => {
  void faultRun({ seed, pools, faultsMs: minutes * 60_000 }).then((report) => parentPort?.postMessage(report))
})
