/**
 * What the pool knows of one peer, and the only functions that change its state. Called by `pool-state.ts` alone, which
 * moves point and peer together; the table that holds the records is `peer-table.ts`.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { HistoryEvent, HistoryKind } from '../values/history.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { ReportKind } from '../values/reason.ts'
import { type Backoff, noBackoff } from './backoff.ts'
import { pushEvent } from './event-ring.ts'

export type PeerState =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'accepted'; readonly attempt: Attempt }
  | { readonly kind: 'running'; readonly connection: RunningConnection }

/** Where a peer was met (none: an incoming link that named no point), and when (wall clock, ms). */
export interface Encounter {
  readonly point: Point | undefined
  readonly at: number
}

/** What was said against a peer: by the application, or, for a breach of the protocol, by the pool. */
export interface PeerReport {
  readonly kind: ReportKind
  /** At most `maxReportText` characters. */
  readonly reason: string
  /** Wall clock, ms. */
  readonly at: number
}

/** Weights of reports, faded as of an instant on the monotonic clock; `decisions/reports.ts` knows how. */
export interface Penalty {
  readonly amount: number
  readonly at: number
}

/** A longer reason is cut: it is kept for each known peer, and saved. */
const maxReportText = 200

/** One known peer, as everybody but its table sees it. Live: its fields change with the pool. */
export interface PeerInfo<PeerMeta = unknown> {
  readonly peerId: PeerId
  /** When its record was made; wall clock. Saved. */
  readonly createdAt: number
  /** Set by the operator alone. Saved. */
  readonly trusted: boolean
  /** The application's own. Saved. */
  readonly metadata: PeerMeta
  readonly state: PeerState
  readonly lastFailed: Encounter | undefined
  readonly lastRejected: Encounter | undefined
  readonly lastEstablished: Encounter | undefined
  readonly lastDisconnection: Encounter | undefined
  /** Messages and new points that came from it over connections that have ended, and new points of the present one. Saved. */
  readonly served: number
  /** How long it was connected, without the present connection, ms. Saved. */
  readonly connectedMs: number
  /** Of the last handshake; memory only. */
  readonly roundTripMs: number | undefined
  /** Attempts in a row that came to nothing while others worked; memory only. */
  readonly failures: number
  /** Holds at all its addresses: it asked us to stay away, refused us or dropped us. Memory only. */
  readonly backoff: Backoff
  /** The last report; a fault stays until there is a newer one. Saved. */
  readonly lastReport: PeerReport | undefined
  /** Memory only. */
  readonly penalty: Penalty
  readonly events: readonly HistoryEvent<Point>[]
}

const disconnected: PeerState = { kind: 'disconnected' }
const noEvents: readonly HistoryEvent<Point>[] = []
const noPenalty: Penalty = { amount: 0, at: 0 }

/** What happened to a peer: most peers of a large table are only known. Read and written through the record. */
export class PeerLife {
  trusted = false
  state: PeerState = disconnected
  lastFailed: Encounter | undefined = undefined
  lastRejected: Encounter | undefined = undefined
  lastEstablished: Encounter | undefined = undefined
  lastDisconnection: Encounter | undefined = undefined
  served = 0
  connectedMs = 0
  roundTripMs: number | undefined = undefined
  failures = 0
  backoff: Backoff = noBackoff
  lastReport: PeerReport | undefined = undefined
  penalty: Penalty = noPenalty
  /** Made at the first event. */
  history: HistoryEvent<Point>[] | undefined = undefined
}

/** Of all peers that nothing happened to. Frozen: whoever writes to a life must have the peer's own. */
const untouched = Object.freeze(new PeerLife())

/** The record itself, small as that of a point. Only the functions below and the peer table write its fields. */
export class PeerRecord<PeerMeta = unknown> implements PeerInfo<PeerMeta> {
  readonly peerId: PeerId
  readonly createdAt: number
  metadata: PeerMeta
  /** As it is now; to be written through `own`. */
  life: Readonly<PeerLife> = untouched

  constructor(peerId: PeerId, createdAt: number, metadata: PeerMeta) {
    this.peerId = peerId
    this.createdAt = createdAt
    this.metadata = metadata
  }

  /** What our connections with it and the application's reports showed, to be written in the same turn; made at the first call. */
  own(): Omit<PeerLife, 'trusted'> {
    return this.#own()
  }

  /** What the operator said, to be written in the same turn. */
  fromOperator(): Pick<PeerLife, 'trusted'> {
    return this.#own()
  }

