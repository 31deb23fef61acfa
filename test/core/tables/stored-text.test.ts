import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PeerRecord } from '../../../src/core/tables/peer-state.ts'
import type { StoredPoint } from '../../../src/core/tables/stored-record.ts'
import { decodeState, encodeState, type StoredState } from '../../../src/core/tables/stored-text.ts'
import { StorageError } from '../../../src/core/values/ports.ts'
import { peerOf, pointOf } from './encounters.ts'
import { date, decode, empty, encode, noBans, parse, state, storedPeer, storedPoint, written } from './stored-states.ts'

describe('the stored text', () => {
  it('gives back every saved field of 10,000 random states, in our layout and in any other', () => {
    fc.assert(
      fc.property(state, (before) => {
        const text = encode(before)
        const expected = { ...before, dropped: 0 }
        expect(decode(text)).toEqual(expected)
        expect(decode(JSON.stringify(JSON.parse(text), null, 1))).toEqual(expected)
      }),
      { numRuns: 10_000 }
    )
  }, 120_000)

  it('has one entry per line and is one JSON document', () => {
    const [first, second] = fc.sample(storedPoint, { numRuns: 2, seed: 1 }) as [StoredPoint, StoredPoint]
    const lines = encode({ ...empty, points: [first, second], peers: fc.sample(storedPeer, { numRuns: 1, seed: 2 }) }).split('\n')
    expect(lines).toHaveLength(11)
    expect(lines.filter((line) => line.startsWith('{"point"'))).toHaveLength(2)
    expect(lines.filter((line) => line.startsWith('{"peerId"'))).toHaveLength(1)
  })

  it('is what the schema in the documents describes, and what the example there shows can be read', () => {
    const schema = JSON.parse(readFileSync('docs/storage.schema.json', 'utf8')) as {
      properties: object
      $defs: Record<string, { properties: object; required?: string[] }>
    }
    const full = fc.sample(state, { numRuns: 200, seed: 7 })
    const names = (values: Iterable<unknown>): string[] => [...new Set([...values].flatMap((value) => Object.keys(value as object)))].sort()
    const texts = full.map((one) => JSON.parse(encode(one)) as Record<'points' | 'peers', Record<string, unknown>[]>)
    const listed = (name: string): string[] => Object.keys(schema.$defs[name]?.properties ?? {}).sort()
    expect(names(texts)).toEqual(Object.keys(schema.properties).sort())
    expect(names(texts.flatMap(({ points }) => points))).toEqual(listed('point'))
    expect(names(texts.flatMap(({ peers }) => peers))).toEqual(listed('peer'))
    expect(names(full.flatMap(({ bans }) => bans.ranges))).toEqual(listed('rangeBan'))

    const example = /```json\n([\s\S]*?)```/.exec(readFileSync('docs/storage.md', 'utf8'))?.[1] ?? ''
    expect(decode(example)).toMatchObject({
      dropped: 0,
      points: [{ trusted: true }, { isPublic: true }],
      peers: [{ metadata: { note: 'mirror' } }]
    })
  })

  it('reads in slices, however the entries are spread', () => {
    const points = Array.from({ length: 20_000 }, (_, i) => ({ point: `/memory/${i}`, medium: 'advertise', discoveredAt: i }))
    const text = encode({ ...empty, points: points.map((one) => ({ ...decode(written({ points: [one] })).points[0] }) as StoredPoint) })
    const work = decodeState(text, { parse, date })
    let slices = 0
    while (work.next().done !== true) slices++
    // Ten of entries, and one for each search for the end of a list.
    expect(slices).toBe(12)
  })

  it('writes a peer without its metadata when no JSON can be made of that', () => {
    const peers = fc.sample(storedPeer, { numRuns: 2, seed: 3 }).map((peer, i) => ({ ...peer, peerId: peerOf(i), metadata: i }))
    const metadataToJson = (metadata: number): unknown => (metadata === 0 ? 10n : { metadata })
    const text = [...encodeState({ ...empty, peers }, { savedAt: 1, metadataToJson })].join('')
    expect(decode(text).peers.map(({ metadata }) => metadata)).toEqual([null, { metadata: 1 }])
  })

  it('writes what an application put into the metadata object of a peer without telling', () => {
    const notes = { visits: 1 }
    const peers = [new PeerRecord(peerOf(1), 1, notes)]
    const saved = (): unknown =>
      decode([...encodeState({ ...empty, peers }, { savedAt: 1, metadataToJson: (metadata) => metadata })].join('')).peers[0]?.metadata
    expect(saved()).toEqual({ visits: 1 })
    notes.visits = 2
    expect(saved()).toEqual({ visits: 2 })
  })
})

