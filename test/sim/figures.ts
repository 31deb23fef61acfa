/** What a scenario reads off its machines as time goes by: how many connections they have, and whether all hang together. */
import { componentsOf } from './graph.ts'
import type { Machine } from './machine.ts'
import type { Simulation } from './simulation.ts'

/** One look at all machines that run. */
export interface Sample {
  /** Virtual time, s. */
  readonly atS: number
  readonly machines: number
  /** Connections: the least, the middle, the most, of the machines looked at. */
  readonly least: number
  readonly middle: number
  readonly most: number
  readonly mean: number
  /** Machines within their targets. */
  readonly within: number
  /** Parts that the graph falls into; looked at now and then, since it costs a walk over all connections. */
  readonly parts: number | undefined
}

/** Looks between two walks over the graph. */
const partsEvery = 10

/** Has it between minTarget and maxTarget connections? */
export function isWithinTargets(machine: Machine): boolean {
  if (machine.pool === undefined || machine.program === undefined) return false
  const { active, bounds } = machine.program.state
  return active >= bounds.minTarget && active <= bounds.maxTarget
}

/** Looks at those of the machines that run. */
export function sampleOf(
  sim: Simulation,
  { machines = sim.machines, parts = true }: { machines?: readonly Machine[] | undefined; parts?: boolean } = {}
): Sample {
  const up = machines.filter(({ pool }) => pool !== undefined)
  const counts = up.map(({ active }) => active).sort((a, b) => a - b)
  return {
    atS: sim.clock.now() / 1_000,
    machines: up.length,
    least: counts[0] ?? 0,
    middle: counts[Math.floor(counts.length / 2)] ?? 0,
    most: counts.at(-1) ?? 0,
    mean: counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length),
    within: up.filter(isWithinTargets).length,
    parts: parts ? componentsOf(sim.machines, machines) : undefined
  }
}

/** Lets time pass with a look every so often; ends early when `until` says so. */
export async function watch(
  sim: Simulation,
  {
    forMs,
    everyMs = 1_000,
    machines,
    until
  }: { forMs: number; everyMs?: number; machines?: readonly Machine[] | undefined; until?: (sample: Sample) => boolean }
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let passed = 0; passed < forMs; passed += everyMs) {
    await sim.run(everyMs)
    const sample = sampleOf(sim, { machines, parts: samples.length % partsEvery === partsEvery - 1 })
    samples.push(sample)
    if (until?.(sample) === true) break
  }
  return samples
}

/** The instant from which on all that were looked at stayed within their targets, s; none: they were not at the end. */
export function settledAtS(samples: readonly Sample[]): number | undefined {
  const last = samples.findLastIndex(({ within, machines }) => within < machines)
  return samples[last + 1]?.atS
}
