/** Stored states, random ones and such as people write, and the way to text and back: for the tests of the storage format. */
import fc from 'fast-check'
import { historyKinds } from '../../../src/core/tables/event-ring.ts'
import type { StoredPeer, StoredPoint } from '../../../src/core/tables/stored-record.ts'
import { type DecodedState, decodeState, encodeState, type StoredState } from '../../../src/core/tables/stored-text.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../../../src/core/values/ids.ts'
import { PoolError, type PoolErrorCode } from '../../../src/core/values/reason.ts'
import { peerOf, pointOf } from './encounters.ts'

/** Now. */
export const date = 1_800_000_000_000

/** Points begin with a slash, peer ids with `12D3`; the expected id is split off as adapters do. */
export const parse = {
  parsePoint(text: string): ParsedPoint {
    if (!text.startsWith('/')) throw new PoolError('invalid-point', `expected a point, got ${text}`)
    const [point = '', expected] = text.split('/p2p/')
    return { point: point as Point, expectedPeerId: expected as PeerId | undefined }
  },
  parsePeerId(text: string): PeerId {
    if (!text.startsWith('12D3')) throw new PoolError('invalid-peer-id' satisfies PoolErrorCode, `expected a peer id, got ${text}`)
    return text as PeerId
  }
}

export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** The saved fields alone of what a text says. */
export function decode(text: string): Omit<DecodedState, 'points' | 'peers'> & { points: StoredPoint[]; peers: StoredPeer[] } {
  const { points, peers, ...rest } = finish(decodeState(text, { parse, date }))
  return { ...rest, points: points.map(savedPoint), peers: peers.map(savedPeer) }
}

function savedPoint(record: StoredPoint): StoredPoint {
  const { point, source, medium, discoveredAt, trusted, isPublic, expectedPeerId } = record
  const { lastFailedAt, lastRejected, lastEstablished, lastDisconnection, events } = record
  const instants = { lastFailedAt, lastRejected, lastEstablished, lastDisconnection }
  return { point, source, medium, discoveredAt, trusted, isPublic, expectedPeerId, ...instants, events }
}

function savedPeer(record: StoredPeer): StoredPeer {
  const { peerId, createdAt, trusted, metadata, served, connectedMs } = record
  const { lastFailed, lastRejected, lastEstablished, lastDisconnection, lastReport, events } = record
  const instants = { lastFailed, lastRejected, lastEstablished, lastDisconnection }
  return { peerId, createdAt, trusted, metadata, served, connectedMs, ...instants, lastReport, events }
}

/** Of copies of the entries: lines are kept in what is written, and nothing tells these of changes. */
export function encode({ points, peers, ...rest }: StoredState): string {
  const copies = { points: [...points].map((point) => ({ ...point })), peers: [...peers].map((peer) => ({ ...peer })) }
  return [...encodeState({ ...rest, ...copies }, { savedAt: date, metadataToJson: (metadata) => metadata })].join('')
}

export const noBans = { peers: [], hosts: [], ranges: [] }
export const empty: StoredState = { anchors: [], bans: noBans, points: [], peers: [] }

/** A document by hand, in a layout of its own. */
export function written(fields: object): string {
  return JSON.stringify({ format: 'p2p-pool', version: 1, ...fields }, null, 2)
}

const instant = fc.integer({ min: 0, max: date })
const point = fc.nat(500).map(pointOf)
const peerId = fc.nat(500).map(peerOf)
const meeting = fc.option(fc.record({ peerId, at: instant }), { nil: undefined })
const encounter = fc.option(fc.record({ point: fc.option(point, { nil: undefined }), at: instant }), { nil: undefined })
const eventsWith = <T>(other: fc.Arbitrary<T>) =>
  fc.array(fc.record({ kind: fc.constantFrom(...historyKinds), at: instant, other: fc.option(other, { nil: undefined }) }), {
    maxLength: 4
  })

export const storedPoint: fc.Arbitrary<StoredPoint> = fc.record({
  point,
  source: fc.option(peerId, { nil: undefined }),
  medium: fc.constantFrom('operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery'),
  discoveredAt: instant,
  trusted: fc.boolean(),
  isPublic: fc.boolean(),
  expectedPeerId: fc.option(peerId, { nil: undefined }),
  lastFailedAt: fc.option(instant, { nil: undefined }),
  lastRejected: meeting,
  lastEstablished: meeting,
  lastDisconnection: meeting,
  events: eventsWith(peerId)
})

export const storedPeer: fc.Arbitrary<StoredPeer> = fc.record({
  peerId,
  createdAt: instant,
  trusted: fc.boolean(),
  // JSON knows no -0.
  metadata: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  lastFailed: encounter,
  lastRejected: encounter,
  lastEstablished: encounter,
  lastDisconnection: encounter,
  served: fc.nat(),
  connectedMs: fc.nat(),
  lastReport: fc.option(
    fc.record({ kind: fc.constantFrom('fault', 'useless', 'slow'), reason: fc.string({ maxLength: 20 }), at: instant }),
    {
      nil: undefined
    }
  ),
  events: eventsWith(point)
})

const term = { since: instant, endsAt: fc.option(instant, { nil: undefined }) }
const host = fc.nat(99).map((i) => `::ffff:1.2.3.${i}` as Host)
export const state: fc.Arbitrary<StoredState> = fc.record({
  anchors: fc.array(point, { maxLength: 8 }),
  bans: fc.record({
    peers: fc.array(fc.record({ peerId, ...term }), { maxLength: 2 }),
    hosts: fc.array(fc.record({ host, peers: fc.array(peerId, { maxLength: 2 }), ...term }), { maxLength: 2 }),
    ranges: fc.array(
      fc.record({
        range: fc.constant('10.0.0.0/8'),
        peers: fc.array(peerId, { maxLength: 2 }),
        except: fc.array(host, { maxLength: 2 }),
        ...term
      }),
      { maxLength: 2 }
    )
  }),
  points: fc.uniqueArray(storedPoint, { maxLength: 4, selector: (one) => one.point }),
  peers: fc.uniqueArray(storedPeer, { maxLength: 4, selector: (one) => one.peerId })
})
