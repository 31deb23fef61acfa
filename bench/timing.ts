/** Compares two kinds of work side by side in this process: they take turns, warm first, so that a busy machine slows both alike. */
import type { Rounds } from './row.ts'

type Work = () => unknown

/** Each call prepares (untimed) one turn and gives the work to be timed, which does `ops` operations. The rounds are ms per operation. */
export async function alternate(
  { baseline, ours }: { baseline: () => Work | Promise<Work>; ours: () => Work | Promise<Work> },
  { ops, rounds = 7, warmUp = 2 }: { ops: { baseline: number; ours: number }; rounds?: number; warmUp?: number }
): Promise<Rounds> {
  const measured = { baseline: [] as number[], ours: [] as number[] }
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, prepare] of Object.entries({ baseline, ours }) as ['baseline' | 'ours', () => Promise<Work>][]) {
      const work = await prepare()
      collectGarbage()
      const ms = await time(work)
      if (round >= 0) measured[name].push(ms / ops[name])
    }
  }
  return measured
}

/** ms that the work takes, to the end of what it waits for. */
async function time(work: Work): Promise<number> {
  const start = performance.now()
  const pending = work()
  // Work that does not wait must not be charged for a microtask.
  if (pending instanceof Promise) await pending
  return performance.now() - start
}

/** `run.ts` starts every row with `--expose-gc`. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('expected node --expose-gc')
  globalThis.gc()
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
