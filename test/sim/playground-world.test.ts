import { describe, expect, it } from 'vitest'
import { PlaygroundWorld } from './playground-world.ts'
import { readWorld, writeWorld } from './world-settings.ts'

async function ran(text: string, seconds: number): Promise<PlaygroundWorld> {
  const world = new PlaygroundWorld(readWorld(text))
  while (world.second < seconds) await world.step()
  return world
}

describe('a world of the playground', () => {
  it('fills its band within a minute, and is the same world each time', async () => {
    const [one, other] = [await ran('pools=30&churn=20', 60), await ran('pools=30&churn=20', 60)]
    const { inBand, up, parts } = one.look()
    expect({ inBand, parts }).toEqual({ inBand: up, parts: 1 })
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
    const { inBand, up } = world.look()
    expect(up - inBand).toBeGreaterThan(5)
    while (world.second < 40) await world.step()
    // They were refused over and over, by ever the same pages, with 40 dials a second each.
    expect(world.look().dials / 20).toBeLessThan(4 * (up - inBand))
  })

  it('has liars whose addresses stay a small part of what is known', async () => {
    const { hostileKnown, hostileConnected, inBand, up } = (await ran('pools=30&liars=20', 60)).look()
    expect(hostileKnown).toBeGreaterThan(0)
    expect(hostileConnected).toBeLessThan(0.5)
    expect(inBand).toBe(up)
  })
})
