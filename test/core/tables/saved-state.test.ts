import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryFields } from '../../../src/core/tables/saved-fields.ts'
import { readState } from '../../../src/core/tables/saved-state.ts'
import type { Point } from '../../../src/core/values/ids.ts'
import { StorageError } from '../../../src/core/values/ports.ts'
import { StateBench } from '../../support/state-bench.ts'
import { news, peerOf, pointOf } from './encounters.ts'
import { savedSchema } from './saved-schema.ts'
import { anyState, filled, lines, now, parse, plain, read, tablesOf, write } from './saved-states.ts'

const bySaved = <T>(values: Iterable<T>, nameOf: (value: T) => string): T[] => [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

describe('the saved text', () => {
  it('gives back every saved field of 2,000 random states', () => {
    fc.assert(
      fc.property(anyState, (before) => {
        const found = read(write(filled(before), before.anchors))
        expect(found.dropped).toBe(0)
        expect(found.anchors).toEqual(before.anchors)
        expect({ peers: found['peer-ban'], hosts: found['host-ban'], ranges: found['range-ban'] }).toEqual(before.bans)
        expect(bySaved(found.point, (one) => one.point)).toEqual(bySaved(before.points, (one) => one.point))
        expect(bySaved(found.peer, (one) => one.peerId)).toEqual(bySaved(before.peers, (one) => one.peerId))
      }),
      { numRuns: 2_000, seed: 13 }
    )
  })

  it('has no way through a peer: it ended with the connection', () => {
    const way = '/p2p/C/p2p-circuit/webrtc/p2p/B' as Point
    const bench = new StateBench()
    bench.dialed(way, peerOf(1))
    bench.dialed(pointOf(2), peerOf(2))
    const saved = read([...bench.state.write([way, pointOf(2)])].join(''))
    expect([saved.anchors, saved.point.map(({ point }) => point)]).toEqual([[pointOf(2)], [pointOf(2)]])
  })

  it('is a header, then one JSON object per line, bans first', () => {
    const [before] = fc.sample(
      anyState.filter(({ bans, points, peers }) => bans.peers.length > 0 && points.length > 0 && peers.length > 0),
      { numRuns: 1, seed: 1 }
    )
    const text = write(filled(before as NonNullable<typeof before>))
    expect(text.endsWith('\n')).toBe(true)
    const [header, ...entries] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string })
    expect(header).toMatchObject({ format: 'p2p-pool', version: 1, savedAt: now })
    const order = Object.keys(entryFields)
    const kinds = entries.map(({ kind }) => order.indexOf(kind))
    expect(kinds).toEqual([...kinds].sort((a, b) => a - b))
    expect(kinds).not.toContain(-1)
  })

  it('is what the schema in docs says, and docs/storage.md names every field', async () => {
    await expect(`${JSON.stringify(savedSchema(), null, 2)}\n`).toMatchFileSnapshot('../../../docs/storage.schema.json')
    const manual = readFileSync('docs/storage.md', 'utf8')
    const names = Object.values(entryFields).flatMap((fields) => Object.keys(fields))
    expect(names.filter((name) => !manual.includes(`\`${name}\``))).toEqual([])
    const example = /```json\n([\s\S]*?)```/.exec(manual)?.[1] ?? ''
    const found = read(example)
    expect(found.dropped).toBe(0)
    expect([found.anchors, found['host-ban'], found.point, found.peer].map((list) => list.length)).toEqual([1, 1, 2, 1])
  })

  it('leaves out what an absent field is read as', () => {
    const tables = tablesOf(plain)
    tables.points.insert(pointOf(1), news(5))
    tables.peers.insert(peerOf(1), { createdAt: 6, metadata: null })
    const [, point, peer] = write(tables)
      .split('\n')
      .map((line) => line && (JSON.parse(line) as unknown))
    expect(point).toEqual({ kind: 'point', point: pointOf(1), discoverySource: 'operator', discoveredAt: 5 })
    expect(peer).toEqual({ kind: 'peer', peerId: peerOf(1), createdAt: 6, metadata: null })
  })

  it('saves a peer without its metadata when they make no JSON, throw, or make a line that would not be read', () => {
    const made: Record<string, () => unknown> = {
      fine: () => 'fine',
      bigint: () => 10n,
      throws: () => {
        throw new Error('no')
      },
      huge: () => 'x'.repeat(2 ** 20)
    }
    const tables = tablesOf({ ...plain, toJson: (value) => made[String(value)]?.() })
    for (const name of Object.keys(made)) tables.peers.insert(peerOf(name), { createdAt: 1, metadata: name })
    expect(read(write(tables)).peer.map(({ metadata }) => metadata)).toEqual(['fine', null, null, null])
  })

  it('is read in slices, however the work is spread over lines', () => {
    const points = Array.from({ length: 20_000 }, (_, i) => ({ kind: 'point', point: `/memory/${i}` }))
    const slices = (text: string): number => {
      const work = readState(text, { parse, now })
      for (let count = 0; ; count++) if (work.next().done === true) return count
    }
    expect(slices(lines(...points))).toBe(200)
    expect(slices(lines({ kind: 'peer', peerId: '12D3x', metadata: 'x'.repeat(200_000) }, { kind: 'peer', peerId: '12D3y' }))).toBe(1)
    expect(slices(lines() + '\n'.repeat(100_000))).toBeLessThan(2)
  })
})

