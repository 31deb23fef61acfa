import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inRandomOrder } from '../../../src/core/values/random-order.ts'
import { RecencySet } from '../../../src/core/values/recency.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

describe('a RecencySet', () => {
  it('holds what a Set holds, in its order, the newest first, and each once at random, whatever was added and removed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(60)), { maxLength: 400 }), (steps) => {
        const [set, model] = [new RecencySet<string>(), new Set<string>()]
        for (const [adds, number] of steps) {
          for (const each of [set, model]) {
            if (adds) each.add(`item ${number}`)
            else each.delete(`item ${number}`)
          }
        }
        expect([...set.keys()]).toEqual([...model])
        expect(set.newest(1_000)).toEqual([...model].reverse())
        expect(set.newest(3)).toEqual([...model].reverse().slice(0, 3))
        const drawn = [...inRandomOrder(set.order, seededRandom(steps.length))].filter((item) => item !== undefined)
        expect(drawn.sort()).toEqual([...model].sort())
        expect(set.order.length).toBeLessThanOrEqual(2 * model.size + 33)
      })
    )
  })

  it('draws each of its items first about as often', () => {
    const set = new RecencySet<number>()
    for (let i = 0; i < 20; i++) set.add(i)
    for (let i = 0; i < 16; i++) set.delete(i)
    const random = seededRandom(5)
    const firsts = new Map<number, number>()
    for (let i = 0; i < 4_000; i++) {
      const [first = -1] = [...inRandomOrder(set.order, random)].filter((item) => item !== undefined)
      firsts.set(first, (firsts.get(first) ?? 0) + 1)
    }
    expect([...firsts.keys()].sort()).toEqual([16, 17, 18, 19])
    for (const count of firsts.values()) expect(count).toBeGreaterThan(800)
  })
})
