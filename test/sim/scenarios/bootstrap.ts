/** Pools with the defaults of Node that know one point only: the one everybody begins with. */
import { settledAtS, watch } from '../figures.ts'
import { bandPlot } from '../plot.ts'
import { closing, figure, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const forMs = 420_000
const barS = 300

export const bootstrap: Scenario = {
  name: 'bootstrap',
  about: 'all pools, with the defaults of Node, are started within a second and know one bootstrap point',
  bar: 'all within their targets after 5 virtual minutes, one connected graph',
  pools: [1_000],
  async run({ pools, seed, checking = { everySteps: 200 } }) {
    const sim = new Simulation({ seed, checking })
    const first = sim.add()
    await sim.clock.until(first.start())
    const others = Array.from({ length: pools - 1 }, () =>
      sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
    )
    sim.startAll(others)
    const samples = await watch(sim, { forMs })
    sim.check()
    const atBar = samples.find(({ atS }) => atS >= barS)
    const settled = settledAtS(samples)
    const last = samples.at(-1)
    const bounds = first.program?.state.bounds
    return {
      figures: [
        figure('all within their targets for good, after s', settled ?? 'not yet'),
        figure(`within their targets after ${barS} s`, `${atBar?.within} of ${atBar?.machines}`),
        figure('parts of the graph then', atBar?.parts ?? 0),
        figure('connections at the end: least, median, most', `${last?.least}, ${last?.middle}, ${last?.most}`),
        figure('dials, of which connected', `${sim.log.count('dial-started')}, ${sim.log.count('connection-opened') / 2}`),
        figure('disconnections by a pool', sim.log.count('connection-closed'))
      ],
      isMet: settled !== undefined && settled <= barS && atBar?.parts === 1,
      ...closing(sim),
      plot: bounds === undefined ? undefined : bandPlot(`${pools} pools know one bootstrap point`, samples, bounds)
    }
  }
}
