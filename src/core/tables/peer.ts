/**
 * One known peer: its record, its states, and the only functions that change them. `pool-state.ts` calls the transitions and moves
 * point and peer together; the table that holds the records is `peer-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import { cutText } from '../values/cut-text.ts'
import { type HistoryEvent, type HistoryKind, latest, pushEvent } from '../values/history.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { Ending, ReportKind } from '../values/reason.ts'
import { type Backoff, noBackoff } from './attempt.ts'
import { illegal } from './bounded-table.ts'
import type { Consequences } from './outcome.ts'

/** Where a peer stands. `accepted`: in a handshake; `running`: connected. */
export type PeerState =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'accepted'; readonly attempt: Attempt }
  | { readonly kind: 'running'; readonly connection: RunningConnection }

/** Where and when something happened with a peer. */
export interface Encounter {
  /** Where; `undefined`: it came in and named no point. */
  readonly point: Point | undefined
  /** Wall clock, ms since 1970. */
  readonly at: number
}

/** What was said against a peer: by the application, or, for a breach of the protocol, by the pool. */
export interface PeerReport {
  /** What was reported. */
  readonly kind: ReportKind
  /** At most `maxReportText` characters. */
  readonly reason: string
  /** Wall clock, ms. */
  readonly at: number
}

/** Weights of reports, faded as of an instant on the monotonic clock; `decisions/score.ts` knows how. */
export interface Penalty {
  /** The sum of the weights. */
  readonly amount: number
  /** The instant of that sum; monotonic, ms. */
  readonly at: number
}

/** A longer reason is cut: it is kept for each known peer, and saved. */
const maxReportText = 200

/** What our connections with a peer and the application's reports showed. */
export interface PeerFindings {
  /** Where it stands. */
  state: PeerState
  /** The last attempt that failed. Saved, as the next three. */
  lastFailed: Encounter | undefined
  /** The last attempt that one side refused. */
  lastRejected: Encounter | undefined
  /** The last connection that was opened. */
  lastEstablished: Encounter | undefined
  /** The last connection that ended. */
  lastDisconnection: Encounter | undefined
  /** How it ended. Memory only. */
  lastEnding: Ending | undefined
  /** Messages and new points that came from it over connections that have ended, and new points of the present one. Saved. */
  served: number
  /** How long it was connected, without the present connection, ms. Saved. */
  connectedMs: number
  /** How long the last handshake waited for an answer, ms. Memory only. */
  roundTripMs: number | undefined
  /** Failed attempts in a row while others worked; memory only. */
  failures: number
  /** Holds at all its addresses: it asked us to stay away, refused us or dropped us. Memory only. */
  backoff: Backoff
  /** The last report; a fault stays until there is a newer one. Saved. */
  lastReport: PeerReport | undefined
  /** What reports weigh. Memory only. */
  penalty: Penalty
  /** The last 100 lines of its history, the oldest first. Saved. */
  events: readonly HistoryEvent<Point>[]
}

/** One known peer, as everybody but its table sees it. Live: its fields change with the pool. */
export interface PeerInfo<PeerMeta = unknown> extends Readonly<PeerFindings> {
  /** Who it is. */
  readonly peerId: PeerId
  /** When its record was made; wall clock. Saved. */
  readonly createdAt: number
  /** Set by the operator alone. Saved. */
  readonly trusted: boolean
  /** The application's own. Saved. */
  readonly metadata: PeerMeta
}

const disconnected: PeerState = { kind: 'disconnected' }
const noPenalty: Penalty = { amount: 0, at: 0 }

/** The record itself. Readonly but through its views. */
export class PeerRecord<PeerMeta = unknown> implements PeerInfo<PeerMeta> {
  readonly peerId: PeerId
  readonly createdAt: number
  readonly metadata: PeerMeta
  readonly trusted: boolean = false
  readonly state: PeerState = disconnected
  readonly lastFailed: Encounter | undefined = undefined
  readonly lastRejected: Encounter | undefined = undefined
  readonly lastEstablished: Encounter | undefined = undefined
  readonly lastDisconnection: Encounter | undefined = undefined
  readonly lastEnding: Ending | undefined = undefined
  readonly served: number = 0
  readonly connectedMs: number = 0
  readonly roundTripMs: number | undefined = undefined
  readonly failures: number = 0
  readonly backoff: Backoff = noBackoff
  readonly lastReport: PeerReport | undefined = undefined
  readonly penalty: Penalty = noPenalty
  readonly events: readonly HistoryEvent<Point>[] = []

