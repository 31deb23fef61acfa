/** What a stretch of virtual time costs on this machine. Processor time, since others may work on it too. */
import type { Simulation } from './simulation.ts'

export interface Cost {
  readonly virtualMs: number
  readonly cpuMs: number
  readonly wallMs: number
}

/** Lets virtual time pass and says what it cost. */
export async function costOf(sim: Simulation, virtualMs: number): Promise<Cost> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await sim.run(virtualMs)
  const { user, system } = process.cpuUsage(before)
  return { virtualMs, cpuMs: (user + system) / 1_000, wallMs: performance.now() - startedAt }
}
