import { describe, expect, it } from 'vitest'
import type { Machine } from './machine.ts'
import { PagesAlone } from './pages-alone.ts'

/** Short forms of `npm run sim -- --scenario servers-return` and `page-wakes`, whose full figures are in docs/simulation.md. */

describe('servers that come back', () => {
  it('are used again by all pages, and newcomers need no invitation', { timeout: 60_000 }, async () => {
    const world = new PagesAlone({ pages: 12, seed: 1, churn: 0.02 })
    await world.begin()
    await world.run(2 * 60_000)
    world.forgetSeen()
    world.startServers()
    await world.run(100_000)
    const settled = [...world.pages].filter((page) => world.ageOf(page) > 60_000)
    for (const page of settled) {
      expect(world.serversOf(page).length).toBeGreaterThan(0)
      expect(page.network.ownPoints().length).toBeGreaterThan(0)
    }
    const { looked, inBand, parts, lost } = world.seen
    expect(inBand / looked).toBeGreaterThan(0.99)
    expect([parts, lost]).toEqual([1, 0])
    expect(world.sim.violations).toEqual([])
  })
})

describe('a page that sleeps while its servers are gone', () => {
  it('comes back by a Node peer that it knows, frozen or closed', { timeout: 60_000 }, async () => {
    const { world, frozen, closed } = await networkWithSleepers({ nodes: 2 })
    for (const page of [frozen, closed]) expect(page.active).toBe(0)
    wake(world, { frozen, closed })
    await world.run(30_000)
    for (const page of [frozen, closed]) expect(page.active).toBeGreaterThanOrEqual(3)
    expect(world.sim.violations).toEqual([])
  })

  it('finds nobody by pages alone, and all by a server that comes back', { timeout: 60_000 }, async () => {
    const { world, frozen, closed } = await networkWithSleepers({ nodes: 0 })
    wake(world, { frozen, closed })
    await world.run(60_000)
    for (const page of [frozen, closed]) expect(page.active).toBe(0)
    world.startServers()
    await world.run(90_000)
    for (const page of [frozen, closed]) expect(page.active).toBeGreaterThanOrEqual(3)
    expect(world.sim.violations).toEqual([])
  })
})

interface Sleepers {
  readonly frozen: Machine
  readonly closed: Machine
}

async function networkWithSleepers({ nodes }: { nodes: number }): Promise<Sleepers & { world: PagesAlone }> {
  const world = new PagesAlone({ pages: 8, nodes, seed: 1, churn: 0, saves: true })
  await world.begin()
  await world.run(30_000)
  const [frozen, closed] = world.pages
  if (frozen === undefined || closed === undefined) throw new Error('the world has no pages')
  for (const page of [frozen, closed]) world.goAway(page)
  world.sim.sleep(frozen)
  await closed.pool?.savePeers()
  world.sim.kill(closed)
  await world.run(60_000)
  return { world, frozen, closed }
}

function wake(world: PagesAlone, { frozen, closed }: Sleepers): void {
  frozen.wake()
  void closed.start()
  for (const page of [frozen, closed]) world.comeBack(page)
}
