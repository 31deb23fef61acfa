/** Who counts as one source of points, and what it cannot win by other names. */
import { describe, expect, it } from 'vitest'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { pointRecordOf } from '../../../src/core/tables/stored-record.ts'
import { checkPoints } from '../../../src/core/tables/table-checks.ts'
import { groupOf } from '../../../src/core/values/address.ts'
import { meet, news, peerOf, pointOf, taken } from './encounters.ts'

const size = { max: 400, target: 300 }
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('one source of points', () => {
  it('counts the points at which a source says that it is, though they proved good: these vouch for nobody', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 3; i++) meet(table, taken(table.insert(pointOf(i), { ...news(i, peerOf(1)), medium: 'hello' })), i)
    for (let i = 3; i < 100; i++) table.insert(pointOf(i), news(i, peerOf(1)))
    expect(table.size).toBe(10)
    expect(checkPoints(table)).toEqual([])
  })

  it('counts all peers that are seen in one address group as one source, under the name of the first', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 100; i++) table.insert(pointOf(i), { ...news(i, peerOf(i)), sourceGroup: 'ip4:7.7' })
    expect([...table].map(({ source }) => source)).toEqual(numbers(0, 10).map(() => peerOf(0)))
    for (let i = 100; i < 200; i++) table.insert(pointOf(i), { ...news(i, peerOf(i)), sourceGroup: 'ip4:8.8' })
    expect(table.size).toBe(20)
    taken(table.insert(pointOf(200), news(200, peerOf(200))))
    expect(checkPoints(table)).toEqual([])
  })

  it('counts a source as what it was when it comes back from another group, under its own id', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 100; i++) table.insert(pointOf(i), { ...news(i, peerOf(1)), sourceGroup: `ip4:${i}.1` })
    expect(table.size).toBe(10)
    expect(checkPoints(table)).toEqual([])
  })

  it('knows the group of a source again by the saved point at which somebody was met', () => {
    const before = new PointTable({ size })
    const own = taken(before.insert(pointOf(500), { ...news(1, peerOf('first')), medium: 'hello', sourceGroup: groupOf(pointOf(500)) }))
    meet(before, own, 1)
    const table = new PointTable({ size })
    taken(table.restore(pointRecordOf(own)))
    for (let i = 0; i < 100; i++) table.insert(pointOf(i), { ...news(i, peerOf(i)), sourceGroup: groupOf(pointOf(500)) })
    expect(table.size).toBe(10)
    expect(new Set([...table].map(({ source }) => source))).toEqual(new Set([peerOf('first')]))
    expect(checkPoints(table)).toEqual([])
  })
})