describe('a stored text that is not what it should be', () => {
  const broken: [name: string, text: string, message: RegExp][] = [
    ['empty', '', /got no JSON but an empty text/],
    ['zeros', '\0'.repeat(100), /got no JSON/],
    ['binary', String.fromCharCode(...Array.from({ length: 200 }, (_, i) => (i * 7919) % 65_536)), /got no JSON/],
    ['NaN', written({ points: [] }).replace('[]', '[NaN]'), /got no JSON/],
    ['a number', '17', /expected a JSON object with "format": "p2p-pool", got "17"/],
    ['an array', '[]', /got "\[\]"/],
    ['null', 'null', /got "null"/],
    ['of another program', '{"format":"other","version":1}', /expected a JSON object/],
    ['without version', '{"format":"p2p-pool"}', /expected "version": 1, got nothing/],
    ['of version 0', '{"format":"p2p-pool","version":0}', /expected "version": 1, got "0"/],
    ['of version "2"', '{"format":"p2p-pool","version":"2"}', /got/],
    ['with points that are no array', written({ points: {} }), /expected an array in "points", got "\{\}"/],
    [
      "the original's peers file",
      '[{"peer_id":"idtr8DExLBR7xBABPvRSGAVj44cjRH","created":"2026-02-03T04:05:06.789-00:00"}]',
      /peers file of the original/
    ],
    ['10,000 levels of array', '['.repeat(10_000) + ']'.repeat(10_000), /expected a JSON object/]
  ]

  it.each(broken)('%s: is broken, and the message says what was expected', (_name, text, message) => {
    expect(() => decode(text)).toThrow(
      expect.objectContaining({ name: 'StorageError', failure: 'broken', message: expect.stringMatching(message) })
    )
  })

  it('is refused as of a newer version before anything in it is read', () => {
    expect(() => decode('{"format":"p2p-pool","version":2,"points":"elsewhere"}')).toThrow(
      expect.objectContaining({ failure: 'newer-version', message: 'expected version 1, got version 2: a newer p2p-pool wrote it' })
    )
  })

  const some: StoredState = {
    anchors: [pointOf(1)],
    bans: { ...noBans, peers: [{ peerId: peerOf(9), since: 5, endsAt: undefined }] },
    points: fc.sample(storedPoint, { numRuns: 3, seed: 11 }),
    peers: fc.sample(storedPeer, { numRuns: 3, seed: 12 })
  }

  it('cut at any byte: is broken, or whole but for the white space at its end', () => {
    const text = encode(some)
    for (let end = 0; end < text.length - 1; end++) {
      expect(() => decode(text.slice(0, end)), `cut at ${end}`).toThrow(StorageError)
    }
    expect(decode(text.slice(0, -1))).toEqual(decode(text))
  })

  it('of many entries is read by pieces as JSON reads it whole, also where a piece ends', () => {
    const points = Array.from({ length: 3_000 }, (_, i) => ({
      point: `/memory/${i}`,
      medium: 'advertise',
      discoveredAt: i,
      trusted: false
    }))
    const text = encode({ ...some, points: decode(written({ points })).points })
    const lines = text.split('\n')
    expect(decode(text).points).toHaveLength(3_000)
    for (let at = 4; at < lines.length - 4; at += 37) {
      const line = lines[at] ?? ''
      for (const change of [line.slice(0, -1), `${line},`, `${line}\n,`, `${line}\n${' '.repeat(200_000)},`, `,${line}`]) {
        const damaged = lines.with(at, change).join('\n')
        expect(() => JSON.parse(damaged)).toThrow(SyntaxError)
        expect(() => decode(damaged), `line ${at}: ${change.slice(0, 200)}`).toThrow(StorageError)
      }
      expect(decode(lines.with(at, `${' '.repeat(200_000)}${line}\n`).join('\n')).points).toHaveLength(3_000)
    }
    const trailing = text.replace('\n],', `,\n${' '.repeat(300_000)}\n],`)
    expect(() => decode(trailing)).toThrow(StorageError)
  }, 30_000)

  it('with any byte changed: is broken or newer, or loses no more than the entries it hit', () => {
    const text = encode(some)
    const whole = decode(text)
    for (let at = 0; at < text.length; at++) {
      for (const change of ['x', '0', '"', '{', '\n', ' ']) {
        const damaged = text.slice(0, at) + change + text.slice(at + 1)
        try {
          const { points, peers, dropped } = decode(damaged)
          expect(dropped, damaged).toBeLessThanOrEqual(1)
          expect(points.length + peers.length, damaged).toBeGreaterThanOrEqual(whole.points.length + whole.peers.length - 3)
        } catch (error) {
          if (!(error instanceof StorageError)) throw error
        }
      }
    }
  }, 30_000)

  it('with a line too many or too few commas: reads as JSON does, and not otherwise', () => {
    const text = encode(some)
    for (const damaged of [text.replace('},\n', '}\n'), text.replace('\n],', ',\n],'), text.replace('\n]}', '\n]}\n{}'), `${text}1`]) {
      expect(() => JSON.parse(damaged)).toThrow(SyntaxError)
      expect(() => decode(damaged)).toThrow(StorageError)
    }
    expect(decode(text.replace('},\n', '},'))).toEqual(decode(text))
    expect(decode(`\uFEFF${text}`)).toEqual(decode(text))
    expect(decode(text.replaceAll('\n', '\r\n'))).toEqual(decode(text))
  })
})

