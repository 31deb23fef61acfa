import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { peerFields, pointFields } from '../../../src/core/tables/saved-fields.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { checkPeers, checkPoints } from '../../support/table-checks.ts'
import { meet, news, peerOf, pointOf, taken } from './encounters.ts'
import { lines, load, notes, now, parse, plain, tablesOf, write } from './saved-states.ts'

describe('loading into the tables', () => {
  const meeting = (at: number) => ({ peerId: '12D3x', at })

  it('gives the next run the same points and peers, in the same order of listing', () => {
    const size = { max: 400, target: 300 }
    const before = tablesOf(notes, { size })
    for (let i = 0; i < 200; i++) {
      taken(before.points.insert(pointOf(i), news(i, peerOf(i % 40))))
      taken(before.peers.insert(peerOf(i), { createdAt: i, metadata: { note: `peer ${i}` } }))
    }
    for (let i = 0; i < 200; i += 2) meet(before.points, taken(before.points.get(pointOf((i * 7) % 200))), 1_000 + i)
    const after = tablesOf(notes, { size })
    expect(load(write(before, [pointOf(3)]), after)).toEqual({ points: 200, peers: 200, dropped: 0 })
    const query = { ignorePrivate: true, size: 400, random: { next: () => 0, bytes: () => new Uint8Array() }, isBanned: () => false }
    expect(after.points.list(query)).toEqual(before.points.list(query))
    expect(after.peers.get(peerOf(7))?.metadata).toEqual({ note: 'peer 7' })
    expect([...checkPoints(after.points), ...checkPeers(after.peers)]).toEqual([])
    expect(after.banned).toEqual([])
  })

  it.each([
    ['ahead by a year, and set right at once', 365 * 86_400_000, -365 * 86_400_000],
    ['ahead by an hour, and set right long before the save', 3_600_000, -3_600_000],
    ['behind by a year, and set right', -365 * 86_400_000, 365 * 86_400_000],
    ['right, and set back by a year', 0, -365 * 86_400_000]
  ])('keeps the order in which points were last seen, with a clock that was %s', (_name, offset, jump) => {
    const size = { max: 400, target: 300 }
    const before = tablesOf(plain, { size })
    let date = now + offset
    for (let i = 0; i < 40; i++) {
      if (i === 20) date += jump
      meet(before.points, taken(before.points.insert(pointOf(i), news(date))), date + i * 1_000)
    }
    date += 7_200_000
    const after = tablesOf(plain, { size })
    load(write(before, [], date), after, Math.max(date, now + 7_200_000))
    expect(after.points.bySighting().map(({ point }) => point)).toEqual(Array.from({ length: 40 }, (_, i) => pointOf(i)))
  })

  it('takes no more than max of each: trusted first, then those that ran, then the last ones', () => {
    const tables = tablesOf(plain, { size: { max: 3, target: 2 } })
    const text = lines(
      { kind: 'point', point: '/memory/early', lastEstablished: meeting(20) },
      { kind: 'point', point: '/memory/old', lastEstablished: meeting(10) },
      { kind: 'point', point: '/memory/trusted', trusted: true },
      { kind: 'point', point: '/memory/new', lastEstablished: meeting(20) },
      { kind: 'point', point: '/memory/rejected', lastRejected: meeting(900) },
      { kind: 'peer', peerId: '12D3a' },
      { kind: 'peer', peerId: '12D3b', lastEstablished: { at: 1 } },
      { kind: 'peer', peerId: '12D3c' },
      { kind: 'peer', peerId: '12D3d', trusted: true }
    )
    expect(load(text, tables)).toEqual({ points: 3, peers: 3, dropped: 0 })
    expect([...tables.points].map((one) => one.point)).toEqual(['/memory/old', '/memory/trusted', '/memory/new'])
    expect([...tables.peers].map((one) => one.peerId)).toEqual(['12D3b', '12D3c', '12D3d'])
  })

  it('takes of two entries with one name the later one, and counts the other as dropped', () => {
    const tables = tablesOf(plain)
    const text = lines(
      { kind: 'point', point: '/memory/1', trusted: true, lastEstablished: meeting(50) },
      { kind: 'peer', peerId: '12D3a', served: 3 },
      { kind: 'point', point: '/memory/1', lastFailedAt: 5 },
      { kind: 'peer', peerId: '12D3a', served: 4 }
    )
    expect(load(text, tables)).toEqual({ points: 1, peers: 1, dropped: 2 })
    const { lastFailedAt, lastEstablished, trusted } = taken(tables.points.get('/memory/1' as Point))
    expect([lastFailedAt, lastEstablished, trusted]).toEqual([5, undefined, false])
    expect(tables.peers.get('12D3a' as PeerId)?.served).toBe(4)
    expect([...checkPoints(tables.points), ...checkPeers(tables.peers)]).toEqual([])
  })

  it('starts metadata anew that the application does not understand, and keeps what it has set meanwhile', () => {
    const tables = tablesOf(notes)
    taken(tables.peers.insert('12D3met' as PeerId, { createdAt: 1, metadata: { note: '' } }))
    taken(tables.peers.insert('12D3told' as PeerId, { createdAt: 1, metadata: { note: 'mine' } }))
    const saved = ['12D3met', '12D3told', '12D3odd'].map((peerId, i) => ({
      kind: 'peer',
      peerId,
      trusted: true,
      metadata: i < 2 ? { note: 'saved' } : 5
    }))
    load(lines(...saved), tables)
    expect([...tables.peers].map(({ metadata, trusted }) => [metadata.note, trusted])).toEqual([
      ['saved', true],
      ['mine', true],
      ['', true]
    ])
  })

  it('keeps what a codec that throws makes of nothing', () => {
    const tables = tablesOf({
      ...plain,
      initial: () => 'first',
      toJson: () => {
        throw new Error('no')
      },
      fromJson: () => {
        throw new Error('no')
      }
    })
    taken(tables.peers.insert(peerOf(1), { createdAt: 1, metadata: 'mine' }))
    load(lines({ kind: 'peer', peerId: peerOf(1) }, { kind: 'peer', peerId: peerOf(2) }), tables)
    expect([...tables.peers].map(({ metadata }) => metadata)).toEqual(['mine', 'first'])
  })
})

