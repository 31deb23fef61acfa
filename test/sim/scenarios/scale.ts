/**
 * What a pool costs in a small network and in a very large one. Beside both stands what one costs in small networks, as many of them at
 * once as make up the large one: what a processor takes longer for because so many pools share its caches is in that figure too, while
 * what grows with a network is not.
 */
import { memoryStorage, pagePreset } from '../../../src/core/index.ts'
import { costOf, perPoolHour } from '../cost.ts'
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
  pools: [10_000],
  async run({ pools, seed, minutes = defaultMinutes, checking = { everySteps: 1_000 } }) {
    const worldOf = (): Simulation => new Simulation({ seed, options: pagePreset, checking })
    const few = await measure(worldOf(), { pools: fewPools, minutes: minutes * longer })
    globalThis.gc?.()
    const apart = await measure(worldOf(), { pools, network: fewPools, minutes })
    globalThis.gc?.()
    const sim = worldOf()
    const many = await measure(sim, { pools, minutes })
    const { rss } = process.memoryUsage()
    const ratio = many.perPoolHour / few.perPoolHour
    return {
      figures: [
        figure(`processor ms per pool and virtual hour, ${fewPools} pools`, few.perPoolHour),
        figure(`the same, ${pools} pools in networks of ${fewPools}`, apart.perPoolHour),
        figure(`the same, ${pools} pools in one network`, many.perPoolHour),
        figure('ratio of the last to the first', ratio),
        figure('ratio of the last to the second', many.perPoolHour / apart.perPoolHour),
        figure(
          'steps of the world per pool and virtual hour',
          listed([few, apart, many], ({ stepsPerPoolHour }) => stepsPerPoolHour.toFixed())
        ),
        figure(
          'connections made per pool and virtual hour',
          listed([few, apart, many], ({ madePerPoolHour }) => madePerPoolHour.toFixed(1))
        ),
        figure('memory, GiB', rss / 2 ** 30),
        figure('heap per pool, KiB', process.memoryUsage().heapUsed / 1_024 / pools),
        figure('processor s until all had started and settled', many.startCpuS),
        figure('connections at the end: least, median, most', `${many.end.least}, ${many.end.middle}, ${many.end.most}`),
        figure(
          'known points of a pool, on average',
          listed([few, apart, many], ({ known }) => known.toFixed())
        ),
        figure('parts of the graph', many.end.parts ?? 0)
      ],
      isMet: ratio <= barRatio && rss <= barGiB * 2 ** 30,
      ...closing(sim),
      plot: undefined
    }
  }
}

interface Measured {
  /** Processor ms. */
  readonly perPoolHour: number
  readonly startCpuS: number
  /** What there was to do. */
  readonly stepsPerPoolHour: number
  readonly madePerPoolHour: number
  readonly end: ReturnType<typeof sampleOf>
  readonly known: number
}

function listed(all: readonly Measured[], text: (one: Measured) => string): string {
  return all.map(text).join(', ')
}

/** `network`: how many pools know of each other; the others are in networks of their own. */
async function measure(
  sim: Simulation,
  { pools, network = pools, minutes }: { pools: number; network?: number; minutes: number }
): Promise<Measured> {
  for (let own = 0; own < pools; own++) {
    const first = own - (own % network)
    sim.add({ storage: memoryStorage(storedText(sim, { own, first, count: Math.min(network, pools - first) })) })
  }
  sim.startAll(sim.machines, pools * startEveryMs)
  const started = await costOf(sim, pools * startEveryMs + settleMs)
  const [steps, made] = [sim.clock.steps, sim.log.count('connection-opened')]
  const cost = await costOf(sim, minutes * 60_000)
  const poolHours = (pools * minutes) / 60
  const stepsPerPoolHour = (sim.clock.steps - steps) / poolHours
  const madePerPoolHour = (sim.log.count('connection-opened') - made) / poolHours
  sim.check(sim.machines.slice(0, fewPools))
  const known = sim.machines.reduce((sum, { program }) => sum + (program?.state.points.size ?? 0), 0) / pools
  return {
    perPoolHour: perPoolHour(cost, pools),
    startCpuS: started.cpuMs / 1_000,
    stepsPerPoolHour,
    madePerPoolHour,
    end: sampleOf(sim),
    known
  }
}

/** What a pool has stored that has been in its network for days: the points of others, chosen at random, as many as its table aims at. */
function storedText({ random }: Simulation, { own, first, count }: { own: number; first: number; count: number }): string {
  const drawn = new Set<number>()
  const wanted = Math.min(knownPoints, count - 1)
  while (drawn.size < wanted) {
    const other = first + Math.floor(random.next() * count)
    if (other !== own) drawn.add(other)
  }
  const others = [...drawn]
  const points = others.map((other, i) => ({
    kind: 'point',
    point: addressOf(other),
    source: `peer${others[i - (i % toldAtOnce)]}`,
    discoverySource: 'advertise'
  }))
  return [{ format: 'p2p-pool', version: 1 }, ...points].map((line) => JSON.stringify(line)).join('\n')
}
