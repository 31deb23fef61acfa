/** The honest part of a hostile scenario: pools with the defaults of Node that hang together, and some that come and go. */
import type { PeerPool } from '../../../src/core/index.ts'
import { isIntroduction } from '../../../src/core/values/address.ts'
import type { Point } from '../../../src/core/values/ids.ts'
import type { Machine } from '../machine.ts'
import { pointOf, type Simulation } from '../simulation.ts'
import { isHostile } from './intruder.ts'

const settleMs = 120_000
const churnEveryMs = 60_000
const awayMs = 60_000

/** So many pools, all running, all told of the first one; two minutes old. */
export async function honestWorld(sim: Simulation, count: number): Promise<[Machine, ...Machine[]]> {
  const first = sim.add()
  await sim.clock.until(first.start())
  const others = Array.from({ length: count - 1 }, () => sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] }))
  sim.startAll(others)
  await sim.run(settleMs)
  return [first, ...others]
}

/** Each minute this share of them leaves and comes back a minute later, for as long as time passes. */
export function churn(sim: Simulation, machines: readonly Machine[], share: number): void {
  const leave = (): void => {
    for (const machine of machines) {
      if (machine.pool === undefined || sim.random.next() >= share) continue
      void machine.stop()
      sim.at(awayMs, () => void machine.start())
    }
    sim.at(churnEveryMs, leave)
  }
  sim.at(churnEveryMs, leave)
}

/** Starts a machine and tells of each dial of its pool, from the first one on. */
export async function startWatched(sim: Simulation, machine: Machine, dialed: (point: Point) => void): Promise<PeerPool> {
  const started = machine.start()
  const pool = machine.program?.pool
  if (pool === undefined) throw new Error('a machine that starts has a program')
  pool.addEventListener('dial-started', ({ detail }) => dialed(detail.point))
  await sim.clock.until(started)
  return pool
}

/** Points where an honest pool once answered; introduction points are to be forgotten with their introducer. */
export function provenPoints({ program }: Machine): Point[] {
  const proven: Point[] = []
  for (const { point, lastEstablished } of program?.state.points ?? [])
    if (lastEstablished !== undefined && !isHostile(point) && !isIntroduction(point)) proven.push(point)
  return proven
}

/** What part of all known points is hostile. */
export function hostileShareKnown({ program }: Machine): number {
  let known = 0
  let hostile = 0
  for (const { point } of program?.state.points ?? []) {
    known++
    if (isHostile(point)) hostile++
  }
  return hostile / Math.max(1, known)
}

/** What part of the running connections is with hostile peers. */
export function hostileShareConnected({ program }: Machine): number {
  let hostile = 0
  for (const { peerId } of program?.state.connections() ?? []) if (peerId.startsWith('hostile')) hostile++
  return hostile / Math.max(1, program?.state.active ?? 0)
}
