/** Half of all machines die in one instant; the others must find each other again. */
import { settledAtS, watch } from '../figures.ts'
import { bandPlot } from '../plot.ts'
import { closing, figure, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const settleMs = 300_000
const forMs = 180_000
const barS = 60

export const halfDie: Scenario = {
  name: 'half-die',
  about: 'half of all pools die in one instant, a quarter of these silently, so that dials to them time out',
  bar: 'the survivors are back within their targets in 60 virtual seconds',
  pools: [200],
  async run({ pools, seed, checking = { everySteps: 50 } }) {
    const sim = new Simulation({ seed, checking })
    const first = sim.add()
    await sim.clock.until(first.start())
    for (let i = 1; i < pools; i++) sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
    sim.startAll(sim.machines.slice(1))
    await sim.run(settleMs)
    const before = sim.clock.now() / 1_000
    const dying = sim.machines.filter(({ index }) => index % 2 === 0)
    for (const [i, machine] of dying.entries()) sim.kill(machine, { dark: i % 4 === 0 })
    const survivors = sim.machines.filter(({ index }) => index % 2 === 1)
    const samples = (await watch(sim, { forMs, machines: survivors })).map((sample) => ({ ...sample, atS: sample.atS - before }))
    sim.check()
    const settled = settledAtS(samples)
    const back = samples.find(({ within, machines, atS }) => within === machines && atS > 1)
    const atBar = samples.find(({ atS }) => atS >= barS)
    const { bounds } = survivors[0]?.program?.state ?? {}
    return {
      figures: [
        figure('all survivors within their targets, after s', back?.atS ?? 'not yet'),
        figure('and for good, after s', settled ?? 'not yet'),
        figure(`within their targets after ${barS} s`, `${atBar?.within} of ${atBar?.machines}`),
        figure('the least after the loss', Math.min(...samples.map(({ least }) => least))),
        figure('parts of the graph at the end', samples.at(-1)?.parts ?? 'unknown')
      ],
      isMet: back !== undefined && back.atS <= barS && atBar !== undefined && atBar.within === atBar.machines,
      ...closing(sim),
      plot: bounds === undefined ? undefined : bandPlot(`Half of ${pools} pools die in one instant`, samples, bounds)
    }
  }
}
