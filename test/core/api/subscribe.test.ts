import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/core/values/ids.ts'
import { World } from '../../support/pools.ts'

const point = (n: number): Point => `/ip4/10.9.9.${n}/tcp/4001` as Point

describe('getSnapshot', () => {
  it('needs no this, and is undefined before the first start', () => {
    const { pool } = new World().make('a')
    const { getSnapshot } = pool
    expect(getSnapshot()).toBeUndefined()
  })

  it('is the same object while only counters move, and a new one after a change', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    const before = a.pool.getSnapshot()
    const counted = a.pool.snapshot()
    await connection.send(Uint8Array.of(1, 2, 3))
    await world.clock.advance(1_000)
    expect(a.pool.snapshot()).not.toBe(counted)
    expect(a.pool.getSnapshot()).toBe(before)
    a.pool.registerPoint(point(1))
    const after = a.pool.getSnapshot()
    expect(after).not.toBe(before)
    expect(after?.points).toHaveLength(2)
    expect(a.pool.getSnapshot()).toBe(after)
  })

  it('shows a pool that stopped', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    await world.clock.until(pool.stop())
    expect(pool.getSnapshot()?.status).toBe('stopped')
  })
})

describe('subscribe', () => {
  it('needs no this, and calls once for all changes of a turn', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    const { subscribe, getSnapshot } = pool
    const seen: unknown[] = []
    subscribe(() => seen.push(getSnapshot()?.points.length))
    for (let i = 1; i <= 5; i++) pool.registerPoint(point(i))
    await world.clock.advance(1)
    expect(seen).toEqual([5])
  })

  it('calls for each status, the last one too', async () => {
    const world = new World()
    const { pool } = world.make('a')
    const seen = new Set<unknown>()
    pool.subscribe(() => seen.add(pool.status))
    await world.clock.until(pool.start())
    await world.clock.advance(1)
    await world.clock.until(pool.stop())
    await world.clock.advance(1)
    expect([...seen].slice(-2)).toEqual(['running', 'stopped'])
  })

  it('counts each call by itself: a listener that came twice is called until both ended', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    let calls = 0
    const listener = (): void => void calls++
    const [first, second] = [pool.subscribe(listener), pool.subscribe(listener)]
    first()
    first()
    pool.registerPoint(point(1))
    await world.clock.advance(1)
    expect(calls).toBe(1)
    second()
    pool.registerPoint(point(2))
    await world.clock.advance(1)
    expect(calls).toBe(1)
  })

  it('a listener that throws costs only itself', async () => {
    const world = new World()
    const { pool, complaints } = await world.start('a')
    let calls = 0
    pool.subscribe(() => {
      throw new Error('mine')
    })
    pool.subscribe(() => void calls++)
    pool.registerPoint(point(1))
    await world.clock.advance(1)
    expect(calls).toBe(1)
    expect(complaints).toEqual(['a listener of change threw: Error: mine'])
  })

  it('calls no listener that another one has just removed', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    let calls = 0
    pool.subscribe(() => end())
    const end = pool.subscribe(() => void calls++)
    pool.registerPoint(point(1))
    await world.clock.advance(1)
    expect(calls).toBe(0)
  })

  it('takes functions alone, and 10,000 of them', async () => {
    const { pool } = new World().make('a')
    expect(() => pool.subscribe('listener' as never)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    const ends = Array.from({ length: 10_000 }, () => pool.subscribe(() => undefined))
    expect(() => pool.subscribe(() => undefined)).toThrow(expect.objectContaining({ code: 'too-many-waiting' }))
    ends[0]?.()
    pool.subscribe(() => undefined)
  })
})
