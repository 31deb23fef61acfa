import { describe, expect, it } from 'vitest'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { pointFields, restorePoint, writeFields } from '../../../src/core/tables/saved-fields.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { checkPoints } from '../../support/table-checks.ts'
import { connect, disconnect, meet, miss, news, peerOf, pointInGroup, pointOf, request, taken } from './encounters.ts'

/** Points `from` to `to` - 1, put in at that instant. */
function fill(table: PointTable, from: number, to: number, source?: PeerId): void {
  for (let i = from; i < to; i++) taken(table.insert(pointOf(i), news(i, source)))
}

function has(table: PointTable, numbers: readonly number[]): number[] {
  return numbers.filter((number) => table.has(pointOf(number)))
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('the bound of the point table', () => {
  it('collects down to target before it inserts, and never holds more than max', () => {
    const table = new PointTable({ size: { max: 10, target: 6 } })
    fill(table, 0, 10)
    expect(table.size).toBe(10)
    fill(table, 10, 11)
    expect(table.size).toBe(7)
    expect(table.collected).toBe(4)
    expect(has(table, numbers(0, 11))).toEqual([4, 5, 6, 7, 8, 9, 10])
    expect(checkPoints(table)).toEqual([])
  })

  it.each([1, 2, 5])('works with max %i', (max) => {
    for (const target of numbers(0, max + 1)) {
      const table = new PointTable({ size: { max, target } })
      fill(table, 0, 20)
      for (let i = 20; i < 40; i++) table.insert(pointOf(i), news(i, peerOf(i)))
      expect(table.size).toBeGreaterThan(0)
      expect(table.size).toBeLessThanOrEqual(max)
      expect(checkPoints(table)).toEqual([])
    }
  })

  it('makes room for one even where target is max', () => {
    const table = new PointTable({ size: { max: 3, target: 3 } })
    fill(table, 0, 5)
    expect(has(table, numbers(0, 5))).toEqual([2, 3, 4])
  })

  it('has no bound, no caps and no collection when its size is null', () => {
    const table = new PointTable({ size: null })
    for (let i = 0; i < 2_000; i++) taken(table.insert(pointInGroup(i), news(i, peerOf(1))))
    expect([table.size, table.collected, checkPoints(table)]).toEqual([2_000, 0, []])
  })

  it('takes trusted points above max, and refuses an untrusted newcomer when nothing can go', () => {
    const table = new PointTable({ size: { max: 3, target: 1 } })
    for (let i = 0; i < 5; i++) taken(table.insert(pointOf(i), { ...news(i), trusted: true }))
    expect(table.size).toBe(5)
    expect(table.insert(pointOf(9), news(9))).toBeUndefined()
    expect(table.insert(pointOf(9), news(9, peerOf(1)))).toBeUndefined()
    expect([table.size, checkPoints(table)]).toEqual([5, []])
  })

  it('spares points that are trusted, requested or connected', () => {
    const table = new PointTable({ size: { max: 6, target: 0 } })
    fill(table, 0, 6)
    const [trusted, requested, connected] = [0, 1, 2].map((i) => taken(table.get(pointOf(i))))
    table.setTrusted(taken(trusted), true)
    request(table, taken(requested))
    connect(table, taken(connected), 7)
    fill(table, 6, 7)
    expect(has(table, numbers(0, 7))).toEqual([0, 1, 2, 6])
    disconnect(table, taken(requested), 8)
    expect(checkPoints(table)).toEqual([])
  })

  it('refuses a newcomer while all points are busy, and takes it once one is free', () => {
    const table = new PointTable({ size: { max: 2, target: 1 } })
    fill(table, 0, 2)
    for (const record of table) request(table, record)
    expect(table.insert(pointOf(2), news(2))).toBeUndefined()
    disconnect(table, taken(table.get(pointOf(0))), 3)
    fill(table, 2, 3)
    expect(has(table, [0, 1, 2])).toEqual([1, 2])
  })

  it('gives up a point that is trusted no more when it stood above max for that alone', () => {
    const table = new PointTable({ size: { max: 2, target: 1 } })
    for (let i = 0; i < 3; i++) table.insert(pointOf(i), { ...news(i), trusted: true })
    table.setTrusted(taken(table.get(pointOf(1))), false)
    expect(has(table, [0, 1, 2])).toEqual([0, 1, 2])
    table.setTrusted(taken(table.get(pointOf(0))), false)
    expect(has(table, [0, 1, 2])).toEqual([0, 1, 2])
    table.setTrusted(taken(table.get(pointOf(2))), false)
    expect(table.size).toBe(2)
    expect(checkPoints(table)).toEqual([])
  })

  it('keeps one record for a point that is advertised again and again', () => {
    const table = new PointTable({ size: { max: 10, target: 5 } })
    const first = taken(table.insert(pointOf(1), news(1, peerOf(1))))
    for (let i = 0; i < 1_000; i++) expect(table.insert(pointOf(1), news(i, peerOf(i)))).toBe(first)
    expect([table.size, first.source, first.discoveredAt]).toEqual([1, peerOf(1), 1])
  })

  it('knows on which hosts it has trusted points', () => {
    const table = new PointTable({ size: { max: 10, target: 5 } })
    const [a, b] = ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/2'] as Point[] as [Point, Point]
    const host = taken(taken(table.insert(a, { ...news(1), trusted: true })).host)
    const second = taken(table.insert(b, news(1)))
    table.setTrusted(second, true)
    table.remove(a)
    expect(table.hasTrustedHost(host)).toBe(true)
    table.setTrusted(second, false)
    expect(table.hasTrustedHost(host)).toBe(false)
  })

  it('knows which peers its trusted points expect', () => {
    const table = new PointTable({ size: { max: 10, target: 5 } })
    const record = taken(table.insert(pointOf(1), news(1)))
    record.asOperator().namedPeerId = peerOf(1)
    expect(table.isExpectedAtTrusted(peerOf(1))).toBe(false)
    table.setTrusted(record, true)
    expect([table.isExpectedAtTrusted(peerOf(1)), table.isExpectedAtTrusted(peerOf(2))]).toEqual([true, false])
    table.remove(record.point)
    expect(table.isExpectedAtTrusted(peerOf(1))).toBe(false)
  })

  it('takes names that mean something to objects for ordinary keys', () => {
    const table = new PointTable({ size: { max: 10, target: 5 } })
    for (const name of ['__proto__', 'constructor', 'toString'] as Point[]) {
      expect(table.get(name)).toBeUndefined()
      taken(table.insert(name, { ...news(1), source: name as string as PeerId, discoverySource: 'advertise' }))
    }
    expect([table.size, checkPoints(table)]).toEqual([3, []])
  })
})

describe('who is collected first', () => {
  it('takes missed points before others, the oldest miss first, then the longest known', () => {
    const table = new PointTable({ size: { max: 5, target: 4 } })
    fill(table, 0, 5)
    miss(table, taken(table.get(pointOf(3))), 10)
    miss(table, taken(table.get(pointOf(1))), 20)
    const gone: number[] = []
    for (let i = 5; i < 10; i++) {
      const before = has(table, numbers(0, i))
      fill(table, i, i + 1)
      gone.push(...before.filter((number) => !table.has(pointOf(number))))
    }
    expect(gone).toEqual([3, 1, 0, 2, 4])
  })

  it('takes tried points after all untried ones, the least recently seen first; a dial in vain is no sighting', () => {
    const table = new PointTable({ size: { max: 4, target: 3 } })
    fill(table, 0, 4)
    for (const [number, at] of [
      [2, 10],
      [0, 20],
      [1, 30]
    ] as const)
      meet(table, taken(table.get(pointOf(number))), at)
    miss(table, taken(table.get(pointOf(2))), 40)
    fill(table, 4, 5)
    expect(has(table, numbers(0, 5))).toEqual([0, 1, 2, 4])
    meet(table, taken(table.get(pointOf(4))), 50)
    fill(table, 5, 6)
    expect(has(table, numbers(0, 6))).toEqual([0, 1, 4, 5])
  })

  it('takes from the source that advertised most, never from the operator while an unknown peer has any', () => {
    const table = new PointTable({ size: { max: 40, target: 30 } })
    fill(table, 0, 30)
    const [a, b, c] = [peerOf('a'), peerOf('b'), peerOf('c')]
    // The caps are 1 to 2 of 40; a source whose points are tried may tell more, so larger sources are made by restoring.
    const restored = numbers(30, 40).map((number) => ({ number, source: number < 36 ? a : number < 39 ? b : c }))
    for (const { number, source } of restored) {
      taken(restorePoint(table, taken(new PointTable({ size: null }).insert(pointOf(number), news(number, source)))))
    }
    taken(table.insert(pointOf(50), news(50)))
    expect(has(table, numbers(0, 30))).toHaveLength(30)
    expect(table.size).toBe(31)
    expect(checkPoints(table)).toEqual([])
  })

  it('shares the loss between large sources, and leaves small ones alone', () => {
    const table = new PointTable({ size: { max: 10, target: 6 } })
    const sourceOf = (number: number): PeerId => peerOf(number < 5 ? 'large' : number < 8 ? 'middle' : number)
    for (const number of numbers(0, 10)) {
      taken(restorePoint(table, taken(new PointTable({ size: null }).insert(pointOf(number), news(number, sourceOf(number))))))
    }
    taken(table.insert(pointOf(10), news(10)))
    const bySource = new Map<string | undefined, number>()
    for (const { source } of table) bySource.set(source, (bySource.get(source) ?? 0) + 1)
    expect([bySource.get(peerOf('large')), bySource.get(peerOf('middle')), bySource.get(peerOf(8)), bySource.get(peerOf(9))]).toEqual([
      2, 2, 1, 1
    ])
  })
})

describe('caps of one source and one address group', () => {
  const size = { max: 400, target: 300 }

  it('takes 1/40 of max from one source while little is known, and a twentieth of what is known later', () => {
    const table = new PointTable({ size })
    const count = (source: PeerId): number => [...table].filter((record) => record.source === source).length
    for (let i = 0; i < 1_000; i++) table.insert(pointOf(i), news(i, peerOf('first')))
    expect(count(peerOf('first'))).toBe(10)
    fill(table, 1_000, 1_330)
    for (let i = 2_000; i < 3_000; i++) table.insert(pointOf(i), news(i, peerOf('second')))
    expect([count(peerOf('second')), table.size]).toEqual([17, 357])
  })

  it('lets a source tell more once its points proved good', () => {
    const table = new PointTable({ size })
    const source = peerOf(1)
    for (let i = 0; i < 100; i++) {
      const record = table.insert(pointOf(i), news(i, source))
      if (record !== undefined) meet(table, record, i)
    }
    expect(table.size).toBe(100)
  })

  it('keeps the first points of a message, which are its best, and replaces failed ones and those untried for an hour', () => {
    const table = new PointTable({ size })
    const source = peerOf(1)
    for (let i = 0; i < 100; i++) table.insert(pointOf(i), news(i, source))
    expect(has(table, numbers(0, 100))).toEqual(numbers(0, 10))
    miss(table, taken(table.get(pointOf(4))), 200)
    fill(table, 100, 101, source)
    expect(has(table, numbers(0, 101))).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 100])
    taken(table.insert(pointOf(101), news(3_600_000, source)))
    expect(table.insert(pointOf(102), news(3_600_000, source))).toBeUndefined()
    expect(has(table, numbers(0, 103))).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 100, 101])
    expect(checkPoints(table)).toEqual([])
  })

  it('takes 3/64 of max from unknown peers in one address group, and replaces failed ones only', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 100; i++) table.insert(pointInGroup(i), news(i, peerOf(i)))
    expect(table.size).toBe(18)
    miss(table, taken(table.get(pointInGroup(7))), 200)
    taken(table.insert(pointInGroup(200), news(200, peerOf('new'))))
    expect([table.size, table.has(pointInGroup(7))]).toEqual([18, false])
    expect(table.insert(pointInGroup(201), news(201, peerOf('other')))).toBeUndefined()
    expect(checkPoints(table)).toEqual([])
  })

  it('keeps 1/64 of max of the tried points of one address group, the most recently seen', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 30; i++) meet(table, taken(table.insert(pointInGroup(i), news(i, peerOf(i)))), i)
    expect([...table].map(({ point }) => point)).toEqual(numbers(24, 30).map(pointInGroup))
    expect(checkPoints(table)).toEqual([])
  })

  it.each([
    [
      'a relay, which stands for many peers, holds four times as much',
      (i: number) => `/dns4/r.example.org/tcp/443/wss/p2p/Relay/p2p-circuit/p2p/Guest${i}`,
      72
    ],
    ['a local network is one group and has no cap', (i: number) => `/ip4/192.168.${Math.floor(i / 256)}.${i % 256}/tcp/1`, 200],
    ['points that share no address are groups of their own', (i: number) => `/memory/${i}`, 200]
  ])('%s', (_name, text, expected) => {
    const table = new PointTable({ size })
    for (let i = 0; i < 200; i++) table.insert(text(i) as Point, news(i, peerOf(i)))
    expect(table.size).toBe(expected)
  })

  it('does not cap what the operator brings', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 300; i++) taken(table.insert(pointInGroup(i), news(i)))
    expect(table.size).toBe(300)
  })

  it('lets the local discovery bring as much as five sources', () => {
    const table = new PointTable({ size })
    for (let i = 0; i < 300; i++) table.insert(pointOf(i), { ...news(i), discoverySource: 'discovery' })
    expect(table.size).toBe(50)
  })
})

