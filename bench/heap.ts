/**
 * Rows about memory. Each figure is the growth of a process of its own (`heap-probe.ts`), heap and what is outside it, after
 * the garbage was collected; the kinds take turns, and medians count.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bytes, growthOf, type Row, significant } from './row.ts'
import { median } from './timing.ts'

const probeFile = fileURLToPath(new URL('heap-probe.ts', import.meta.url))
const run = promisify(execFile)

export async function peerHeap(): Promise<Row[]> {
  const steps: [number, { baseline: number; ours: number }][] = []
  for (const size of [1e3, 1e4]) {
    const measured = await inTurns(['store', 'pool'], { size: () => size, rounds: 3 })
    steps.push([size, { baseline: measured.store ?? Number.NaN, ours: measured.pool ?? Number.NaN }])
  }
  const parts = await inTurns(['peer', 'point'], { size: () => 1e4, rounds: 3 })
  const only = { peer: parts.peer ?? Number.NaN, point: parts.point ?? Number.NaN }
  const worst = steps.map(([, step]) => step).reduce((a, b) => (a.ours / a.baseline > b.ours / b.baseline ? a : b))
  const share = worst.ours / worst.baseline
  return [
    {
      work: 'heap per known peer with an address',
      against: 'libp2p PeerStore',
      bar: 'at most half',
      baseline: bytes(worst.baseline),
      ours: bytes(worst.ours),
      result: `${significant(share)} of it at worst`,
      met: share <= 0.5,
      growth: growthOf(steps.map(([size, { baseline, ours }]) => [size, `${bytes(ours)} of ${bytes(baseline)}`])),
      note: `A peer, and a point that expects it: ${bytes(only.peer)} and ${bytes(only.point)} at 1e4. By default there are 400 of each.`
    }
  ]
}

export async function connectionHeap(): Promise<Row[]> {
  const measured = await inTurns(['connection', 'stream', 'running'], { size: () => 60, rounds: 5 })
  const { connection = Number.NaN, stream = Number.NaN, running = Number.NaN } = measured
  const share = (running - connection) / connection
  return [
    {
      work: 'heap that the pool adds per running connection',
      against: 'the libp2p connection itself',
      bar: 'at most a fifth',
      baseline: bytes(connection),
      ours: bytes(running - connection),
      result: `${significant(share)} of it`,
      met: share <= 0.2,
      growth: '–',
      note:
        `60 connections, both ends in one process, so all is there twice. One open libp2p stream per connection, without a pool, adds ${bytes(stream - connection)}, ` +
        `${significant((stream - connection) / connection)} of the connection: the whole bar. The other ${bytes(running - stream)}, by heap snapshots, for both ends together: ` +
        'link, channel, connection and attempt 1.6 kB, records of peer and point with what happened to them 1.4 kB, ' +
        'the waiting reader and its promises, closures and contexts 4 kB, eight event listeners that libp2p wraps twice each 2 kB, dates and counters 0.8 kB, ' +
        "the tag in libp2p's peer store, buffers, loggers and compiled code the rest."
    }
  ]
}

async function inTurns(
  kinds: readonly string[],
  { size, rounds }: { size: (kind: string) => number; rounds: number }
): Promise<Partial<Record<string, number>>> {
  const figures = new Map<string, number[]>(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      const { stdout } = await run(process.execPath, ['--expose-gc', '--max-old-space-size=8192', probeFile, kind, String(size(kind))])
      figures.get(kind)?.push(Number(stdout))
    }
  }
  return Object.fromEntries(Array.from(figures, ([kind, values]) => [kind, median(values)]))
}
