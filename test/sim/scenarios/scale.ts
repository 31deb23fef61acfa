/** What a pool costs in a small network and in a very large one. */
import { memoryStorage, pagePreset } from '../../../src/core/index.ts'
import { type Cost, costOf, perPoolHour } from '../cost.ts'
import { sampleOf } from '../figures.ts'
import { closing, figure, type Scenario } from '../scenario.ts'
import { Simulation } from '../simulation.ts'
import { addressOf } from '../world-map.ts'

const fewPools = 100
/** They are started one after the other, ms for each. */
const startEveryMs = 2
/** Connections have come to rest: the first look for strangers, in all pools at once, is long over. */
const settleMs = 900_000
/** The target of the default table. */
const knownPoints = 300
/** Points that one peer told. */
const toldAtOnce = 15
const defaultMinutes = 30
/** The small network is looked at for so many times as long, for a figure as sure. */
const longer = 20
const barRatio = 1.5
const barGiB = 24

export const scale: Scenario = {
  name: 'scale',
  about: `pools with the band of a page and tables as full as after days; what one costs beside one of ${fewPools}`,
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
        figure('steps of the world per pool and virtual hour', `${Math.round(few.stepsPerPoolHour)}, ${Math.round(many.stepsPerPoolHour)}`),
        figure('connections made per pool and virtual hour', `${few.madePerPoolHour.toFixed(1)}, ${many.madePerPoolHour.toFixed(1)}`),
        figure('memory, GiB', rss / 2 ** 30),
        figure('heap per pool, KiB', process.memoryUsage().heapUsed / 1_024 / pools),
        figure('processor s until all had started and settled', many.startCpuS),
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
  /** What there was to do. */
  readonly stepsPerPoolHour: number
  readonly madePerPoolHour: number
  readonly end: ReturnType<typeof sampleOf>
  readonly known: number
}

async function measure(sim: Simulation, pools: number, minutes: number): Promise<Measured> {
  for (let i = 0; i < pools; i++) sim.add({ storage: memoryStorage(storedText(sim, { own: i, pools })) })
  sim.startAll(sim.machines, pools * startEveryMs)
  const started = await costOf(sim, pools * startEveryMs + settleMs)
  const [steps, made] = [sim.clock.steps, sim.log.count('connection-established')]
  const cost = await costOf(sim, minutes * 60_000)
  const poolHours = (pools * minutes) / 60
  const stepsPerPoolHour = (sim.clock.steps - steps) / poolHours
  const madePerPoolHour = (sim.log.count('connection-established') - made) / poolHours
  sim.check(sim.machines.slice(0, fewPools))
  const known = sim.machines.reduce((sum, { program }) => sum + (program?.state.parts.points.size ?? 0), 0) / pools
  return { cost, startCpuS: started.cpuMs / 1_000, stepsPerPoolHour, madePerPoolHour, end: sampleOf(sim), known }
}

/** What a pool has stored that has been in a network of this size for days: the points of others, chosen at random, as many as its table aims at. */
function storedText({ random }: Simulation, { own, pools }: { own: number; pools: number }): string {
  const drawn = new Set<number>()
  const count = Math.min(knownPoints, pools - 1)
  while (drawn.size < count) {
    const other = Math.floor(random.next() * pools)
    if (other !== own) drawn.add(other)
  }
  const others = [...drawn]
  const points = others.map((other, i) => ({ point: addressOf(other), source: `peer${others[i - (i % toldAtOnce)]}`, medium: 'advertise' }))
  return JSON.stringify({ format: 'p2p-pool', version: 1, points })
}
