/**
 * What the pool knows of one point, and the only functions that change its state. Called by `pool-state.ts` alone, which
 * moves point and peer together; the records are `point-record.ts`'s, the table that holds them `point-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { HistoryKind } from '../values/history.ts'
import type { PeerId } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import type { Rejection } from '../values/reason.ts'
import { backoffOf, noBackoff } from './backoff.ts'
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
  record.own().deniedPeerId = undefined
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
  /** The link broke, or the peer restarts: it may be back in seconds. */
  readonly mayReturnSoon: boolean
  /** Did the other side end the connection within ten seconds? */
  readonly isShort: boolean
  /** Why the attempt failed; none: it ran. */
  readonly rejection: Rejection | undefined
  /** The peer's wish, or what a policy says: no dial before that many ms. */
  readonly comeBackAfterMs: number
  readonly reconnection: Reconnection
  readonly random: Random
}

/**
 * any state but disconnected → disconnected; writes the last instants and sets the back-off. A connection that the other side ended
 * within ten seconds is a failure: a peer that takes us and drops us is dialed ever more rarely.
 */
export function setPointDisconnected(record: PointRecord, ending: PointEnding): void {
  const { state } = record
  if (state.kind === 'disconnected') illegal(record, 'disconnected')
  record.state = disconnected
  const life = record.own()
  const { initialDelayMs, afterConnectionMs } = ending.reconnection
  if (state.kind === 'running') {
    const { peerId } = state.connection
    life.lastDisconnection = { peerId, at: ending.date }
    notePoint(record, ending.byUs ? 'disconnection' : 'external-disconnection', ending.date, peerId)
    if (ending.isShort && ending.counts) {
      life.failures++
      life.shortConnections++
      backOff(record, ending, { least: afterConnectionMs, grows: true })
      return
    }
    life.failures = 0
    life.shortConnections = 0
    life.lastFailure = undefined
    life.delayMs = 0
    if (!ending.counts) return
    life.backoff = backoffOf(
      { now: ending.now, delayMs: Math.max(afterConnectionMs, ending.comeBackAfterMs), mayReturnSoon: ending.mayReturnSoon },
      ending
    )
    return
  }
  const peerId = state.kind === 'accepted' ? state.peerId : undefined
  if (!ending.counts) return
  life.lastFailure = ending.rejection
  if (ending.rejection?.kind === 'peer-banned') life.deniedPeerId = ending.rejection.peerId
  if (peerId === undefined) life.lastFailedAt = ending.date
  else life.lastRejected = { peerId, at: ending.date }
  notePoint(record, 'request-rejected', ending.date, peerId)
  if (ending.grows) life.failures++
  backOff(record, ending, { least: initialDelayMs, grows: ending.grows })
}

/** Waits as long as last time, at least `least` and what the peer asked for; the next wait is longer if it `grows`. */
function backOff(record: PointRecord, ending: PointEnding, { least, grows }: { least: number; grows: boolean }): void {
  const life = record.own()
  const { factor, maxDelayMs } = ending.reconnection
  const delayMs = Math.max(life.delayMs === 0 ? least : life.delayMs, ending.comeBackAfterMs)
  if (grows) life.delayMs = Math.min(delayMs * factor, maxDelayMs)
  life.backoff = backoffOf({ now: ending.now, delayMs }, ending)
}

/** Forgets the back-off: a user asked for this point, or the machine woke up or came online. */
export function resetReconnection(record: PointRecord): void {
  if (record.life.backoff === noBackoff && record.delayMs === 0) return
  record.own().delayMs = 0
  record.own().backoff = noBackoff
}

/** Adds one line to the history. */
export function notePoint(record: PointRecord, kind: HistoryKind, at: number, peerId: PeerId | undefined): void {
  record.own().history = pushEvent(record.history, { kind, at, other: peerId })
}

function allow(record: PointRecord, from: readonly PointState['kind'][], to: string): void {
  if (!from.includes(record.state.kind)) illegal(record, to)
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
function illegal(record: PointRecord, to: string): never {
  throw new Error(`illegal point transition: ${record.point} from ${record.state.kind} to ${to}`)
}