describe('a text without a proper header', () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const broken: [name: string, text: string, message: RegExp][] = [
    ['empty', '', /got nothing/],
    ['zeros', '\0'.repeat(100), /expected a first line such as/],
    ['a number', '17', /got "17"/],
    ['null', 'null', /got "null"/],
    ['an array', '[]', /got "\[\]"/],
    ['of another program', '{"format":"other","version":1}', /expected a first line/],
    ['without version', '{"format":"p2p-pool"}', /got "\{\\"format\\":\\"p2p-pool\\"\}"/],
    ['of version 0', '{"format":"p2p-pool","version":0}', /expected a first line/],
    ['of version "2"', '{"format":"p2p-pool","version":"2"}', /expected a first line/],
    ['a header over several lines', JSON.stringify({ format: 'p2p-pool', version: 1 }, null, 2), /got "\{"/],
    ['a document on one line', '{"format":"p2p-pool","version":1,"points":[{"point":"/a"}]}', /each entry on a line of its own/],
    ['a first line that is cut', '{"format":"p2p-pool","vers', /expected a first line/],
    ['a first line that is far too long', `{"format":"p2p-pool","version":1,"x":"${'x'.repeat(2 ** 20)}"}`, /far too long/],
    ['10,000 levels of array', '['.repeat(10_000) + ']'.repeat(10_000), /expected a first line/],
    ['10,000 levels in the header', `{"format":"p2p-pool","version":1,"points":${deep(10_000)}}`, /each entry on a line of its own/],
    ['100,000 levels in place of the version', `{"format":"p2p-pool","version":${deep(100_000)}}`, /expected a first line/]
  ]

  it.each(broken)('%s: is broken, and the message says what was expected', (_name, text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ name: 'StorageError', failure: 'broken', message: expect.stringMatching(message) })
    )
  })

  it('of a newer version is refused as such', () => {
    expect(() => read('{"format":"p2p-pool","version":2,"entries":{}}\nelsewhere')).toThrow(
      expect.objectContaining({ failure: 'newer-version', message: 'expected version 1, got version 2: a newer p2p-pool wrote it' })
    )
  })
})

