/**
 * Two ways to compare the pool with the real thing side by side: `compare` for work that can be repeated at will, through
 * tinybench, and `alternate` for work that uses something up. In both, baseline and subject take turns, warm first, and
 * the median of several rounds counts, so that a busy machine hits both alike. Called by the row files.
 */
import { Bench } from 'tinybench'

export interface Timed {
  /** ns for one operation. */
  readonly baseline: number
  readonly ours: number
  readonly ratio: number
}

type Work = () => unknown

/** tinybench measures one call of the work, which does so many operations that the clock's own cost vanishes. */
export async function compare(
  { baseline, ours }: { baseline: Work; ours: Work },
  { ops, rounds = 7, timeMs = 60 }: { ops: { baseline: number; ours: number }; rounds?: number; timeMs?: number }
): Promise<Timed> {
  const nanoseconds: { baseline: number[]; ours: number[] } = { baseline: [], ours: [] }
  for (let round = -1; round < rounds; round++) {
    const bench = new Bench({ time: timeMs, iterations: 5, warmup: round < 0, throws: true })
    bench.add('baseline', baseline).add('ours', ours)
    await bench.run()
    if (round < 0) continue
    for (const name of ['baseline', 'ours'] as const) {
      const result = bench.getTask(name)?.result
      if (result?.state !== 'completed') throw new Error(`tinybench did not complete ${name}: ${result?.state}`)
      nanoseconds[name].push((result.latency.p50 * 1e6) / ops[name])
    }
  }
  return ratioOf(median(nanoseconds.baseline), median(nanoseconds.ours))
}

/** Each call prepares (untimed) one turn and gives the work to be timed, which does `ops` operations. */
export async function alternate(
  { baseline, ours }: { baseline: () => Work | Promise<Work>; ours: () => Work | Promise<Work> },
  { ops, rounds = 7, warmUp = 2 }: { ops: { baseline: number; ours: number }; rounds?: number; warmUp?: number }
): Promise<Timed> {
  const nanoseconds: { baseline: number[]; ours: number[] } = { baseline: [], ours: [] }
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, prepare] of Object.entries({ baseline, ours }) as ['baseline' | 'ours', () => Promise<Work>][]) {
      const work = await prepare()
      collectGarbage()
      const ns = await time(work)
      if (round >= 0) nanoseconds[name].push(ns / ops[name])
    }
  }
  return ratioOf(median(nanoseconds.baseline), median(nanoseconds.ours))
}

/** ns that the work takes, to the end of what it waits for. */
export async function time(work: Work): Promise<number> {
  const start = performance.now()
  const pending = work()
  // Work that does not wait must not be charged for a microtask.
  if (pending instanceof Promise) await pending
  return (performance.now() - start) * 1e6
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return ((sorted[middle] ?? Number.NaN) + (sorted[sorted.length - 1 - middle] ?? Number.NaN)) / 2
}

/** `run.ts` starts every row with `--expose-gc`. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('expected node --expose-gc')
  globalThis.gc()
}

function ratioOf(baseline: number, ours: number): Timed {
  return { baseline, ours, ratio: ours / baseline }
}
