import { describe, expect, it } from 'vitest'
import { PeerGreylist } from '../../../src/core/tables/bans.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'

const [foo, bar, baz, zor, qux] = ['foo', 'bar', 'baz', 'zor', 'qux'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId, PeerId]

function filled(maxPeers: number, ...peers: PeerId[]): PeerGreylist {
  const list = new PeerGreylist(maxPeers)
  for (const [date, peerId] of peers.entries()) list.add(peerId, date)
  return list
}

describe('the greylist of peers', () => {
  it('holds no peer when empty', () => {
    const list = filled(10)
    expect([foo, bar, baz].map((id) => list.has(id))).toEqual([false, false, false])
    expect(list.list()).toEqual([])
  })

  it('holds the peers that were added', () => {
    const list = filled(10, foo, bar, baz)
    expect([foo, bar, baz, zor].map((id) => list.has(id))).toEqual([true, true, true, false])
    expect(list.list()).toEqual([
      { peerId: foo, since: 0 },
      { peerId: bar, since: 1 },
      { peerId: baz, since: 2 }
    ])
  })

  it('removes a peer, and says whether it was there', () => {
    const list = filled(10, foo, bar, baz)
    expect(list.remove(bar)).toBe(true)
    expect(list.has(bar)).toBe(false)
    expect(list.remove(bar)).toBe(false)
  })

  it('drops the oldest when full; listing again makes the newest, asking does not', () => {
    const list = filled(3, foo, bar, baz, foo, zor)
    expect([zor, foo, baz, bar].map((id) => list.has(id))).toEqual([true, true, true, false])
    for (let i = 0; i < 3; i++) list.add(baz, 9)
    expect(list.has(foo)).toBe(true)
    list.add(qux, 10)
    expect([foo, zor, baz, qux].map((id) => list.has(id))).toEqual([false, true, true, true])
    expect(list.size).toBe(3)
  })

  it('lists a peer for fifteen steps from the last cause', () => {
    const list = filled(10, foo, bar)
    list.fade(14)
    list.add(foo, 9)
    list.fade()
    expect([foo, bar].map((id) => list.has(id))).toEqual([true, false])
    list.fade(14)
    expect(list.size).toBe(0)
  })

  it('may be of size zero, and then has nobody ever', () => {
    expect(filled(0, foo).has(foo)).toBe(false)
  })

  it('is empty after clearing', () => {
    const list = filled(10, foo)
    list.clear()
    expect(list.size).toBe(0)
  })
})