/** 100 honest points that ran once, 50 of them connected, and 100 heard of from twenty honest peers. */
function honestTable(): { table: PointTable; proven: Point[]; heard: Point[] } {
  const table = new PointTable({ size: { max: 400, target: 300 } })
  const proven: Point[] = []
  const heard: Point[] = []
  for (let i = 0; i < 100; i++) {
    const point = pointOf(i)
    const record = taken(table.insert(point, news(i, peerOf(`friend${i % 20}`))))
    meet(table, record, i)
    if (i < 50) connect(table, record, i + 100)
    proven.push(point)
  }
  for (let i = 100; i < 200; i++) {
    const point = pointOf(i)
    taken(table.insert(point, news(i, peerOf(`friend${i % 20}`))))
    heard.push(point)
  }
  return { table, proven, heard }
}

describe.each([1, 2, 3])('bar A, seed %i', (seed) => {
  const random = seededRandom(seed)
  const anywhere = (): Point =>
    `/ip4/${20 + Math.floor(random.next() * 100)}.${Math.floor(random.next() * 256)}.${Math.floor(random.next() * 256)}.7/tcp/4001` as Point

  it('A1: one peer that sends 10,000 points holds at most 5 % of what is known, and nothing honest is lost', () => {
    const { table, proven, heard } = honestTable()
    const attacker = peerOf('attacker')
    for (let i = 0; i < 10_000; i++) table.insert(anywhere(), news(1_000 + i, attacker))
    const hostile = [...table].filter(({ source }) => source === attacker).length
    expect(hostile / table.size).toBeLessThanOrEqual(0.05)
    expect([...proven, ...heard].filter((point) => !table.has(point))).toEqual([])
  })

  it('A2: ten peers that send 10,000 points each hold at most half, and no proven point is lost', () => {
    const { table, proven, heard } = honestTable()
    let worst = 0
    for (let i = 0; i < 100_000; i++) {
      table.insert(anywhere(), news(1_000 + i * 100, peerOf(`attacker${i % 10}`)))
      if (i % 1_000 === 0) {
        const hostile = [...table].filter(({ source }) => source?.includes('attacker')).length
        worst = Math.max(worst, hostile / table.size)
      }
    }
    expect(worst).toBeLessThanOrEqual(0.5)
    expect(proven.filter((point) => !table.has(point))).toEqual([])
    expect(heard.filter((point) => table.has(point)).length).toBeGreaterThanOrEqual(80)
    expect(checkPoints(table)).toEqual([])
  })

  it('A2: where the hosts of ten hostile groups answer too, at most 60 % is theirs and no proven point is lost', () => {
    const { table, proven } = honestTable()
    let worst = 0
    for (let i = 0; i < 100_000; i++) {
      const group = Math.floor(random.next() * 10)
      const point = `/ip4/200.${group}.${Math.floor(random.next() * 256)}.${Math.floor(random.next() * 256)}/tcp/4001` as Point
      const record = table.insert(point, news(1_000 + i, peerOf(`attacker${i % 10}`)))
      if (record?.state.kind === 'disconnected' && random.next() < 0.5) meet(table, record, 1_000 + i)
      if (i % 1_000 === 0) {
        const hostile = [...table].filter((one) => one.point.startsWith('/ip4/200.')).length
        worst = Math.max(worst, hostile / table.size)
      }
    }
    expect(worst).toBeLessThanOrEqual(0.6)
    expect(proven.filter((point) => !table.has(point))).toEqual([])
    expect(checkPoints(table)).toEqual([])
  })
})

