/** What a pool costs in a small network and in a very large one. */
import { pagePreset } from '../../../src/core/index.ts'
import { type Cost, costOf, perPoolHour } from '../cost.ts'
import { sampleOf } from '../figures.ts'
import { closing, figure, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const fewPools = 100
/** The machines join one bootstrap peer over so long, ms for each. */
const joinEveryMs = 20
const settleMs = 300_000
const defaultMinutes = 30
/** The small network is looked at for so many times as long, for a figure as sure. */
const longer = 20
const barRatio = 1.5
const barGiB = 24

export const scale: Scenario = {
  name: 'scale',
  about: `pools with the band of a page and tables of 400; what one costs beside one of ${fewPools}`,
  bar: 'runs in 24 GiB; cost per pool and virtual hour at most 1.5 times that with 100 pools',
  pools: 10_000,
  async run({ pools, seed, minutes = defaultMinutes, checking = { everySteps: 1_000 } }) {
    const few = await measure(new Simulation({ seed, options: pagePreset, checking }), fewPools, minutes * longer)
    globalThis.gc?.()
    const sim = new Simulation({ seed, options: pagePreset, checking })
    const many = await measure(sim, pools, minutes)
    const { rss } = process.memoryUsage()
    const [small, large] = [perPoolHour(few.cost, fewPools), perPoolHour(many.cost, pools)]
    const ratio = large / small
    return {
      figures: [
        figure(`processor ms per pool and virtual hour, ${fewPools} pools`, small),
        figure(`the same, ${pools} pools`, large),
        figure('ratio', ratio),
        figure('memory, GiB', rss / 2 ** 30),
        figure('heap per pool, KiB', process.memoryUsage().heapUsed / 1_024 / pools),
        figure('processor s to start them all', many.startCpuS),
        figure('connections at the end: least, median, most', `${many.end.least}, ${many.end.middle}, ${many.end.most}`),
        figure('known points of a pool, on average', many.known),
        figure('parts of the graph', many.end.parts ?? 0)
      ],
      isMet: ratio <= barRatio && rss <= barGiB * 2 ** 30,
      ...closing(sim),
      plot: undefined
    }
  }
}

interface Measured {
  readonly cost: Cost
  readonly startCpuS: number
  readonly end: ReturnType<typeof sampleOf>
  readonly known: number
}

async function measure(sim: Simulation, pools: number, minutes: number): Promise<Measured> {
  const first = sim.add()
  await sim.clock.until(first.start())
  for (let i = 1; i < pools; i++) sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
  sim.startAll(sim.machines.slice(1), pools * joinEveryMs)
  const started = await costOf(sim, pools * joinEveryMs + settleMs)
  const cost = await costOf(sim, minutes * 60_000)
  sim.check(sim.machines.slice(0, fewPools))
  const known = sim.machines.reduce((sum, { program }) => sum + (program?.state.parts.points.size ?? 0), 0) / pools
  return { cost, startCpuS: started.cpuMs / 1_000, end: sampleOf(sim), known }
}
