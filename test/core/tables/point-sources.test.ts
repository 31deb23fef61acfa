/** Who counts as one source of points, and what it cannot win by other names. */
import { describe, expect, it } from 'vitest'
import type { PointRecord } from '../../../src/core/tables/point.ts'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { restorePoint } from '../../../src/core/tables/saved-fields.ts'
import { groupOf } from '../../../src/core/values/address.ts'
import { checkPoints } from '../../support/table-checks.ts'
import { meet, miss, news, peerOf, pointOf, taken } from './encounters.ts'

const size = { max: 400, target: 300 }
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('one source of points', () => {
  it('counts the points at which a source says that it is, even if they proved good: these vouch for no other', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 3; i++) meet(table, taken(table.insert(pointOf(i), { ...news(i, peerOf(1)), discoverySource: 'hello' })), i)
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

  it('knows the group of a source again by the saved point at which it was connected', () => {
    const before = new PointTable({ size })
    const own = taken(
      before.insert(pointOf(500), { ...news(1, peerOf('first')), discoverySource: 'hello', sourceGroup: groupOf(pointOf(500)) })
    )
    meet(before, own, 1)
    const table = new PointTable({ size })
    taken(restorePoint(table, own))
    for (let i = 0; i < 100; i++) table.insert(pointOf(i), { ...news(i, peerOf(i)), sourceGroup: groupOf(pointOf(500)) })
    expect(table.size).toBe(10)
    expect(new Set([...table].map(({ source }) => source))).toEqual(new Set([peerOf('first')]))
    expect(checkPoints(table)).toEqual([])
  })
})

describe('a source whose points come to nothing', () => {
  /** Ten points that one peer told of, the only ones. */
  function told(): { table: PointTable; records: PointRecord[] } {
    const table = new PointTable({ size })
    return { table, records: numbers(0, 10).map((i) => taken(table.insert(pointOf(i), news(i, peerOf(1))))) }
  }
  const held = (records: readonly PointRecord[]): number[] => [...new Set(records.map(({ heldUntil }) => heldUntil))]
  /** A dial in vain to each of them, at that instant. */
  function missAll(table: PointTable, records: readonly PointRecord[], now: number): void {
    for (const record of records) table.quota.failed(record, now)
  }

  it('is dialed freely eight times, then after pauses that double up to a minute', () => {
    const { table, records } = told()
    missAll(table, records.slice(0, 8), 0)
    expect(held(records)).toEqual([Number.NEGATIVE_INFINITY])
    const pauses: number[] = []
    for (let now = 0; pauses.length < 8; now = held(records)[0] ?? now) {
      missAll(table, records, now)
      pauses.push((held(records)[0] ?? 0) - now)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000))
  })

  it('holds back its new points too, and those of no other source', () => {
    const { table, records } = told()
    for (const now of [0, 1]) missAll(table, records, now)
    miss(table, taken(records[0]), 2)
    const fresh = taken(table.insert(pointOf(20), news(20, peerOf(1))))
    const other = taken(table.insert(pointOf(21), news(21, peerOf(2))))
    expect([fresh.heldUntil, other.heldUntil]).toEqual([1_000, Number.NEGATIVE_INFINITY])
  })

  it('is believed again, half-way, once a dial to one succeeds; tried or trusted points never wait', () => {
    const { table, records } = told()
    const [first, second, third] = records
    table.setTrusted(taken(third), true)
    missAll(table, records, 0)
    expect([taken(second).heldUntil, taken(third).heldUntil]).toEqual([1_000, Number.NEGATIVE_INFINITY])
    meet(table, taken(first), 5)
    expect(held(records)).toEqual([Number.NEGATIVE_INFINITY])
    missAll(table, records.slice(0, 5), 10)
    expect([taken(first).heldUntil, taken(second).heldUntil]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
    missAll(table, records.slice(5), 10)
    expect([taken(first).heldUntil, taken(second).heldUntil]).toEqual([Number.NEGATIVE_INFINITY, 1_010])
  })

  it('is not believed because it comes to us itself', () => {
    const { table, records } = told()
    const [gone, ...rest] = records
    table.remove(taken(gone).point)
    missAll(table, rest, 0)
    missAll(table, rest, 1)
    const own = taken(table.insert(pointOf(30), { ...news(30, peerOf(1)), discoverySource: 'hello' }))
    meet(table, own, 40)
    expect(held(rest)).toEqual([1_000])
  })

  it('is not the operator, nor a discovery', () => {
    const table = new PointTable({ size })
    const records = numbers(0, 20).map((i) =>
      taken(table.insert(pointOf(i), { ...news(i), discoverySource: i % 2 === 0 ? 'operator' : 'discovery' }))
    )
    missAll(table, records, 0)
    expect(held(records)).toEqual([Number.NEGATIVE_INFINITY])
  })
})