describe('taking saved points back', () => {
  it('restores every saved field, and gives a known point what it has not seen since', () => {
    const before = new PointTable({ size: { max: 10, target: 5 } })
    const record = taken(before.insert(pointOf(1), news(1, peerOf(1))))
    meet(before, record, 10)
    miss(before, record, 20)
    record.asOperator().namedPeerId = peerOf(7)

    const after = new PointTable({ size: { max: 10, target: 5 } })
    const restored = taken(restorePoint(after, record))
    expect(writeFields(pointFields, restored)).toEqual(writeFields(pointFields, record))

    const met = new PointTable({ size: { max: 10, target: 5 } })
    const known = taken(met.insert(pointOf(1), { ...news(50), trusted: true }))
    connect(met, known, 60)
    expect(restorePoint(met, record)).toBe(known)
    expect(known).toMatchObject({
      trusted: true,
      lastEstablished: { at: 60 },
      lastDisconnection: { at: 10 },
      lastFailedAt: 20,
      expectedPeerId: peerOf(7)
    })
    expect(known.events.map(({ at }) => at)).toEqual([10, 10, 20, 60])
    expect([...checkPoints(after), ...checkPoints(met)]).toEqual([])
  })

  it('takes no more than max, but for trusted ones', () => {
    const saved = new PointTable({ size: null })
    const table = new PointTable({ size: { max: 2, target: 1 } })
    for (let i = 0; i < 5; i++) restorePoint(table, taken(saved.insert(pointOf(i), { ...news(i), trusted: i === 4 })))
    expect(has(table, numbers(0, 5))).toEqual([0, 1, 4])
  })
})
