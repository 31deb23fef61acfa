/**
 * The only functions that change the state of a point, and what peers claim of it. Called by `pool-state.ts`, which moves point and
 * peer together, and by `claims.ts`; the records are `point-record.ts`'s, the table that holds them `point-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { HistoryKind } from '../values/history.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import type { Rejection } from '../values/reason.ts'
import { backoffOf, noBackoff } from './backoff.ts'
import { pushEvent } from './event-ring.ts'
import type { PointState } from './point-info.ts'
import { disconnected, type PointRecord } from './point-record.ts'

/** disconnected → requested. We are about to dial it. */
export function setPointRequested(record: PointRecord, attempt: Attempt): void {
  allow(record, ['disconnected'], 'requested')
  record.fromProof().state = { kind: 'requested', attempt }
}

/** disconnected, requested by the same attempt → accepted. The handshake passed our checks. */
export function setPointAccepted(record: PointRecord, attempt: Attempt, peerId: PeerId): void {
  allow(record, ['disconnected', 'requested'], 'accepted')
  if (record.state.kind === 'requested' && record.state.attempt !== attempt) illegal(record, 'accepted by another attempt')
  record.fromProof().state = { kind: 'accepted', attempt, peerId }
}

/** accepted by the same peer, or disconnected (a dial found a running peer there) → running. */
export function setPointRunning(record: PointRecord, connection: RunningConnection): void {
  allow(record, ['disconnected', 'accepted'], 'running')
  if (record.state.kind === 'accepted' && record.state.peerId !== connection.peerId) illegal(record, 'running with another peer')
  const { peerId, direction, isPrivate, establishedAt: at } = connection
  const life = record.fromProof()
  life.state = { kind: 'running', connection }
  life.deniedPeerId = undefined
  life.lastEstablished = { peerId, at }
  if (direction === 'outgoing') {
    setPointClaimed(record, peerId, true)
    setPointPublic(record, !isPrivate)
  }
  notePoint(record, 'connection-established', at, peerId)
}

/** How a point comes back to disconnected. */
export interface PointEnding {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
  /** False: the attempt ended for reasons of our own (cancelled, superseded, our network is down, we slept): nothing is held against the point. */
  readonly counts: boolean
  /** False: nobody answered and no other connection works, so it may be our own network: the bar does not grow. */
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
  record.fromProof().state = disconnected
  const life = record.fromProof()
  const { initialDelayMs, afterConnectionMs } = ending.reconnection
  if (state.kind === 'running') {
    const { peerId } = state.connection
    life.lastDisconnection = { peerId, at: ending.date }
    life.aliveAt = ending.now
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
  const why = ending.rejection?.kind
  if (why === 'rejected-by-peer') life.aliveAt = ending.now
  if (why === 'dial-failed' || why === 'timeout') life.aliveAt = Number.NEGATIVE_INFINITY
  if (ending.rejection?.kind === 'peer-banned') life.deniedPeerId = ending.rejection.peerId
  if (peerId === undefined) life.lastFailedAt = ending.date
  else life.lastRejected = { peerId, at: ending.date }
  notePoint(record, 'request-rejected', ending.date, peerId)
  if (ending.grows) life.failures++
  backOff(record, ending, { least: initialDelayMs, grows: ending.grows })
}

/** Waits as long as last time, at least `least` and what the peer asked for; the next wait is longer if it `grows`. */
function backOff(record: PointRecord, ending: PointEnding, { least, grows }: { least: number; grows: boolean }): void {
  const life = record.fromProof()
  const { factor, maxDelayMs } = ending.reconnection
  const delayMs = Math.max(life.delayMs === 0 ? least : life.delayMs, ending.comeBackAfterMs)
  if (grows) life.delayMs = Math.min(delayMs * factor, maxDelayMs)
  life.backoff = backoffOf({ now: ending.now, delayMs }, ending)
}

/** Forgets the back-off: a user asked for this point, or the machine woke up or came online. */
export function resetReconnection(record: PointRecord): void {
  if (record.life.backoff === noBackoff && record.delayMs === 0) return
  record.fromProof().delayMs = 0
  record.fromProof().backoff = noBackoff
}

/** A peer says, or our dial showed, that the point is that peer's own. `isProven`: nobody else can be there. */
export function setPointClaimed(record: PointRecord, peerId: PeerId, isProven: boolean): void {
  const isSame = record.claimedBy === peerId
  if (isSame && (record.isClaimProven || !isProven)) return
  const claims = record.fromClaims()
  claims.claimedBy = peerId
  claims.isClaimProven = isProven
  // Whoever signed it was another.
  if (!isSame) claims.isSigned = false
}

/** The peer there says whether others may be told of the point. */
export function setPointPublic(record: PointRecord, isPublic: boolean): void {
  if (record.isPublic !== isPublic) record.fromClaims().isPublic = isPublic
}

/** A connection to its DNS name is with this address. */
export function setPointAddress(record: PointRecord, address: Host): void {
  record.fromProof().address = address
}

/** The peer that has proved to be there was connected, at this or another of its points. */
export function notePointAlive(record: PointRecord, now: number): void {
  record.fromProof().aliveAt = now
}

/** Adds one line to the history. */
export function notePoint(record: PointRecord, kind: HistoryKind, at: number, peerId: PeerId | undefined): void {
  record.fromProof().history = pushEvent(record.history, { kind, at, other: peerId })
}

function allow(record: PointRecord, from: readonly PointState['kind'][], to: string): void {
  if (!from.includes(record.state.kind)) illegal(record, to)
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
function illegal(record: PointRecord, to: string): never {
  throw new Error(`illegal point transition: ${record.point} from ${record.state.kind} to ${to}`)
}
