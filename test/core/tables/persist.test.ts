import { describe, expect, it } from 'vitest'
import { PeerTable } from '../../../src/core/tables/peer-table.ts'
import { loadState, type PersistedParts, storedParts } from '../../../src/core/tables/persist.ts'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { checkPeers, checkPoints } from '../../../src/core/tables/table-checks.ts'
import type { TableSize } from '../../../src/core/values/config.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { StorageError } from '../../../src/core/values/ports.ts'
import { meet, news, peerOf, pointOf, taken } from './encounters.ts'
import { date, finish, noBans, parse, written } from './stored-states.ts'

function partsOf(size: TableSize | null): PersistedParts<{ note: string }> & { imported: unknown[] } {
  const imported: unknown[] = []
  const peerMetadata = {
    initial: () => ({ note: '' }),
    toJson: ({ note }: { note: string }): unknown => ({ note }),
    fromJson: (value: unknown): { note: string } => {
      if (typeof value !== 'object' || value === null || !('note' in value) || typeof value.note !== 'string')
        throw new Error(`no note in ${String(value)}`)
      return { note: value.note }
    },
    score: () => 1
  }
  return {
    config: { maxKnownPoints: size, maxKnownPeers: size, peerMetadata },
    points: new PointTable({ size }),
    peers: new PeerTable({ size, score: () => 1 }),
    access: { export: () => noBans, import: (lists) => imported.push(lists) - 1 },
    imported
  }
}

describe('loading into the tables', () => {
  const load = (text: string, parts: PersistedParts<{ note: string }>) => finish(loadState(text, { parts, parse, date }))

  it('gives the next run the same points and peers, in the same order of listing', () => {
    const before = partsOf({ max: 400, target: 300 })
    for (let i = 0; i < 200; i++) {
      taken(before.points.insert(pointOf(i), news(i, peerOf(i % 40))))
      taken(before.peers.insert(peerOf(i), { createdAt: i, metadata: { note: `peer ${i}` } }))
    }
    for (let i = 0; i < 200; i += 2) meet(before.points, taken(before.points.get(pointOf((i * 7) % 200))), 1_000 + i)
    const text = [...storedParts(before, { anchors: [pointOf(3)], date })].join('')
    const after = partsOf({ max: 400, target: 300 })
    expect(load(text, after)).toEqual({ anchors: [pointOf(3)], points: 200, peers: 200, dropped: 0 })
    const query = { ignorePrivate: true, size: 400, random: { next: () => 0, bytes: () => new Uint8Array() }, isBanned: () => false }
    expect(after.points.list(query)).toEqual(before.points.list(query))
    expect(after.peers.get(peerOf(7))?.metadata).toEqual({ note: 'peer 7' })
    expect([...checkPoints(after.points), ...checkPeers(after.peers)]).toEqual([])
    expect(after.imported).toEqual([noBans])
  })

  it('takes no more than max of each: trusted first, then those that ran, then the most recently seen', () => {
    const meeting = (at: number) => ({ peerId: '12D3x', at })
    const points = [
      { point: '/memory/rejected', lastRejected: meeting(900) },
      { point: '/memory/old', lastEstablished: meeting(10) },
      { point: '/memory/trusted', trusted: true },
      { point: '/memory/new', lastEstablished: meeting(20) },
      { point: '/memory/unseen' }
    ]
    const peers = [
      { peerId: '12D3a' },
      { peerId: '12D3b', lastEstablished: { at: 1 } },
      { peerId: '12D3c', createdAt: 5 },
      { peerId: '12D3d', trusted: true }
    ]
    const parts = partsOf({ max: 3, target: 2 })
    expect(load(written({ points, peers }), parts)).toMatchObject({ points: 3, peers: 3, dropped: 0 })
    expect([...parts.points].map((one) => one.point)).toEqual(['/memory/trusted', '/memory/old', '/memory/new'])
    expect([...parts.peers].map((one) => one.peerId)).toEqual(['12D3d', '12D3a', '12D3b'])
  })

  it('takes of two entries of one name the one last seen, or else the later, and counts the other as dropped', () => {
    const seen = { peerId: '12D3x', at: 50 }
    const parts = partsOf(null)
    const points = [
      { point: '/memory/1', trusted: true },
      { point: '/memory/1', lastFailedAt: 5 },
      { point: '/memory/2', lastRejected: seen },
      { point: '/memory/2', trusted: true }
    ]
    const peers = [{ peerId: '12D3a', trusted: true }, { peerId: '12D3a' }, { peerId: '12D3a', createdAt: 3 }]
    expect(load(written({ points, peers }), parts)).toMatchObject({ points: 2, peers: 1, dropped: 4 })
    expect(parts.points.get('/memory/1' as Point)).toMatchObject({ trusted: false, lastFailedAt: 5 })
    expect(parts.points.get('/memory/2' as Point)).toMatchObject({ trusted: false, lastRejected: seen })
    expect(parts.peers.get('12D3a' as PeerId)).toMatchObject({ trusted: false, createdAt: date })
    expect([...checkPoints(parts.points), ...checkPeers(parts.peers)]).toEqual([])
  })

  it('starts metadata anew that the application does not understand, and keeps what it has set meanwhile', () => {
    const parts = partsOf(null)
    for (const [peerId, note] of [
      ['12D3met', ''],
      ['12D3told', 'mine']
    ] as [PeerId, string][]) {
      taken(parts.peers.insert(peerId, { createdAt: 1, metadata: { note } }))
    }
    const peers = ['12D3met', '12D3told', '12D3odd'].map((peerId, i) => ({
      peerId,
      trusted: true,
      metadata: i < 2 ? { note: 'stored' } : 5
    }))
    load(written({ peers }), parts)
    expect([...parts.peers].map(({ metadata, trusted }) => [metadata.note, trusted])).toEqual([
      ['stored', true],
      ['mine', true],
      ['', true]
    ])
  })

  it('changes nothing when the text is broken or newer', () => {
    for (const text of ['{', '{"format":"p2p-pool","version":9}']) {
      const parts = partsOf(null)
      expect(() => load(text, parts)).toThrow(StorageError)
      expect([parts.points.size, parts.peers.size, parts.imported]).toEqual([0, 0, []])
    }
  })
})
