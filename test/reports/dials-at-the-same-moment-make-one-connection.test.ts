import { expect, it } from 'vitest'
import { World } from '../support/pools.ts'

it('two peers that dial each other at the same moment have one connection, which carries messages both ways, whatever the delays', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World(seed, (random) => 1 + Math.floor(random() * 80))
    const [a, b] = await Promise.all([world.start('a'), world.start('b')])
    const both = [a.pool.connect(b.network.point), b.pool.connect(a.network.point)]
    await world.clock.until(Promise.allSettled(both))
    await world.clock.advance(1_000)
    const [atA, atB] = [a.pool.connections.list(), b.pool.connections.list()]
    expect([atA.length, atB.length], `seed ${seed}`).toEqual([1, 1])
    expect(atA[0]?.direction, `seed ${seed}`).not.toBe(atB[0]?.direction)
    for (const [from, to] of [
      [atA[0], atB[0]],
      [atB[0], atA[0]]
    ]) {
      const received = to?.messages[Symbol.asyncIterator]().next()
      await world.clock.until(from?.send(Uint8Array.of(seed)) ?? Promise.resolve())
      expect((await world.clock.until(received ?? Promise.resolve(undefined)))?.value, `seed ${seed}`).toEqual(Uint8Array.of(seed))
    }
  }
})
