/**
 * What the pool knows of one point, and the only functions that change its state. Called by `pool-state.ts` alone, which
 * moves point and peer together; the records are `point-record.ts`'s, the table that holds them `point-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { HistoryKind } from '../values/history.ts'
import type { PeerId } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { pushEvent } from './event-ring.ts'
import type { PointState } from './point-info.ts'
import { disconnected, type PointRecord } from './point-record.ts'

/** disconnected → requested. We are about to dial it. */
export function setPointRequested(record: PointRecord, attempt: Attempt): void {
  allow(record, ['disconnected'], 'requested')
  record.state = { kind: 'requested', attempt }
}

/** disconnected, requested by the same attempt → accepted. The handshake passed our checks. */
export function setPointAccepted(record: PointRecord, attempt: Attempt, peerId: PeerId): void {
  allow(record, ['disconnected', 'requested'], 'accepted')
  if (record.state.kind === 'requested' && record.state.attempt !== attempt) illegal(record, 'accepted by another attempt')
  record.state = { kind: 'accepted', attempt, peerId }
}

/** accepted by the same peer, or disconnected (a running peer named it later) → running. */
export function setPointRunning(record: PointRecord, connection: RunningConnection, at: number): void {
  allow(record, ['disconnected', 'accepted'], 'running')
  if (record.state.kind === 'accepted' && record.state.peerId !== connection.peerId) illegal(record, 'running with another peer')
  record.state = { kind: 'running', connection }
  record.own().lastEstablished = { peerId: connection.peerId, at }
  notePoint(record, 'connection-established', at, connection.peerId)
}

/** How a point comes back to disconnected. */
export interface PointEnding {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
  /** False: the attempt ended for reasons of our own (cancelled, superseded, our network is down, we slept): nothing is held against the point. */
  readonly counts: boolean
  /** False: no other connection works, so it may be our own network: the bar does not grow. */
  readonly grows: boolean
  /** Did the operator or our pool end the running connection? */
  readonly byUs: boolean
  /** The peer's wish, or what a policy says: no dial before that many ms. */
  readonly comeBackAfterMs: number
  readonly reconnection: Reconnection
  readonly random: Random
}

/** any state but disconnected → disconnected; writes the last instants and bars the point for its reconnection delay. */
export function setPointDisconnected(record: PointRecord, ending: PointEnding): void {
  const { state } = record
  if (state.kind === 'disconnected') illegal(record, 'disconnected')
  record.state = disconnected
  const life = record.own()
  if (state.kind === 'running') {
    const { peerId } = state.connection
    life.lastDisconnection = { peerId, at: ending.date }
    notePoint(record, ending.byUs ? 'disconnection' : 'external-disconnection', ending.date, peerId)
    life.failures = 0
    life.delayMs = 0
    if (ending.counts) bar(record, ending, Math.max(ending.reconnection.afterConnectionMs, ending.comeBackAfterMs))
    return
  }
  const peerId = state.kind === 'accepted' ? state.peerId : undefined
  if (!ending.counts) return
  if (peerId === undefined) life.lastFailedAt = ending.date
  else life.lastRejected = { peerId, at: ending.date }
  notePoint(record, 'request-rejected', ending.date, peerId)
  const { initialDelayMs, factor, maxDelayMs } = ending.reconnection
  const delay = Math.max(life.delayMs === 0 ? initialDelayMs : life.delayMs, ending.comeBackAfterMs)
  if (ending.grows) {
    life.failures++
    life.delayMs = Math.min(delay * factor, maxDelayMs)
  }
  bar(record, ending, delay)
}

/** Forgets the back-off: a user asked for this point, or the machine woke up or came online. */
export function resetReconnection(record: PointRecord): void {
  if (record.barredUntil === Number.NEGATIVE_INFINITY && record.delayMs === 0) return
  record.own().delayMs = 0
  record.own().barredUntil = Number.NEGATIVE_INFINITY
}

/** Adds one line to the history. */
export function notePoint(record: PointRecord, kind: HistoryKind, at: number, peerId: PeerId | undefined): void {
  record.own().history = pushEvent(record.history, { kind, at, other: peerId })
}

/** Jitter keeps peers that lost each other at the same instant from meeting again and again at the same instant. */
function bar(record: PointRecord, ending: PointEnding, delayMs: number): void {
  const { jitter, maxDelayMs } = ending.reconnection
  record.own().barredUntil = ending.now + Math.min(delayMs, maxDelayMs) * (1 + jitter * (2 * ending.random.next() - 1))
}

function allow(record: PointRecord, from: readonly PointState['kind'][], to: string): void {
  if (!from.includes(record.state.kind)) illegal(record, to)
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
function illegal(record: PointRecord, to: string): never {
  throw new Error(`illegal point transition: ${record.point} from ${record.state.kind} to ${to}`)
}
