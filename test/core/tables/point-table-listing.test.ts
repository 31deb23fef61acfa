import { describe, expect, it } from 'vitest'
import type { ListQuery } from '../../../src/core/tables/point-table.ts'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { checkPoints } from '../../support/table-checks.ts'
import { beRejected, connect, disconnect, meet, miss, news, pointOf, request, taken } from './encounters.ts'

const query: ListQuery = { ignorePrivate: true, size: 50, random: seededRandom(1), isBanned: () => false }
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** `count` public points; the lowest number was seen first. */
function tableOf(count: number): PointTable {
  const table = new PointTable({ size: null })
  for (let i = 0; i < count; i++) meet(table, taken(table.insert(pointOf(i), news(i))), i)
  return table
}

describe('the listing of points', () => {
  it('names the connected ones first, the longest connected at the top, then the most recently seen', () => {
    const table = tableOf(6)
    const [zero, one, two] = numbers(0, 3).map((i) => taken(table.get(pointOf(i))))
    connect(table, taken(two), 100)
    connect(table, taken(zero), 200)
    beRejected(table, taken(one), 300)
    miss(table, taken(table.get(pointOf(4))), 400)
    request(table, taken(table.get(pointOf(3))))
    expect(table.list(query)).toEqual([2, 0, 1, 5, 4, 3].map(pointOf))
    disconnect(table, taken(two), 500)
    expect(table.list(query)).toEqual([0, 2, 1, 5, 4, 3].map(pointOf))
  })

  it('puts a point that answered and never ran between those seen before and after it', () => {
    const table = tableOf(2)
    const answered = taken(table.insert(pointOf(9), news(9)))
    answered.asClaimed().isPublic = true
    beRejected(table, answered, 2)
    meet(table, taken(table.insert(pointOf(2), news(2))), 3)
    expect(table.list(query)).toEqual([2, 9, 1, 0].map(pointOf))
  })

  it('keeps the order of sightings when the clock is put back', () => {
    const table = tableOf(3)
    meet(table, taken(table.get(pointOf(0))), -1_000_000)
    expect(table.list(query)).toEqual([0, 2, 1].map(pointOf))
  })

  it('takes 30 of 50 from the top, and 20 others at random from the rest', () => {
    const table = tableOf(1_000)
    const drawn = new Map<string, number>()
    for (let seed = 0; seed < 400; seed++) {
      const listed = table.list({ ...query, random: seededRandom(seed) })
      expect(listed.slice(0, 30)).toEqual(numbers(0, 30).map((i) => pointOf(999 - i)))
      expect(new Set(listed).size).toBe(50)
      for (const point of listed.slice(30)) drawn.set(point, (drawn.get(point) ?? 0) + 1)
    }
    // 8,000 draws from 970 points: 8.2 each; the chance that one is never drawn is 0.03 %, that one is drawn 30 times far less.
    expect(drawn.size).toBeGreaterThan(965)
    expect(Math.max(...drawn.values())).toBeLessThan(30)
  })

  it.each([0, 1, 2, 5, 49, 50, 51])('lists all of 50 in order, or %i of them without repeating one', (size) => {
    const table = tableOf(50)
    const listed = table.list({ ...query, size })
    expect(new Set(listed).size).toBe(Math.min(size, 50))
    expect(listed).toHaveLength(Math.min(size, 50))
    const inOrder = numbers(0, 50).map((i) => pointOf(49 - i))
    const good = size >= 50 ? 50 : Math.floor((size * 3) / 5)
    expect(listed.slice(0, good)).toEqual(inOrder.slice(0, good))
  })

  it('finds the last point of a table of a thousand that may be advertised', () => {
    const table = tableOf(1_000)
    const only = pointOf(0)
    expect(table.list({ ...query, accept: ({ point }) => point === only })).toEqual([only])
    expect(table.list({ ...query, isBanned: ({ point }) => point !== only })).toEqual([only])
  })

  it('looks at a bounded number of points when next to none may be advertised', () => {
    const table = tableOf(10_000)
    let asked = 0
    const accept = (): boolean => ++asked === 0
    expect(table.list({ ...query, accept })).toEqual([])
    expect(asked).toBeLessThanOrEqual(2_048)
  })

  it.each(numbers(0, 20))('never tells a private or banned point, seed %i', (seed) => {
    const random = seededRandom(seed)
    const table = new PointTable({ size: null })
    for (let i = 0; i < 300; i++) {
      const record = taken(table.insert(pointOf(i), news(i)))
      if (random.next() < 0.7) meet(table, record, i, { isPublic: random.next() < 0.6 })
      if (random.next() < 0.2) {
        record.asClaimed().isPublic = !record.isPublic
        table.reindex(record)
      }
    }
    const banned = new Set([...table].filter(() => random.next() < 0.3))
    const isBanned: ListQuery['isBanned'] = (record) => banned.has(record)
    const told = table.list({ ...query, random, isBanned, size: 200 })
    const tellable = [...table].filter((record) => record.isPublic && !banned.has(record)).map(({ point }) => point)
    expect(tellable.length).toBeLessThan(200)
    expect([...told].sort()).toEqual(tellable.sort())
    expect(table.list({ ...query, random, isBanned, size: 50 }).filter((point) => !tellable.includes(point))).toEqual([])
    expect(checkPoints(table)).toEqual([])
  })

  it('tells private ones too where asked to, those never seen last', () => {
    const table = tableOf(2)
    meet(table, taken(table.insert(pointOf(2), news(2))), 2, { isPublic: false })
    taken(table.insert(pointOf(3), news(3)))
    expect(table.list(query)).toEqual([1, 0].map(pointOf))
    expect(table.list({ ...query, ignorePrivate: false })).toEqual([2, 1, 0, 3].map(pointOf))
  })
})
