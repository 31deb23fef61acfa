/** Saved states, random ones and such as people write, and their way into tables and back: for the tests of the saved state. */
import fc from 'fast-check'
import type { BanLists } from '../../../src/core/tables/bans.ts'
import { PeerTable } from '../../../src/core/tables/peer-table.ts'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import type { SavedPeer, SavedPoint } from '../../../src/core/tables/saved-fields.ts'
import { restorePeer, restorePoint } from '../../../src/core/tables/saved-fields.ts'
import { readState, restoreState, type SavedState, type SavedTables, writeState } from '../../../src/core/tables/saved-state.ts'
import { historyKinds } from '../../../src/core/values/history.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { TableSize } from '../../../src/core/values/settings.ts'
import { peerOf, pointOf } from './encounters.ts'

/** Now, wall clock. */
export const now = 1_800_000_000_000

/** Points begin with a slash, peer ids with `12D3`. The expected id is split off, as adapters do. */
export const parse = {
  tryParsePoint(text: string): ParsedPoint | undefined {
    const [point = '', expected] = text.split('/p2p/')
    return text.startsWith('/') ? { point: point as Point, expectedPeerId: expected as PeerId | undefined } : undefined
  },
  tryParsePeerId: (text: string) => (text.startsWith('12D3') ? (text as PeerId) : undefined)
}

export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

export const read = (text: string, at = now): SavedState => finish(readState(text, { parse, now: at }))

/** A header and these entries, as lines. */
export function lines(...entries: readonly unknown[]): string {
  return [{ format: 'p2p-pool', version: 1 }, ...entries].map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

export const noBans: BanLists = { peers: [], hosts: [], ranges: [] }

export interface Note {
  readonly note: string
}

/** Metadata of a shape of its own, which refuses others. */
export const notes = {
  initial: (): Note => ({ note: '' }),
  toJson: ({ note }: Note): unknown => ({ note }),
  fromJson: (value: unknown): Note => {
    if (typeof value !== 'object' || value === null || !('note' in value) || typeof value.note !== 'string') throw new Error('no note')
    return { note: value.note }
  },
  score: () => 1
}

/** Metadata that are JSON already. */
export const plain = { initial: (): unknown => null, toJson: (value: unknown) => value, fromJson: (value: unknown) => value }

export interface Tables<Meta> extends SavedTables<Meta> {
  /** Peers, hosts and ranges that were banned. */
  readonly banned: string[]
}

export function tablesOf<Meta>(
  peerMetadata: SavedTables<Meta>['config']['peerMetadata'],
  { size = null, bans = noBans }: { size?: TableSize | null; bans?: BanLists } = {}
): Tables<Meta> {
  const banned: string[] = []
  return {
    config: { maxKnownPoints: size, maxKnownPeers: size, trustedPoints: [], peerMetadata },
    points: new PointTable({ size }),
    peers: new PeerTable({ size, score: () => 1 }),
    bans: {
      export: () => bans,
      banPeer: (peerId) => void banned.push(peerId),
      banHost: (host) => void banned.push(host),
      banRange: (range) => {
        banned.push(range)
        return range
      }
    },
    banned
  }
}

export const write = <Meta>(tables: SavedTables<Meta>, anchors: readonly Point[] = [], date = now): string =>
  [...writeState(tables, { anchors, date })].join('')

export const load = <Meta>(text: string, tables: SavedTables<Meta>, at = now): { points: number; peers: number; dropped: number } =>
  finish(restoreState(read(text, at), { tables, now: at }))

const instant = fc.integer({ min: 0, max: now })
const point = fc.nat(500).map(pointOf)
const peerId = fc.nat(500).map(peerOf)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const meeting = maybe(fc.record({ peerId, at: instant }))
const encounter = maybe(fc.record({ point: maybe(point), at: instant }))
const eventsWith = <T>(other: fc.Arbitrary<T>) =>
  fc.array(fc.record({ kind: fc.constantFrom(...historyKinds), at: instant, other: maybe(other) }), { maxLength: 4 })

const savedPoint: fc.Arbitrary<SavedPoint> = fc.record({
  point,
  source: maybe(peerId),
  discoverySource: fc.constantFrom('operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery'),
  discoveredAt: instant,
  trusted: fc.boolean(),
  registered: fc.boolean(),
  isPublic: fc.boolean(),
  expectedPeerId: maybe(peerId),
  lastFailedAt: maybe(instant),
  lastRejected: meeting,
  lastEstablished: meeting,
  lastDisconnection: meeting,
  events: eventsWith(peerId)
})

const savedPeer: fc.Arbitrary<SavedPeer> = fc.record({
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
  lastReport: maybe(fc.record({ kind: fc.constantFrom('fault', 'useless', 'slow'), reason: fc.string({ maxLength: 20 }), at: instant })),
  events: eventsWith(point)
})

const term = { since: instant, endsAt: maybe(instant) }
const host = fc.nat(99).map((i) => `::ffff:1.2.3.${i}` as Host)
const along = fc.array(peerId, { maxLength: 2 })

export interface WholeState {
  readonly anchors: readonly Point[]
  readonly bans: BanLists
  readonly points: readonly SavedPoint[]
  readonly peers: readonly SavedPeer[]
}

/** Everything that is saved, with every field now and then. */
export const anyState: fc.Arbitrary<WholeState> = fc.record({
  anchors: fc.array(point, { maxLength: 8 }),
  bans: fc.record({
    peers: fc.array(fc.record({ peerId, ...term }), { maxLength: 2 }),
    hosts: fc.array(fc.record({ host, peers: along, ...term }), { maxLength: 2 }),
    ranges: fc.array(fc.record({ range: fc.constant('10.0.0.0/8'), peers: along, ...term }), {
      maxLength: 2
    })
  }),
  points: fc.uniqueArray(savedPoint, { maxLength: 4, selector: (one) => one.point }),
  peers: fc.uniqueArray(savedPeer, { maxLength: 4, selector: (one) => one.peerId })
})

/** Tables that hold a state. */
export function filled({ bans, points, peers }: WholeState): Tables<unknown> {
  const tables = tablesOf(plain, { bans })
  for (const one of points) restorePoint(tables.points, one)
  for (const one of peers) restorePeer(tables.peers, one, one.metadata)
  return tables
}
