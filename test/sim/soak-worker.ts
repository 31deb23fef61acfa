/** One thread of `soak.ts`: runs the seeds that it is given, one after the other. */
import { parentPort } from 'node:worker_threads'
import { faultRun } from './fault-run.ts'
import type { SoakTask } from './soak.ts'

parentPort?.on('message', ({ seed, pools, minutes }: SoakTask) => {
  void faultRun({ seed, pools, faultsMs: minutes * 60_000 }).then((report) => parentPort?.postMessage(report))
})
