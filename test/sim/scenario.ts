/** What every scenario is: a name, what happens, the bar, and a run that gives figures. One file each in `scenarios/`. */
import type { Plot } from './plot.ts'
import { type Checking, Simulation } from './simulation.ts'

export interface RunOptions {
  readonly pools: number
  readonly seed: number
  /** How often invariants are checked; a scenario may know better than the command line, which leaves it out. */
  readonly checking: Checking | undefined
  /** Virtual minutes, where a scenario has no length of its own. */
  readonly minutes: number | undefined
  /** Every pool has the option `introductions`. */
  readonly introductions?: boolean | undefined
  /** Of the scenario `playground` alone: see `world-settings.ts`. */
  readonly world?: string | undefined
  /** Takes lines for people who wait for a long run. */
  readonly progress?: ((line: string) => void) | undefined
}

export interface Figure {
  readonly name: string
  readonly value: string
}

export interface Report {
  readonly figures: readonly Figure[]
  /** Was the bar met? None: it has no bar, or one about speed that this machine must judge. */
  readonly isMet: boolean | undefined
  /** Broken invariants; none is the only good number. */
  readonly violations: readonly string[]
  /** The event log as one number. */
  readonly hash: string
  readonly plot: Plot | undefined
}

export interface Scenario {
  readonly name: string
  /** What happens, for people. */
  readonly about: string
  readonly bar: string
  /** How many pools, one run for each number, unless the command says otherwise. The bar holds for each. */
  readonly pools: readonly number[]
  run(options: RunOptions): Promise<Report>
}

/** An empty world of such pools. `everySteps`: how often invariants are checked, unless the command says it. */
export function worldOf({ seed, checking, introductions = false }: RunOptions, everySteps?: number): Simulation {
  return new Simulation({ seed, checking: checking ?? (everySteps === undefined ? undefined : { everySteps }), options: { introductions } })
}

/** What every report says of its simulation. */
export function closing(sim: Simulation): Pick<Report, 'violations' | 'hash'> {
  return { violations: sim.violations, hash: sim.log.hash }
}

export function figure(name: string, value: string | number): Figure {
  return { name, value: typeof value === 'number' ? rounded(value) : value }
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2)
}
