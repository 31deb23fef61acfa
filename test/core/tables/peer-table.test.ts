import { describe, expect, it } from 'vitest'
import type { PeerRecord } from '../../../src/core/tables/peer.ts'
import { PeerTable } from '../../../src/core/tables/peer-table.ts'
import { peerFields, restorePeer, writeFields } from '../../../src/core/tables/saved-fields.ts'
import { checkPeers } from '../../support/table-checks.ts'
import { leavePeer, peerOf, runPeer, taken } from './encounters.ts'

type Table = PeerTable<{ score: number }>

function tableOf(max: number, target: number): Table {
  return new PeerTable({ size: { max, target }, score: ({ metadata }) => metadata.score })
}

function add(table: Table, number: number, { score = 1, at = number, trusted = false } = {}): PeerRecord<{ score: number }> {
  return taken(table.insert(peerOf(number), { createdAt: at, metadata: { score }, trusted }))
}

function known(table: Table): number[] {
  return [...table].map(({ peerId }) => Number(peerId.slice(8)))
}

/** A short connection. */
function meet(record: PeerRecord<{ score: number }>, at: number): void {
  runPeer(record, at)
  leavePeer(record, at)
}

describe('the peer table', () => {
  it('collects down to target before it inserts: the lowest score first, then the most recently created', () => {
    const table = tableOf(6, 3)
    for (const [number, score] of [5, 1, 3, 3, 9, 3].entries()) add(table, number, { score })
    add(table, 6, { score: 0 })
    expect(known(table)).toEqual([0, 2, 4, 6])
    expect(table.collected).toBe(3)
    expect(checkPeers(table)).toEqual([])
  })

  it('settles equal dates by the order of insertion', () => {
    const table = tableOf(4, 2)
    for (let i = 0; i < 5; i++) add(table, i, { at: 7 })
    expect(known(table)).toEqual([0, 1, 4])
  })

  it('follows a score that changes, and takes NaN for the lowest', () => {
    const table = tableOf(3, 2)
    const records = [add(table, 0, { score: 5 }), add(table, 1, { score: 6 }), add(table, 2, { score: 7 })]
    for (const [i, score] of [8, Number.NaN, 4].entries()) {
      const record = taken(records[i])
      record.asOperator().metadata = { score }
    }
    add(table, 3, { score: 9 })
    expect(known(table)).toEqual([0, 2, 3])
    expect(checkPeers(table)).toEqual([])
  })

  it('takes peers that never ran before those that did, whatever their scores', () => {
    const table = tableOf(4, 2)
    for (let i = 0; i < 4; i++) add(table, i, { score: 10 - i })
    meet(taken(table.get(peerOf(2))), 5)
    meet(taken(table.get(peerOf(3))), 6)
    add(table, 4, { score: 10 })
    expect(known(table)).toEqual([2, 3, 4])
  })

  it('spares trusted and connected peers, also one whose change was not reported, and refuses when no entry can be removed', () => {
    const table = tableOf(3, 0)
    add(table, 0, { trusted: true })
    const connected = add(table, 1)
    runPeer(connected, 5)
    const untold = add(table, 2)
    untold.asProved().state = connected.state
    expect(table.insert(peerOf(3), { createdAt: 3, metadata: { score: 99 } })).toBeUndefined()
    expect(known(table)).toEqual([0, 1, 2])
    expect(taken(table.insert(peerOf(4), { createdAt: 4, metadata: { score: 0 }, trusted: true })).trusted).toBe(true)
    expect([table.size, checkPeers(table)]).toEqual([4, []])
    leavePeer(connected, 6)
    table.setTrusted(taken(table.get(peerOf(4))), false)
    expect(known(table)).toEqual([0, 1, 2, 4])
    table.setTrusted(taken(table.get(peerOf(0))), false)
    expect(table.size).toBe(3)
    expect(checkPeers(table)).toEqual([])
  })

  it('gives one place per newcomer beyond the half that peers who ran keep', () => {
    const table = tableOf(10, 5)
    for (let i = 0; i < 10; i++) meet(add(table, i), i)
    add(table, 10)
    expect(known(table)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10])
    for (let i = 11; i < 1_000; i++) add(table, i)
    expect(known(table).filter((number) => number < 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it.each([1, 2, 5])('works with max %i', (max) => {
    for (let target = 0; target <= max; target++) {
      const table = tableOf(max, target)
      for (let i = 0; i < 50; i++) meet(add(table, i), i)
      expect(table.size).toBeLessThanOrEqual(max)
      expect(table.has(peerOf(49))).toBe(true)
      expect(checkPeers(table)).toEqual([])
    }
  })

  it('has no bound when its size is null', () => {
    const table: Table = new PeerTable({ size: null, score: () => 1 })
    for (let i = 0; i < 2_000; i++) add(table, i)
    expect([table.size, checkPeers(table)]).toEqual([2_000, []])
  })

  it.each([
    ['never run', false],
    ['run once', true]
  ])('B1: 20,000 fresh ids that have %s wash out nobody who ran before the flood', (_name, runs) => {
    const table = tableOf(400, 300)
    for (let i = 0; i < 100; i++) meet(add(table, i), i)
    let largest = 0
    for (let i = 1_000; i < 21_000; i++) {
      const record = add(table, i)
      if (runs) meet(record, i)
      largest = Math.max(largest, table.size)
    }
    expect(largest).toBe(400)
    expect(known(table).filter((number) => number < 100)).toHaveLength(100)
    expect(checkPeers(table)).toEqual([])
  })

  it('B1: a table full of honest peers loses one of them to a flood, not more', () => {
    const table = tableOf(400, 300)
    for (let i = 0; i < 400; i++) meet(add(table, i), i)
    for (let i = 1_000; i < 11_000; i++) meet(add(table, i), i)
    expect(known(table).filter((number) => number < 400)).toHaveLength(399)
  })

  it('restores a saved peer, and gives a known one what it has not seen since', () => {
    const before = tableOf(10, 5)
    const record = add(before, 1, { at: 1 })
    meet(record, 5)
    const after = tableOf(10, 5)
    expect(writeFields(peerFields, taken(restorePeer(after, record, record.metadata)))).toEqual(writeFields(peerFields, record))

    const met = tableOf(10, 5)
    const same = add(met, 1, { at: 50, trusted: true })
    runPeer(same, 60)
    expect(restorePeer(met, record, { score: 7 })).toBe(same)
    expect(same).toMatchObject({ trusted: true, metadata: { score: 7 }, lastEstablished: { at: 60 }, lastDisconnection: { at: 5 } })
    expect(same.events.map(({ at }) => at)).toEqual([5, 5, 60])
    expect([...checkPeers(after), ...checkPeers(met)]).toEqual([])
  })
})
