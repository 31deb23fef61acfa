/** Machines that come and go: every minute a tenth of them are killed, and each comes back after a while. */
import { type Sample, sampleOf } from '../figures.ts'
import type { Machine } from '../machine.ts'
import { bandPlot } from '../plot.ts'
import { closing, figure, percent, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const settleMs = 300_000
const deathsPerMinute = 0.1
/** A machine is away for up to so long, ms. */
const maxAwayMs = 60_000
/** Of those that go, so many say goodbye, and so many go dark; the rest are killed and their machine tells. */
const politeShare = 0.25
const darkShare = 0.25
/** One that has just come back is not counted for so long, ms: it has had no time to be anywhere. */
const graceMs = 10_000
const barShare = 0.99

export const churn: Scenario = {
  name: 'churn',
  about: 'every minute a tenth of the pools die (some with goodbye, some silently) and come back within a minute, for an hour',
  bar: 'within the targets at least 99 % of the time, the graph never splits',
  // Few pools are harder than many: each holds nearly all others, and who comes back finds nobody new.
  pools: [50, 70, 90, 100],
  async run({ pools, seed, minutes = 60, checking = { everySteps: 10 } }) {
    const sim = new Simulation({ seed, checking })
    const first = sim.add()
    await sim.clock.until(first.start())
    for (let i = 1; i < pools; i++) sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
    sim.startAll(sim.machines.slice(1))
    await sim.run(settleMs)
    const startedAt = new Map<Machine, number>()
    const samples: Sample[] = []
    const all = { machines: 0, within: 0 }
    let deaths = 0
    for (let second = 0; second < minutes * 60; second++) {
      for (const machine of sim.up) {
        if (sim.random.next() >= deathsPerMinute / 60) continue
        deaths++
        die(sim, machine)
        sim.at(sim.random.next() * maxAwayMs, () => {
          startedAt.set(machine, sim.clock.now())
          void machine.start()
        })
      }
      await sim.run(1_000)
      const settled = sim.machines.filter((machine) => sim.clock.now() - (startedAt.get(machine) ?? 0) > graceMs)
      samples.push(sampleOf(sim, { machines: settled }))
      const { machines, within } = sampleOf(sim, { parts: false })
      all.machines += machines
      all.within += within
    }
    sim.check()
    const looks = samples.reduce((sum, { machines }) => sum + machines, 0)
    const within = samples.reduce((sum, sample) => sum + sample.within, 0) / looks
    const splits = samples.filter(({ parts }) => parts !== 1).length
    const { bounds } = first.program?.state ?? sim.up[0]?.program?.state ?? {}
    return {
      figures: [
        figure('time within their targets', percent(within)),
        figure('the same with those that began less than 10 s ago', percent(all.within / all.machines)),
        figure('seconds in which the graph was split', splits),
        figure('deaths', deaths),
        figure(
          'connections: least, median of medians, most',
          `${extreme(samples, 'least')}, ${middle(samples)}, ${extreme(samples, 'most')}`
        ),
        figure('dials, of which connected', `${sim.log.count('dial-started')}, ${sim.log.count('connection-opened') / 2}`)
      ],
      isMet: within >= barShare && splits === 0,
      ...closing(sim),
      plot: bounds === undefined ? undefined : bandPlot(`${pools} pools, of which a tenth dies every minute`, samples, bounds)
    }
  }
}

function die(sim: Simulation, machine: Machine): void {
  const how = sim.random.next()
  if (how < politeShare) {
    sim.note(`machine ${machine.index} stops`)
    void machine.stop()
  } else {
    sim.kill(machine, { dark: how < politeShare + darkShare })
  }
}

function extreme(samples: readonly Sample[], which: 'least' | 'most'): number {
  const values = samples.map((sample) => sample[which])
  return which === 'least' ? Math.min(...values) : Math.max(...values)
}

function middle(samples: readonly Sample[]): number {
  return samples.map((sample) => sample.middle).sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0
}
