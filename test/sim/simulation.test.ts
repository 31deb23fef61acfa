import { describe, expect, it } from 'vitest'
import { insideOf } from '../support/inside.ts'
import { brokenAfterStop, brokenBetween } from './cross-invariants.ts'
import { faultRun } from './fault-run.ts'
import { sampleOf } from './figures.ts'
import { componentsOf } from './graph.ts'
import type { Machine } from './machine.ts'
import { churn } from './scenarios/churn.ts'
import { pointOf, Simulation } from './simulation.ts'

const band = { minConnections: 2, expectedConnections: 4, maxConnections: 8, timeBetweenSearchesMs: 1_000, maintenanceIdleMs: 10_000 }

function world(seed: number, count: number): { sim: Simulation; first: Machine; all: readonly Machine[] } {
  const sim = new Simulation({ seed, options: band })
  const first = sim.add()
  const more = Array.from({ length: count - 1 }, () => sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] }))
  return { sim, first, all: [first, ...more] }
}

/** A run with everything in it; its event log. */
async function eventful(seed: number): Promise<string> {
  const { sim, first, all } = world(seed, 20)
  await sim.clock.until(first.start())
  sim.startAll(all.slice(1))
  await sim.run(30_000)
  sim.partition(({ index }) => index % 2)
  sim.map.loss = 0.1
  await sim.run(60_000)
  sim.heal()
  sim.kill(all[3] as Machine)
  sim.kill(all[4] as Machine, { dark: true })
  await sim.run(60_000)
  sim.startAll([all[3] as Machine, all[4] as Machine])
  await sim.run(60_000)
  expect(sim.violations, `seed ${seed}`).toEqual([])
  return sim.log.hash
}

describe('a simulation', () => {
  it('is the same twice in a row with the same seed, and another with another', async () => {
    const hashes = await Promise.all([1, 1, 2].map(eventful))
    expect(hashes[0]).toBe(hashes[1])
    expect(hashes[0]).not.toBe(hashes[2])
  })

  it('a partition cuts the graph, and when it ends the halves find each other though each is content', async () => {
    const { sim, first, all } = world(3, 20)
    await sim.clock.until(first.start())
    sim.startAll(all.slice(1))
    await sim.run(60_000)
    expect(componentsOf(all)).toBe(1)
    sim.partition(({ index }) => index % 2)
    await sim.run(60_000)
    expect(componentsOf(all)).toBeGreaterThan(1)
    sim.heal()
    await sim.run(60_000)
    expect(componentsOf(all)).toBe(1)
    expect(sim.violations).toEqual([])
  })

  it('a program that is killed keeps what it has stored, and its peers notice at once or by its silence', async () => {
    const { sim, first, all } = world(4, 6)
    await sim.clock.until(first.start())
    sim.startAll(all.slice(1))
    await sim.run(60_000)
    const [, told, dark] = all as [Machine, Machine, Machine]
    const holders = (gone: Machine): number =>
      all.filter(({ program }) => program?.state.connection(gone.network.peerId) !== undefined).length
    expect([holders(told) > 0, holders(dark) > 0]).toEqual([true, true])
    sim.kill(told)
    sim.kill(dark, { dark: true })
    await sim.run(1_000)
    expect(holders(told)).toBe(0)
    expect(holders(dark)).toBeGreaterThan(0)
    await sim.run(40_000)
    expect(holders(dark)).toBe(0)
    await sim.clock.until(told.start())
    expect([...(told.program?.state.points ?? [])].length).toBeGreaterThan(1)
  })

  it('programs that stop leave no timer, no link and no attempt, whatever they were doing', async () => {
    const { sim, first, all } = world(5, 20)
    await sim.clock.until(first.start())
    sim.startAll(all.slice(1), 2_000)
    await sim.run(2_000)
    await sim.clock.until(Promise.all(all.map((machine) => machine.stop())))
    await sim.run(60_000)
    expect(all.flatMap((machine) => [...brokenAfterStop(machine)])).toEqual([])
    expect([sim.clock.pending, sim.hub.links.size, sim.violations]).toEqual([0, 0, []])
  })

  it('when it is calm each connection is held at both ends, or a goodbye is on its way to one of them', async () => {
    const { sim, first, all } = world(6, 20)
    await sim.clock.until(first.start())
    sim.startAll(all.slice(1))
    await sim.run(60_000)
    // Pools go on exploring: at any instant one may have left another that does not know it yet.
    const held = new Set(brokenBetween(all))
    await sim.run(1_000)
    expect([...brokenBetween(all)].filter((broken) => held.has(broken))).toEqual([])
    expect(sampleOf(sim).machines).toBe(20)
  })
})

it('a fault run is the same twice in a row with the same seed', async () => {
  const hashes: string[] = []
  for (const seed of [1, 1, 2]) hashes.push((await faultRun({ seed, pools: 20, faultsMs: 60_000 })).hash)
  expect(hashes[0]).toBe(hashes[1])
  expect(hashes[0]).not.toBe(hashes[2])
})

it('an invariant that breaks is found in the step that breaks it, with the machine and the time', async () => {
  const { sim, first, all } = world(7, 4)
  await sim.clock.until(first.start())
  sim.startAll(all.slice(1))
  await sim.run(30_000)
  expect(sim.violations).toEqual([])
  const { program } = first
  const [record] = program?.state.points ?? []
  if (program === undefined || record === undefined) throw new Error('no point is known')
  sim.at(1_000, () => {
    const inside = insideOf(program.state)
    program.state.points.addOwn(record.point)
    inside.points.insert(record.point, { source: undefined, discoverySource: 'hello', trusted: false, discoveredAt: 0 })
    first.network.touched()
    inside.shown()
  })
  await sim.run(2_000)
  expect(sim.violations.join('\n')).toMatch(/^31000 ms: machine 0: I\d+ /)
})

it('a network smaller than what its pools want does not spin: pauses grow, and no dial is wasted', async () => {
  const sim = new Simulation({ seed: 8 })
  const first = sim.add()
  for (let i = 1; i < 5; i++) sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
  await sim.clock.until(first.start())
  sim.startAll(sim.machines.slice(1))
  await sim.run(600_000)
  const [dials, asks] = [sim.log.count('dial-started'), sim.log.count('bootstrap-sent')]
  const ended = Promise.all(sim.machines.map(({ pool }) => pool?.maintain()))
  await sim.run(3_600_000)
  await ended
  expect(sampleOf(sim)).toMatchObject({ least: 4, most: 4, parts: 1 })
  expect(sim.log.count('dial-started') - dials).toBeLessThanOrEqual(10)
  // Five pools with four peers each, every two minutes.
  expect(sim.log.count('bootstrap-sent') - asks).toBeLessThanOrEqual(5 * 4 * 35)
  expect(sim.violations).toEqual([])
})

it('fifty pools of which a tenth dies every minute stay within their targets and in one graph', async () => {
  const { isMet, figures, violations } = await churn.run({ pools: 50, seed: 1, minutes: 4, checking: { everySteps: 200 } })
  expect(violations).toEqual([])
  expect(isMet, JSON.stringify(figures)).toBe(true)
})
