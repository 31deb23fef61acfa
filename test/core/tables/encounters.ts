/** Points and peers, and what happens to them, by the real transitions: for the tests of the tables. */
import { type PeerRecord, setPeerAccepted, setPeerDisconnected, setPeerRunning } from '../../../src/core/tables/peer.ts'
import type { PointRecord } from '../../../src/core/tables/point.ts'
import {
  type PointEnding,
  setPointAccepted,
  setPointDisconnected,
  setPointRequested,
  setPointRunning
} from '../../../src/core/tables/point.ts'
import type { PointNews, PointTable } from '../../../src/core/tables/point-table.ts'
import type { Attempt, RunningConnection } from '../../../src/core/values/attempt.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

/** A public point of its own address group: `number` up to 12,799 gives different groups. */
export function pointOf(number: number): Point {
  return `/ip4/${20 + Math.floor(number / 256)}.${number % 256}.1.1/tcp/4001` as Point
}

/** Points of one address group, 11.22. */
export function pointInGroup(number: number): Point {
  return `/ip4/11.22.${Math.floor(number / 256)}.${number % 256}/tcp/4001` as Point
}

export function peerOf(number: number | string): PeerId {
  return `12D3KooW${number}` as PeerId
}

/** As told by a stranger, if `source` is given; else by the operator. */
export function news(at: number, source?: PeerId): PointNews {
  return { source, discoverySource: source === undefined ? 'operator' : 'advertise', trusted: false, discoveredAt: at }
}

const someone = peerOf('someone')

function attemptOf(point: Point | undefined): Attempt {
  const signal = new AbortController().signal
  return {
    id: 1,
    direction: 'outgoing',
    startedAt: 0,
    host: undefined,
    transport: 'tcp',
    expectedPeerId: undefined,
    signal,
    point,
    peerId: someone,
    instance: '',
    place: undefined,
    waitsSince: 0,
    hasSlot: true
  }
}

function connectionOf(peerId: PeerId, point: Point | undefined, at: number): RunningConnection {
  return {
    peerId,
    point,
    host: undefined,
    transport: 'tcp',
    direction: 'outgoing',
    establishedAt: at,
    startedAt: at,
    isPrivate: false,
    instance: '',
    messagesReceived: 0,
    rttMs: null,
    disconnect: async () => undefined
  }
}

const ending: Omit<PointEnding, 'date'> = {
  now: 0,
  backsOff: true,
  grows: true,
  byUs: false,
  isShort: false,
  mayReturnSoon: true,
  rejection: undefined,
  comeBackAfterMs: 0,
  reconnection: { initialDelayMs: 1_000, factor: 1.2, jitter: 0, afterConnectionMs: 60_000, maxDelayMs: 3_600_000 },
  random: seededRandom(1)
}

/** disconnected → requested. */
export function request(table: PointTable, record: PointRecord): void {
  setPointRequested(record, attemptOf(record.point))
  table.reindex(record)
}

/** disconnected → running; the point is public from then on, unless said otherwise. */
export function connect(table: PointTable, record: PointRecord, at: number, { isPublic = true }: { isPublic?: boolean } = {}): void {
  setPointAccepted(record, attemptOf(record.point), someone)
  table.reindex(record)
  setPointRunning(record, connectionOf(someone, record.point, at))
  record.asClaimed().isPublic = isPublic
  table.reindex(record)
}

/** Any state → disconnected. */
export function disconnect(table: PointTable, record: PointRecord, at: number): void {
  setPointDisconnected(record, { ...ending, date: at })
  table.reindex(record)
}

/** Connects and disconnects: it is a tried point afterwards. */
export function meet(table: PointTable, record: PointRecord, at: number, options?: { isPublic?: boolean }): void {
  connect(table, record, at, options)
  disconnect(table, record, at)
}

/** A dial in vain. */
export function miss(table: PointTable, record: PointRecord, at: number): void {
  request(table, record)
  disconnect(table, record, at)
}

/** The handshake passed and one side said no: somebody is there, and never ran. */
export function beRejected(table: PointTable, record: PointRecord, at: number): void {
  setPointAccepted(record, attemptOf(record.point), someone)
  disconnect(table, record, at)
}

export function runPeer<M>(record: PeerRecord<M>, at: number): void {
  const attempt = attemptOf(undefined)
  setPeerAccepted(record, attempt)
  setPeerRunning(record, attempt, connectionOf(record.peerId, undefined, at))
}

export function leavePeer<M>(record: PeerRecord<M>, at: number): void {
  setPeerDisconnected(record, { now: at, date: at, counts: true, byUs: false, ending: undefined })
}

/** The record that must have come in. */
export function taken<T>(record: T | undefined): T {
  if (record === undefined) throw new Error('expected a record, the table refused it')
  return record
}
