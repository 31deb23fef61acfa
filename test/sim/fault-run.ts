/**
 * One run in two phases: machines under every fault that the simulator knows, by chance, with the invariants after each step; then
 * the faults end, and all must find together again. Then everything stops, and nothing may be left. One seed is one run.
 */
import type { PoolOptions } from '../../src/core/index.ts'
import { brokenAfterStop, brokenBetween, brokenWhenCalm } from './cross-invariants.ts'
import { componentsOf } from './graph.ts'
import type { Machine } from './machine.ts'
import { Mischief } from './mischief.ts'
import { type Checking, pointOf, Simulation } from './simulation.ts'

export interface FaultRunOptions {
  readonly seed: number
  readonly pools: number
  /** Virtual time under faults, ms. */
  readonly faultsMs: number
  readonly checking?: Checking | undefined
}

export interface FaultRunReport {
  readonly seed: number
  readonly violations: readonly string[]
  /** The last lines of the event log, if something was wrong. */
  readonly lines: readonly string[]
  readonly hash: string
  /** Virtual seconds from the end of the faults until all were within their band and together. */
  readonly convergedAfterS: number
  readonly faults: number
  readonly steps: number
}

/** All must be together again so long after the faults, ms. */
export const convergenceMs = 600_000
const settleMs = 60_000
/** After the last attempt has had its time, its goodbyes have arrived, and links whose other end is gone have been given up, ms. */
const calmMs = 40_000

/** Small tables and short pauses: full, and on the move, most of the time. */
const options: Partial<PoolOptions> = {
  minConnections: 2,
  expectedConnections: 5,
  maxConnections: 8,
  maxParallelDials: 3,
  maxIncoming: 6,
  maxKnownPoints: { max: 24, target: 18 },
  maxKnownPeers: { max: 24, target: 18 },
  maintenanceIdleMs: 20_000,
  timeBetweenSearchesMs: 2_000,
  reconnection: { maxDelayMs: 120_000 }
}

export async function faultRun({ seed, pools, faultsMs, checking }: FaultRunOptions): Promise<FaultRunReport> {
  const sim = new Simulation({ seed, options, checking })
  const machines = network(sim, pools)
  sim.startAll(machines, settleMs / 2)
  await sim.run(settleMs)
  const mischief = new Mischief(sim)
  await mischief.go(faultsMs)
  mischief.end()
  const convergedAfterS = await converge(sim, machines)
  await windDown(sim, machines)
  sim.found(mischief.unsettled())
  const { violations, log, clock } = sim
  const lines = violations.length > 0 ? log.lines : []
  return { seed, violations, lines, hash: log.hash, convergedAfterS, faults: mischief.count, steps: clock.steps }
}

/** Everybody knows the first two. */
function network(sim: Simulation, pools: number): Machine[] {
  const roots = [sim.add(), sim.add()]
  const trustedPoints = roots.map((root) => ({ point: pointOf(root), expectedPeerId: undefined }))
  for (const [i, root] of roots.entries()) root.options = { ...root.options, trustedPoints: trustedPoints.filter((_, j) => j !== i) }
  for (let i = roots.length; i < pools; i++) sim.add({ trustedPoints })
  return sim.machines
}

async function converge(sim: Simulation, machines: readonly Machine[]): Promise<number> {
  const begunAt = sim.clock.now()
  const lacking = (): Machine[] =>
    machines.filter(({ program }) => program === undefined || program.state.active < program.state.bounds.minTarget)
  let parts = 0
  while (sim.clock.now() - begunAt < convergenceMs) {
    await sim.run(1_000)
    parts = componentsOf(machines)
    if (lacking().length === 0 && parts === 1) return (sim.clock.now() - begunAt) / 1_000
  }
  const few = lacking().map(({ index, active, pool }) => `machine ${index} (${pool?.status ?? 'no program'}) has ${active}`)
  sim.found([`not together ${convergenceMs / 1_000} s after the faults: ${parts} parts; ${few.join(', ') || 'enough connections'}`])
  return Number.POSITIVE_INFINITY
}

/** Maintenance ends, the last attempts too; then the programs. */
async function windDown(sim: Simulation, machines: readonly Machine[]): Promise<void> {
  for (const { pool } of machines) void pool?.suspend({ keep: 'all' })
  await sim.run(calmMs)
  sim.check()
  sim.found(brokenBetween(machines))
  for (const machine of machines) sim.found(brokenWhenCalm(machine))
  const stops = Promise.all(machines.map((machine) => machine.stop()))
  await sim.run(calmMs)
  await stops
  for (const machine of machines) sim.found(brokenAfterStop(machine))
  await sim.run(settleMs)
  if (sim.clock.pending > 0) sim.found([`${sim.clock.pending} timers are left in the world`])
}
