/** How much faster than real time a small network runs, faults and invariants included. */
import { costOf } from '../cost.ts'
import { closing, figure, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const settleMs = 60_000
const defaultMinutes = 180
/** One machine dies so often and comes back, ms. */
const deathEveryMs = 60_000
const awayMs = 20_000
const barTimes = 1_000

export const speed: Scenario = {
  name: 'speed',
  about: 'pools with the defaults of Node, one of which dies and comes back every minute; invariants after every step',
  bar: 'at least 1,000 times real time with 20 pools, by processor time',
  pools: [20],
  async run({ pools, seed, minutes = defaultMinutes, checking }) {
    const sim = new Simulation({ seed, checking })
    const first = sim.add()
    await sim.clock.until(first.start())
    for (let i = 1; i < pools; i++) sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
    sim.startAll(sim.machines.slice(1))
    await sim.run(settleMs)
    const before = sim.clock.steps
    for (let at = 0; at < minutes * 60_000; at += deathEveryMs) {
      sim.at(at, () => {
        const machine = sim.up[Math.floor(sim.random.next() * sim.up.length)]
        if (machine === undefined) return
        sim.kill(machine)
        sim.at(awayMs, () => void machine.start())
      })
    }
    const { cpuMs, wallMs, virtualMs } = await costOf(sim, minutes * 60_000)
    sim.check()
    return {
      figures: [
        figure('virtual hours', minutes / 60),
        figure('times real time, by processor time', Math.round(virtualMs / cpuMs)),
        figure('times real time, on this machine as busy as it was', Math.round(virtualMs / wallMs)),
        figure('steps of the world', sim.clock.steps - before)
      ],
      isMet: virtualMs / cpuMs >= barTimes,
      ...closing(sim),
      plot: undefined
    }
  }
}