  constructor(peerId: PeerId, createdAt: number, metadata: PeerMeta) {
    this.peerId = peerId
    this.createdAt = createdAt
    this.metadata = metadata
  }

  asProved(): PeerFindings {
    return this
  }

  asOperator(): { trusted: boolean; metadata: PeerMeta } {
    return this
  }
}

/** disconnected → accepted. */
export function setPeerAccepted(record: PeerRecord, attempt: Attempt): void {
  if (record.state.kind !== 'disconnected') illegal(record.peerId, record.state, 'accepted')
  record.asProved().state = { kind: 'accepted', attempt }
}

/** accepted by the same attempt → running. */
export function setPeerRunning(record: PeerRecord, attempt: Attempt, connection: RunningConnection): void {
  if (record.state.kind !== 'accepted' || record.state.attempt !== attempt) illegal(record.peerId, record.state, 'running')
  const findings = record.asProved()
  findings.state = { kind: 'running', connection }
  findings.roundTripMs = connection.rttMs?.last ?? findings.roundTripMs
  findings.failures = 0
  findings.backoff = noBackoff
  findings.lastEstablished = { point: connection.point, at: connection.establishedAt }
  notePeer(record, 'connection-opened', connection.establishedAt, connection.point)
}

/** How a peer comes back to disconnected. */
export interface PeerEnding extends Pick<Consequences, 'counts' | 'byUs' | 'ending'> {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
}

/** accepted, running → disconnected. */
export function setPeerDisconnected(record: PeerRecord, ending: PeerEnding): void {
  const { state } = record
  if (state.kind === 'disconnected') illegal(record.peerId, record.state, 'disconnected')
  const findings = record.asProved()
  findings.state = disconnected
  if (state.kind === 'running') {
    const { point, startedAt, messagesReceived } = state.connection
    findings.connectedMs += Math.max(0, ending.now - startedAt)
    findings.served += messagesReceived
    findings.lastDisconnection = { point, at: ending.date }
    findings.lastEnding = ending.ending
    notePeer(record, ending.byUs ? 'connection-closed' : 'connection-lost', ending.date, point)
  } else if (ending.counts) {
    findings.lastRejected = { point: state.attempt.point, at: ending.date }
    notePeer(record, 'connection-failed', ending.date, state.attempt.point)
  }
}

export function notePeer(record: PeerRecord, kind: HistoryKind, at: number, point: Point | undefined): void {
  record.asProved().events = pushEvent(record.events, { kind, at, other: point })
}

export function noteServed(record: PeerRecord, points: number): void {
  record.asProved().served += points
}

export function noteReport(record: PeerRecord, { kind, reason, at }: PeerReport, penalty: Penalty = record.penalty): void {
  if (kind === 'fault' || record.lastReport?.kind !== 'fault')
    record.asProved().lastReport = { kind, reason: cutText(reason, maxReportText), at }
  record.asProved().penalty = penalty
}

/** The latest instant that it was met, and where: established, rejected or disconnected. */
export function lastMeeting(info: Pick<PeerInfo, 'lastEstablished' | 'lastRejected' | 'lastDisconnection'>): Encounter | undefined {
  return latest(info.lastEstablished, info.lastRejected, info.lastDisconnection)
}

/** The latest instant that a try was in vain or a connection ended, and where: failed, rejected or disconnected. */
export function lastFailure(info: Pick<PeerInfo, 'lastFailed' | 'lastRejected' | 'lastDisconnection'>): Encounter | undefined {
  return latest(info.lastFailed, info.lastRejected, info.lastDisconnection)
}
