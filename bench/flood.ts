/**
 * Rows: new points without end into a small full table, from the operator's door, where each is taken and something else
 * goes, and as strangers send them, where caps turn most away. Against a map of the same size, which forgets the oldest.
 */
import type { Point } from '../src/core/index.ts'
import { duration, growthOf, type Row, significant, times } from './row.ts'
import { alternate, type Timed } from './timing.ts'
import { peerTexts, pointTexts, quietPool } from './world.ts'

const size = { max: 400, target: 300 }
const lengths = [1e3, 1e4, 1e5, 1e6]
/** As many points as an Advertise holds. */
const perMessage = 100
const senders = peerTexts(1_000, 3)
const atMost = 8

export async function flood(): Promise<Row[]> {
  return [
    await floodRow('one by one, all taken', (pool, points) => {
      for (const point of points) pool.registerNewPoint(point)
    }),
    await floodRow(`told by ${senders.length} peers, ${perMessage} a message`, (pool, points) => {
      for (let i = 0; i < points.length; i += perMessage) {
        const message = points.slice(i, i + perMessage).map((point) => ({ point, expectedPeerId: undefined }))
        const source = senders[(i / perMessage) % senders.length]
        if (source !== undefined) pool.registerNewPoints(message, { discoverySource: 'advertise', source })
      }
    })
  ]
}

async function floodRow(how: string, send: (pool: ReturnType<typeof quietPool>, points: readonly Point[]) => void): Promise<Row> {
  const steps: [number, Timed][] = []
  let from = 0
  const fresh = (length: number): Point[] => {
    const points = pointTexts(length, from)
    from += length
    return points
  }
  for (const length of lengths) {
    // Short floods are repeated in one turn, or the clock would be what is measured.
    const repeats = Math.max(1, 1e5 / length)
    const timed = await alternate(
      {
        baseline: () => {
          const floods = Array.from({ length: repeats }, () => ({ known: filledMap(fresh(size.max)), points: fresh(length) }))
          return () => {
            for (const { known, points } of floods) {
              for (const point of points) {
                known.set(point, length)
                if (known.size > size.max) known.delete(known.keys().next().value as Point)
              }
            }
          }
        },
        ours: () => {
          const floods = Array.from({ length: repeats }, () => {
            const pool = quietPool({ maxKnownPoints: size })
            for (const point of fresh(size.max)) pool.registerNewPoint(point)
            return { pool, points: fresh(length) }
          })
          return () => {
            for (const { pool, points } of floods) send(pool, points)
          }
        }
      },
      { ops: { baseline: repeats * length, ours: repeats * length }, rounds: 5 }
    )
    steps.push([length, timed])
  }
  const last = steps.at(-1)?.[1] as Timed
  const first = steps.at(0)?.[1] as Timed
  const grows = last.ours / first.ours
  return {
    work: `flood of 1e6 new points into \`{ max: 400, target: 300 }\`: ${how}`,
    against: 'bare `Map.set` plus `delete`',
    bar: `at most ${atMost} times its cost per point, no growth with the flood`,
    baseline: duration(last.baseline),
    ours: duration(last.ours),
    result: `${times(last.ratio)}; at 1e6 ${significant(grows)} of the cost at 1e3`,
    met: last.ratio <= atMost && grows <= 1.25,
    growth: growthOf(steps.map(([length, { ours, ratio }]) => [length, `${duration(ours)} (${times(ratio)})`])),
    note: ''
  }
}

function filledMap(points: readonly Point[]): Map<Point, number> {
  return new Map(points.map((point, i) => [point, i]))
}