describe('a line that is not what it should be', () => {
  const good = { kind: 'point', point: '/memory/1' }
  const peer = { kind: 'peer', peerId: '12D3x' }

  it.each([
    null,
    1,
    'text',
    [],
    {},
    { point: '/memory/1' },
    { kind: 'place', point: '/memory/1' },
    { kind: 'constructor', point: '/memory/1' },
    { kind: '__proto__', point: '/memory/1' },
    { kind: ['point'], point: 5 },
    { kind: 'point' },
    { ...good, point: 1 },
    { ...good, point: 'nonsense' },
    { ...good, point: `/${'x'.repeat(2_000)}` },
    { ...good, trusted: 'yes' },
    { ...good, isPublic: 1 },
    { ...good, discoveredAt: '2026' },
    { ...good, discoveredAt: -1 },
    { ...good, discoverySource: 'rumour' },
    { ...good, discoverySource: 'toString' },
    { ...good, source: 'nobody' },
    { ...good, expectedPeerId: 5 },
    { ...good, lastFailedAt: null },
    { ...good, lastRejected: 5 },
    { ...good, lastEstablished: { at: 1 } },
    { ...good, lastDisconnection: { peerId: '12D3x', at: '1' } },
    { ...good, events: {} },
    { kind: 'peer', peerId: 'nobody' },
    { ...peer, createdAt: true },
    { ...peer, trusted: 0 },
    { ...peer, lastFailed: { point: 'nowhere', at: 1 } },
    { ...peer, lastEstablished: [] },
    { ...peer, served: -1 },
    { ...peer, lastReport: { kind: 'rumour', reason: '', at: 1 } },
    { ...peer, lastReport: { kind: 'fault', reason: 'x'.repeat(2_000), at: 1 } },
    { ...peer, events: 'none' },
    { kind: 'peer-ban', peerId: 'nobody' },
    { kind: 'host-ban', host: 5 },
    { kind: 'host-ban', host: '::ffff:1.2.3.4', peers: 'all' },
    { kind: 'range-ban', range: '10.0.0.0/8', since: 'ever' }
  ])('%j is dropped and counted, and the rest is kept', (bad) => {
    const found = read(lines({ kind: 'point', point: '/memory/0' }, bad, { kind: 'peer', peerId: '12D3y' }))
    expect([found.point.map((one) => one.point), found.peer.map((one) => one.peerId), found.dropped]).toEqual([['/memory/0'], ['12D3y'], 1])
  })

  it.each([
    ['no JSON', '{"kind":"point","point":"/memory/1"'],
    ['NaN', '{"kind":"point","point":"/memory/1","discoveredAt":NaN}'],
    ['a number that overflows', '{"kind":"point","point":"/memory/1","discoveredAt":1e999}'],
    ['two entries', '{"kind":"point","point":"/memory/1"}{"kind":"point","point":"/memory/2"}'],
    ['100,000 levels', '['.repeat(100_000)],
    ['100,000 levels that end', `{"kind":"point","point":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['more than a line may have', JSON.stringify({ kind: 'peer', peerId: '12D3x', metadata: 'x'.repeat(2 ** 20) })],
    ['zeros', '\0'.repeat(1_000)]
  ])('%s costs that line alone', (_name, bad) => {
    const found = read(`${lines({ kind: 'point', point: '/memory/0' })}${bad}\n${JSON.stringify({ kind: 'peer', peerId: '12D3y' })}`)
    expect([found.point.length, found.peer.length, found.dropped]).toEqual([1, 1, 1])
  })

  it('cut at any byte after the header: loses what is cut, and the line it was cut in', () => {
    const [before] = fc.sample(anyState, { numRuns: 1, seed: 11 })
    const text = write(filled(before as NonNullable<typeof before>))
    const header = text.indexOf('\n')
    for (let end = header; end < text.length; end++) {
      const whole = text
        .slice(header + 1, end)
        .split('\n')
        .filter(Boolean).length
      const { dropped, anchors, ...entries } = read(text.slice(0, end))
      const found = Object.values(entries).reduce((sum, list) => sum + list.length, 0)
      expect(found + dropped, `cut at ${end}`).toBe(whole)
      expect(dropped, `cut at ${end}`).toBeLessThanOrEqual(1)
    }
    for (let end = 0; end < header; end++) expect(() => read(text.slice(0, end)), `cut at ${end}`).toThrow(StorageError)
  })

  it('with a byte changed: is broken, or loses no more than the lines it touched', () => {
    const [before] = fc.sample(anyState, { numRuns: 1, seed: 12 })
    const text = write(filled(before as NonNullable<typeof before>))
    const count = text.trimEnd().split('\n').length - 1
    for (let at = 0; at < text.length; at += 3) {
      for (const change of ['x', '0', '"', '{', '\n', ' ']) {
        try {
          const { dropped, anchors, ...entries } = read(text.slice(0, at) + change + text.slice(at + 1))
          const found = Object.values(entries).reduce((sum, list) => sum + list.length, 0)
          expect(found, `${change} at ${at}`).toBeGreaterThanOrEqual(count - 2)
        } catch (error) {
          if (!(error instanceof StorageError)) throw error
        }
      }
    }
  })

  it('lines beyond the cap are not read, and counted', () => {
    const text = lines() + '{"kind":"peer-ban","peerId":"12D3x"}\n'.repeat(200_007)
    const found = read(text)
    expect([found['peer-ban'].length, found.dropped]).toEqual([200_000, 7])
  })

  it('byte order mark, line ends of Windows, empty lines and a missing last line end are nothing', () => {
    const text = lines({ kind: 'point', point: '/memory/0' }, { kind: 'peer', peerId: '12D3y' })
    const expected = read(text)
    for (const same of [`\uFEFF${text}`, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\n\n  \n'), text.trimEnd()])
      expect(read(same)).toEqual(expected)
  })
})

describe('an entry', () => {
  it('needs no more than its name: a person may add a point, a peer or a ban by hand', () => {
    const found = read(
      lines(
        { kind: 'point', point: '/ip4/1.2.3.4/tcp/1/p2p/12D3x', trusted: true },
        { kind: 'point', point: '/ip4/1.2.3.5/tcp/1/p2p/12D3x', expectedPeerId: '12D3y' },
        { kind: 'peer', peerId: '12D3x' },
        { kind: 'peer-ban', peerId: '12D3z' }
      )
    )
    expect(found).toMatchObject({
      dropped: 0,
      point: [
        { point: '/ip4/1.2.3.4/tcp/1', expectedPeerId: '12D3x', trusted: true, discoverySource: 'storage', discoveredAt: now, events: [] },
        { point: '/ip4/1.2.3.5/tcp/1', expectedPeerId: '12D3y' }
      ],
      peer: [{ peerId: '12D3x', trusted: false, createdAt: now, metadata: null, served: 0 }],
      'peer-ban': [{ peerId: '12D3z', since: now, endsAt: undefined }]
    })
  })

  it('keeps the last hundred events, leaves out those that make no sense, and dates of the future are now', () => {
    const events = Array.from({ length: 150 }, (_, i) => ({ kind: i === 149 ? 'party' : 'connection-closed', at: i === 148 ? now * 2 : i }))
    const [point] = read(lines({ kind: 'point', point: '/memory/1', discoveredAt: now + 1, lastFailedAt: 1e300, events })).point
    expect(point).toMatchObject({ discoveredAt: now, lastFailedAt: now })
    expect(point?.events).toHaveLength(99)
    expect([point?.events[0]?.at, point?.events.at(-1)?.at]).toEqual([50, now])
  })

  it('keeps a ban whose list of peers holds some that are none', () => {
    const found = read(lines({ kind: 'host-ban', host: '::ffff:1.2.3.4', endsAt: now * 2, peers: ['12D3b', 'nobody', 5] }))
    expect(found['host-ban']).toEqual([{ host: '::ffff:1.2.3.4', since: now, endsAt: now * 2, peers: ['12D3b'] }])
  })

  it('forgets metadata of 10,000 levels and keeps the rest of the peer; __proto__ changes nothing', () => {
    const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
    const text = `${lines()}{"kind":"peer","peerId":"12D3a","__proto__":{"trusted":true},"metadata":{"__proto__":{"polluted":1}}}
      {"kind":"peer","peerId":"12D3b","metadata":${deep}}
      {"kind":"point","point":"/a","__proto__":{"expectedPeerId":"12D3x"},"constructor":{"prototype":{"polluted":1}}}`
    const { peer, point } = read(text)
    expect(peer.map(({ trusted, metadata }) => [trusted, metadata === null])).toEqual([
      [false, false],
      [false, true]
    ])
    expect(point).toMatchObject([{ point: '/a', expectedPeerId: undefined }])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})
