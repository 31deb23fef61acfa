import { describe, expect, it } from 'vitest'
import { PlaygroundWorld } from './playground-world.ts'
import { maxActs, readWorld, writeWorld } from './world-settings.ts'

async function ran(text: string, seconds: number): Promise<PlaygroundWorld> {
  const world = new PlaygroundWorld(readWorld(text))
  while (world.second < seconds) await world.step()
  return world
}

describe('a world of the playground', () => {
  it('fills its band within a minute, and is the same world each time', async () => {
    const [one, other] = [await ran('pools=30&churn=20', 60), await ran('pools=30&churn=20', 60)]
    const { withMinimum, up, parts } = one.look()
    expect({ withMinimum, parts }).toEqual({ withMinimum: up, parts: 1 })
    expect(one.story).toEqual(other.story)
    expect(one.story.deaths).toBeGreaterThan(0)
  })

  it('is the same world when what was done to it is read from its text', async () => {
    const live = await ran('pools=30', 20)
    live.act('kill-relays')
    live.act('kill-half')
    while (live.second < 40) await live.step()
    expect(writeWorld(live.settings)).toBe('pools=30&acts=kill-relays@20,kill-half@20')
    const again = await ran(writeWorld(live.settings), 40)
    expect(again.story).toEqual(live.story)
  })

  it.each([
    ['far in the future', 'heal@900000'],
    ['at the start', 'heal@0'],
    ['of several kinds', 'split@900000,heal@900001']
  ])('takes no act beyond the limit when its address has all, %s, and its text can still be read', async (_, done) => {
    const acts = Array.from({ length: maxActs }, (_unused, i) => done.split(',')[i % done.split(',').length]).join(',')
    const world = await ran(`pools=10&acts=${acts}`, 1)
    const before = world.settings
    expect(world.act('kill-relays')).toBe(false)
    expect(world.settings).toBe(before)
    await world.step()
    // The relays run from the beginning.
    expect(world.look().up).toBeGreaterThanOrEqual(3)
    expect(readWorld(writeWorld(world.settings))).toEqual(world.settings)
  })

  it('takes as many acts as its text may hold, however they come', async () => {
    const world = await ran('pools=10', 0)
    const taken = Array.from({ length: maxActs + 5 }, () => world.act('heal')).filter((isTaken) => isTaken)
    expect(taken).toHaveLength(maxActs)
    expect(readWorld(writeWorld(world.settings)).acts).toHaveLength(maxActs)
    await world.step()
    expect(world.act('heal')).toBe(false)
  })

  it('has pages that nobody finds while no relay runs, and that are found again afterwards', async () => {
    const world = await ran('pools=20&pages=100&churn=0', 30)
    expect(world.look()).toMatchObject({ up: 20, parts: 1 })
    for (const act of ['kill-relays', 'kill-half'] as const) world.act(act)
    while (world.second < 40) await world.step()
    for (const act of ['start-all', 'kill-relays'] as const) world.act(act)
    while (world.second < 130) await world.step()
    expect(world.look().up).toBe(17)
    expect(world.look().parts).toBeGreaterThan(1)
    world.act('start-relays')
    while (world.second < 200) await world.step()
    expect(world.look()).toMatchObject({ up: 20, parts: 1 })
  })

  it('in which all have what they want, and more want to join, is not flooded with dials', async () => {
    const world = await ran('pools=120&pages=95&churn=0&min=6&expected=6&max=6&relays=1', 20)
    const { withMinimum, up } = world.look()
    expect(up - withMinimum).toBeGreaterThan(5)
    while (world.second < 40) await world.step()
    // They were refused over and over, by ever the same pages, with 40 dials a second each.
    expect(world.look().dials / 20).toBeLessThan(4 * (up - withMinimum))
  })

  it.each([1, 2])('is split among the pools that run, whatever died before (seed %i)', async (seed) => {
    const world = await ran(`pools=40&churn=0&seed=${seed}`, 30)
    for (const up of [20, 10]) {
      world.act('kill-half')
      await world.step()
      expect(world.look().up).toBe(up)
    }
    world.act('split')
    await world.step()
    expect(world.look()).toMatchObject({ up: 10, parts: 2, halves: 2 })
    const running = world.sim.up.map(({ index }) => world.sides?.[index])
    expect([0, 1].map((side) => running.filter((one) => one === side).length)).toEqual([5, 5])
    const sides = world.sides
    const links = [...world.links()]
    expect(links.length).toBeGreaterThan(0)
    expect(links.every((end, i) => sides?.[end] === sides?.[links[i ^ 1] ?? 0])).toBe(true)
    world.act('start-all')
    // Longer than a whole world needs: a page whose relay is in the other half is reached by nobody.
    for (let i = 0; i < 80; i++) await world.step()
    expect(world.look()).toMatchObject({ up: 40, withMinimum: 40, parts: 2, halves: 2 })
    world.act('heal')
    for (let i = 0; i < 60; i++) await world.step()
    expect(world.sides).toBeUndefined()
    expect(world.look()).toMatchObject({ parts: 1, halves: 1 })
  })

  it('divides each kind evenly, by its seed, so that each half has relays', async () => {
    const dead = async (seed: number): Promise<number[]> => {
      const world = await ran(`pools=40&churn=0&relays=4&seed=${seed}`, 15)
      world.act('kill-half')
      await world.step()
      const { up } = world.sim
      expect((['relay', 'node', 'page'] as const).map((kind) => up.filter((one) => world.kindOf(one) === kind).length)).toEqual([2, 6, 12])
      return up.map(({ index }) => index)
    }
    expect(await dead(1)).toEqual(await dead(1))
    expect(await dead(1)).not.toEqual(await dead(2))
  })

  it('counts the connections of relays apart', async () => {
    const { relays, others, up, withMinimum } = (await ran('pools=40&churn=0', 30)).look()
    expect([relays.up + others.up, relays.withMinimum + others.withMinimum]).toEqual([up, withMinimum])
    expect(relays.up).toBe(3)
    expect(others.most).toBeLessThanOrEqual(12)
    expect(relays.least).toBeGreaterThan(12)
  })

  it('has liars whose addresses stay a small part of what is known', async () => {
    const { hostileKnown, hostileConnected, withMinimum, up } = (await ran('pools=30&liars=20', 60)).look()
    expect(hostileKnown).toBeGreaterThan(0)
    expect(hostileConnected).toBeLessThan(0.5)
    expect(withMinimum).toBe(up)
  })
})