describe('a stored entry that is not what it should be', () => {
  const good = '/memory/1'

  it.each([
    null,
    1,
    'text',
    [],
    {},
    { point: 1 },
    { point: 'nonsense' },
    { point: `/${'x'.repeat(2_000)}` },
    { point: good, trusted: 'yes' },
    { point: good, isPublic: 1 },
    { point: good, discoveredAt: '2026' },
    { point: good, discoveredAt: -1 },
    { point: good, medium: 'rumour' },
    { point: good, medium: 'toString' },
    { point: good, source: 'nobody' },
    { point: good, expectedPeerId: 5 },
    { point: good, lastFailedAt: null },
    { point: good, lastRejected: 5 },
    { point: good, lastEstablished: { at: 1 } },
    { point: good, lastDisconnection: { peerId: '12D3x', at: '1' } },
    { point: good, events: {} }
  ])('a point like %j is dropped and counted, and the rest is kept', (bad) => {
    const { points, dropped } = decode(written({ points: [{ point: '/memory/0' }, bad, { point: '/memory/2' }] }))
    expect([points.map((one) => one.point), dropped]).toEqual([['/memory/0', '/memory/2'], 1])
  })

  it.each([
    null,
    {},
    { peerId: 'nobody' },
    { peerId: '12D3x', createdAt: true },
    { peerId: '12D3x', trusted: 0 },
    { peerId: '12D3x', lastFailed: { point: 'nowhere', at: 1 } },
    { peerId: '12D3x', lastEstablished: [] },
    { peerId: '12D3x', events: 'none' }
  ])('a peer like %j is dropped and counted, and the rest is kept', (bad) => {
    const { peers, dropped } = decode(written({ peers: [bad, { peerId: '12D3y' }] }))
    expect([peers.map((one) => one.peerId), dropped]).toEqual([['12D3y'], 1])
  })

  it('needs no more than its name: a person may add a point or a peer by hand', () => {
    const { points, peers, dropped } = decode(
      written({ points: [{ point: '/ip4/1.2.3.4/tcp/1/p2p/12D3x', trusted: true }], peers: [{ peerId: '12D3x' }] })
    )
    expect(points).toMatchObject([
      { point: '/ip4/1.2.3.4/tcp/1', expectedPeerId: '12D3x', trusted: true, medium: 'storage', discoveredAt: date, events: [] }
    ])
    expect(peers).toMatchObject([{ peerId: '12D3x', trusted: false, createdAt: date, metadata: null }])
    expect(dropped).toBe(0)
  })

  it('takes instants of the future for now, keeps the last hundred events, and leaves out events that make no sense', () => {
    const events = Array.from({ length: 150 }, (_, i) => ({ kind: i === 149 ? 'party' : 'disconnection', at: i === 148 ? date * 2 : i }))
    const text = written({ points: [{ point: good, discoveredAt: date + 1, lastFailedAt: 1e300, events }] })
    const [stored] = decode(text).points
    expect(stored).toMatchObject({ discoveredAt: date, lastFailedAt: date })
    expect(stored?.events).toHaveLength(99)
    expect([stored?.events[0]?.at, stored?.events.at(-1)?.at]).toEqual([50, date])
  })

  it('does no harm with __proto__ and with 10,000 levels of metadata', () => {
    const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
    const text = `{"format":"p2p-pool","version":1,"__proto__":{"points":[{"point":"/x"}]},"peers":[
      {"peerId":"12D3a","__proto__":{"trusted":true},"metadata":{"__proto__":{"polluted":1}}},
      {"peerId":"12D3b","metadata":${deep}}]}`
    const { points, peers } = decode(text)
    expect(points).toEqual([])
    expect(peers.map(({ trusted, metadata }) => [trusted, metadata === null])).toEqual([
      [false, false],
      [false, true]
    ])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('among bans and anchors is dropped and counted likewise', () => {
    const bans = {
      peers: [{ peerId: '12D3a', since: 1 }, { peerId: 'nobody' }, 5],
      hosts: [{ host: '::ffff:1.2.3.4', endsAt: 9, peers: ['12D3b', 'nobody'] }, { host: 5 }],
      ranges: 'all'
    }
    const found = decode(written({ bans, anchors: ['/a', 5, '/b'] }))
    expect(found.bans).toEqual({
      peers: [{ peerId: '12D3a', since: 1, endsAt: undefined }],
      hosts: [{ host: '::ffff:1.2.3.4', since: date, endsAt: 9, peers: ['12D3b'] }],
      ranges: []
    })
    expect([found.anchors, found.dropped]).toEqual([['/a', '/b'], 6])
  })
})