/** Values that a hostile or damaged text may hold anywhere. */
const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('null', 'true', '""', '[]', '{}', '-1', '1e308', '1e999', '-0', '5e-324', '"12D3x"', '"/memory/1"', '9007199254740993'),
  fc.constantFrom('"__proto__"', '"constructor"', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":1}'),
  fc.constantFrom(`"${'x'.repeat(1_025)}"`, '['.repeat(3_000) + ']'.repeat(3_000), `${'{"at":'.repeat(3_000)}1${'}'.repeat(3_000)}`),
  fc.constantFrom(
    '{"peerId":"12D3x","at":1e300}',
    '{"point":"/memory/2","at":null}',
    '[{"kind":"connection-closed","at":1}]',
    '[null,[],{}]'
  ),
  fc.json({ maxDepth: 2 })
)
const hostileNames = [
  ...new Set([...Object.keys(pointFields), ...Object.keys(peerFields)]),
  'host',
  'range',
  'peers',
  'endsAt',
  'since',
  'kind'
]
const hostileLine = fc
  .tuple(
    fc.constantFrom('point', 'peer', 'peer-ban', 'host-ban', 'range-ban', 'hasOwnProperty'),
    fc.array(fc.tuple(fc.constantFrom(...hostileNames, '__proto__', 'constructor'), hostile), { maxLength: 4 }),
    fc.nat(3)
  )
  .map(([kind, fields, i]) => {
    const proper = [`"kind":"${kind}"`, `"point":"/memory/${i}"`, `"peerId":"12D3${i}"`, '"host":"::ffff:1.2.3.4"', '"range":"10.0.0.0/8"']
    return `{${[...proper, ...fields.map(([name, value]) => `"${name}":${value}`)].join(',')}}`
  })

it('hostile lines never throw, pollute no prototype, keep the tables sound, and what they leave can be saved and read again (seed 7)', () => {
  const seen = { taken: 0, dropped: 0 }
  fc.assert(
    fc.property(fc.array(fc.oneof(hostileLine, hostile), { maxLength: 12 }), (texts) => {
      const tables = tablesOf(plain, { size: { max: 3, target: 2 } })
      const counts = load(`${lines()}${texts.join('\n')}`, tables)
      seen.taken += counts.points + counts.peers
      seen.dropped += counts.dropped
      expect(({} as Record<string, unknown>).x).toBeUndefined()
      expect([...checkPoints(tables.points), ...checkPeers(tables.peers)]).toEqual([])
      for (const { point, events, lastEstablished, lastRejected } of tables.points.bySighting()) {
        expect(parse.tryParsePoint(point)).toBeDefined()
        for (const { at } of [...events, lastEstablished, lastRejected].filter((one) => one !== undefined))
          expect(at).toBeLessThanOrEqual(now)
      }
      const again = tablesOf(plain, { size: { max: 3, target: 2 } })
      const text = write(tables)
      expect(load(text, again)).toEqual({ points: tables.points.size, peers: tables.peers.size, dropped: 0 })
      expect(write(again)).toBe(text)
    }),
    { numRuns: 2_000, seed: 7 }
  )
  expect(seen.taken).toBeGreaterThan(300)
  expect(seen.dropped).toBeGreaterThan(300)
}, 30_000)
