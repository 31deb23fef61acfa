/**
 * What the pool knows of one point, and the only functions that change its state. Called by `pool-state.ts` alone, which
 * moves point and peer together; the table that holds the records is `point-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { HistoryEvent, HistoryKind } from '../values/history.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { pushEvent } from './event-ring.ts'

export type PointState =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'requested'; readonly attempt: Attempt }
  | { readonly kind: 'accepted'; readonly attempt: Attempt; readonly peerId: PeerId }
  | { readonly kind: 'running'; readonly connection: RunningConnection }

/** Through which door a point came: for people, and for the rules about strangers' claims. */
export type Medium = 'operator' | 'storage' | 'hello' | 'advertise' | 'nack' | 'swap' | 'discovery'

/** A peer met at a point, and when (wall clock, ms). */
export interface Meeting {
  readonly peerId: PeerId
  readonly at: number
}

/** One known point, as everybody but its table sees it. Live: its fields change with the pool. */
export interface PointInfo {
  readonly point: Point
  readonly host: Host | undefined
  /** The address group that caps count by: `groupOf(point)`. */
  readonly group: string
  /** Who told us first; none: the operator, the storage, a local discovery. Saved. */
  readonly source: PeerId | undefined
  readonly medium: Medium
  /** When it was first heard of; wall clock. Saved. */
  readonly discoveredAt: number
  /** Set by the operator alone. Saved. */
  readonly trusted: boolean
  /** True once a handshake told so; only such points are passed on. Saved. */
  readonly isPublic: boolean
  /** Who must answer there. Saved. */
  readonly expectedPeerId: PeerId | undefined
  /** The peer that last said it is its own: a hint that spares a dial, never a rule. Memory only. */
  readonly claimedBy: PeerId | undefined
  readonly state: PointState
  readonly lastFailedAt: number | undefined
  readonly lastRejected: Meeting | undefined
  readonly lastEstablished: Meeting | undefined
  readonly lastDisconnection: Meeting | undefined
  /** Failures in a row, for people and scores. Memory only. */
  readonly failures: number
  /** Monotonic instant up to which it is not dialed by maintenance; memory only. */
  readonly barredUntil: number
  readonly events: readonly HistoryEvent<PeerId>[]
}

const disconnected: PointState = { kind: 'disconnected' }
const noEvents: readonly HistoryEvent<PeerId>[] = []

/** Where a new record comes from. */
export interface PointOrigin {
  readonly host: Host | undefined
  readonly group: string
  readonly source: PeerId | undefined
  readonly medium: Medium
  readonly discoveredAt: number
}

/** The record itself. Only the functions below, the point table and the storage codec write its fields. */
export class PointRecord implements PointInfo {
  readonly point: Point
  readonly host: Host | undefined
  readonly group: string
  readonly source: PeerId | undefined
  readonly medium: Medium
  readonly discoveredAt: number
  trusted = false
  isPublic = false
  expectedPeerId: PeerId | undefined = undefined
  claimedBy: PeerId | undefined = undefined
  state: PointState = disconnected
  lastFailedAt: number | undefined = undefined
  lastRejected: Meeting | undefined = undefined
  lastEstablished: Meeting | undefined = undefined
  lastDisconnection: Meeting | undefined = undefined
  failures = 0
  barredUntil = Number.NEGATIVE_INFINITY
  /** The delay that the next failure will bar it for, ms; 0: the first one. */
  delayMs = 0
  /** Made at the first event. */
  history: HistoryEvent<PeerId>[] | undefined = undefined

  constructor(point: Point, origin: PointOrigin) {
    this.point = point
    this.host = origin.host
    this.group = origin.group
    this.source = origin.source
    this.medium = origin.medium
    this.discoveredAt = origin.discoveredAt
  }

  get events(): readonly HistoryEvent<PeerId>[] {
    return this.history ?? noEvents
  }
}

/** The instants that points and peers both have. */
interface Instants {
  readonly lastEstablished: { readonly at: number } | undefined
  readonly lastRejected: { readonly at: number } | undefined
  readonly lastDisconnection: { readonly at: number } | undefined
}

/** The latest instant that somebody was there: established, rejected or disconnected. */
export function lastSeenAt(info: Instants): number | undefined {
  return latest(info.lastEstablished?.at, info.lastRejected?.at, info.lastDisconnection?.at)
}

/** The latest instant that a try was in vain or a connection ended: failed, rejected or disconnected. */
export function lastMissAt(info: Pick<PointInfo, 'lastFailedAt' | 'lastRejected' | 'lastDisconnection'>): number | undefined {
  return latest(info.lastFailedAt, info.lastRejected?.at, info.lastDisconnection?.at)
}

/** Did anybody ever answer there as a member of our network? Such points have places of their own in the table. */
export function isTried(info: Pick<PointInfo, 'lastEstablished'>): boolean {
  return info.lastEstablished !== undefined
}

function latest(...instants: (number | undefined)[]): number | undefined {
  let max: number | undefined
  for (const at of instants) if (at !== undefined && (max === undefined || at > max)) max = at
  return max
}

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
  record.lastEstablished = { peerId: connection.peerId, at }
  notePoint(record, 'connection-established', at, connection.peerId)
}

/** How a point comes back to disconnected. */
export interface PointEnding {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
  /** False: the attempt ended for reasons of our own (cancelled, superseded, our network is down): nothing is held against the point. */
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
  if (state.kind === 'running') {
    const { peerId } = state.connection
    record.lastDisconnection = { peerId, at: ending.date }
    notePoint(record, ending.byUs ? 'disconnection' : 'external-disconnection', ending.date, peerId)
    record.failures = 0
    record.delayMs = 0
    bar(record, ending, Math.max(ending.reconnection.afterConnectionMs, ending.comeBackAfterMs))
    return
  }
  const peerId = state.kind === 'accepted' ? state.peerId : undefined
  if (!ending.counts) return
  if (peerId === undefined) record.lastFailedAt = ending.date
  else record.lastRejected = { peerId, at: ending.date }
  notePoint(record, 'request-rejected', ending.date, peerId)
  const { initialDelayMs, factor, maxDelayMs } = ending.reconnection
  const delay = record.delayMs === 0 ? initialDelayMs : record.delayMs
  if (ending.grows) {
    record.failures++
    record.delayMs = Math.min(delay * factor, maxDelayMs)
  }
  bar(record, ending, Math.max(delay, ending.comeBackAfterMs))
}

/** Forgets the back-off: a user asked for this point, or the machine woke up or came online. */
export function resetReconnection(record: PointRecord): void {
  record.delayMs = 0
  record.barredUntil = Number.NEGATIVE_INFINITY
}

/** Adds one line to the history. */
export function notePoint(record: PointRecord, kind: HistoryKind, at: number, peerId: PeerId | undefined): void {
  record.history = pushEvent(record.history, { kind, at, other: peerId })
}

/** Jitter keeps peers that lost each other at the same instant from meeting again and again at the same instant. */
function bar(record: PointRecord, ending: PointEnding, delayMs: number): void {
  const { jitter, maxDelayMs } = ending.reconnection
  record.barredUntil = ending.now + Math.min(delayMs, maxDelayMs) * (1 + jitter * (2 * ending.random.next() - 1))
}

function allow(record: PointRecord, from: readonly PointState['kind'][], to: string): void {
  if (!from.includes(record.state.kind)) illegal(record, to)
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
function illegal(record: PointRecord, to: string): never {
  throw new Error(`illegal point transition: ${record.point} from ${record.state.kind} to ${to}`)
}