  #own(): PeerLife {
    if (this.life === untouched) this.life = new PeerLife()
    return this.life
  }

  get trusted(): boolean {
    return this.life.trusted
  }

  get state(): PeerState {
    return this.life.state
  }

  set state(value: PeerState) {
    this.own().state = value
  }

  get lastFailed(): Encounter | undefined {
    return this.life.lastFailed
  }

  get lastRejected(): Encounter | undefined {
    return this.life.lastRejected
  }

  get lastEstablished(): Encounter | undefined {
    return this.life.lastEstablished
  }

  get lastDisconnection(): Encounter | undefined {
    return this.life.lastDisconnection
  }

  get served(): number {
    return this.life.served
  }

  get connectedMs(): number {
    return this.life.connectedMs
  }

  get roundTripMs(): number | undefined {
    return this.life.roundTripMs
  }

  get failures(): number {
    return this.life.failures
  }

  get backoff(): Backoff {
    return this.life.backoff
  }

  get lastReport(): PeerReport | undefined {
    return this.life.lastReport
  }

  get penalty(): Penalty {
    return this.life.penalty
  }

  get history(): HistoryEvent<Point>[] | undefined {
    return this.life.history
  }

  get events(): readonly HistoryEvent<Point>[] {
    return this.life.history ?? noEvents
  }
}

/** disconnected → accepted. */
export function setPeerAccepted(record: PeerRecord, attempt: Attempt): void {
  if (record.state.kind !== 'disconnected') illegal(record, 'accepted')
  record.state = { kind: 'accepted', attempt }
}

/** accepted by the same attempt → running. */
export function setPeerRunning(record: PeerRecord, attempt: Attempt, connection: RunningConnection): void {
  if (record.state.kind !== 'accepted' || record.state.attempt !== attempt) illegal(record, 'running')
  record.state = { kind: 'running', connection }
  const life = record.own()
  life.roundTripMs = connection.roundTripMs ?? life.roundTripMs
  life.failures = 0
  life.backoff = noBackoff
  life.lastEstablished = { point: connection.point, at: connection.establishedAt }
  notePeer(record, 'connection-established', connection.establishedAt, connection.point)
}

/** accepted, running → disconnected. `now` is monotonic; `counts` is false when the attempt ended for reasons of our own. */
export function setPeerDisconnected(record: PeerRecord, ending: { now: number; date: number; counts: boolean; byUs: boolean }): void {
  const { state } = record
  if (state.kind === 'disconnected') illegal(record, 'disconnected')
  record.state = disconnected
  if (state.kind === 'running') {
    const { point, startedAt, messagesReceived } = state.connection
    const life = record.own()
    life.connectedMs += Math.max(0, ending.now - startedAt)
    life.served += messagesReceived
    life.lastDisconnection = { point, at: ending.date }
    notePeer(record, ending.byUs ? 'disconnection' : 'external-disconnection', ending.date, point)
  } else if (ending.counts) {
    record.own().lastRejected = { point: state.attempt.point, at: ending.date }
    notePeer(record, 'request-rejected', ending.date, state.attempt.point)
  }
}

/** Adds one line to the history. */
export function notePeer(record: PeerRecord, kind: HistoryKind, at: number, point: Point | undefined): void {
  record.own().history = pushEvent(record.history, { kind, at, other: point })
}

/** Keeps what was said against it. */
export function noteReport(record: PeerRecord, { kind, reason, at }: PeerReport, penalty: Penalty = record.penalty): void {
  if (kind === 'fault' || record.lastReport?.kind !== 'fault')
    record.own().lastReport = { kind, reason: reason.slice(0, maxReportText), at }
  record.own().penalty = penalty
}

/** The latest instant that it was met, and where: established, rejected or disconnected. */
export function lastMeeting(info: Pick<PeerInfo, 'lastEstablished' | 'lastRejected' | 'lastDisconnection'>): Encounter | undefined {
  return latest(info.lastEstablished, info.lastRejected, info.lastDisconnection)
}

/** The latest instant that a try was in vain or a connection ended, and where: failed, rejected or disconnected. */
export function lastMiss(info: Pick<PeerInfo, 'lastFailed' | 'lastRejected' | 'lastDisconnection'>): Encounter | undefined {
  return latest(info.lastFailed, info.lastRejected, info.lastDisconnection)
}

function latest(...encounters: (Encounter | undefined)[]): Encounter | undefined {
  let last: Encounter | undefined
  for (const met of encounters) if (met !== undefined && (last === undefined || met.at > last.at)) last = met
  return last
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
function illegal(record: PeerRecord, to: string): never {
  throw new Error(`illegal peer transition: ${record.peerId} from ${record.state.kind} to ${to}`)
}
