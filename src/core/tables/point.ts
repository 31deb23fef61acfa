/**
 * One known point: its record, its states, and the only functions that change them. `pool-state.ts` calls the transitions and moves
 * point and peer together; `claims.ts` notes what peers claim; the table that holds the records is `point-table.ts`.
 *
 * Three sources write a record, each through its own view: the operator (`asOperator`), our own dials and connections (`asProved`),
 * and what peers and discoveries say (`asClaimed`). A view shows its own fields only, so a claim cannot overwrite what the operator
 * said or a proof showed. Outside of `tables` a point is a `PointInfo`, which nobody can write.
 */
import type { Hop, PointAddress } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import { type HistoryEvent, type HistoryKind, latest, pushEvent } from '../values/history.ts'
import type { Host, PeerId, Point, Transport } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import type { Rejection } from '../values/reason.ts'
import type { Reconnection } from '../values/settings.ts'
import { type Backoff, backoffOf, noBackoff } from './attempt.ts'
import { illegal, isTried } from './bounded-table.ts'
import type { Consequences } from './outcome.ts'

/** Where a point stands. `requested`: being dialed; `accepted`: in a handshake; `running`: connected. */
export type PointState =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'requested'; readonly attempt: Attempt }
  | { readonly kind: 'accepted'; readonly attempt: Attempt; readonly peerId: PeerId }
  | { readonly kind: 'running'; readonly connection: RunningConnection }

/** How a point was discovered: for people, and for the rules about what unknown peers claim. */
export const discoverySources = ['operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery'] as const
/** How a point became known. */
export type DiscoverySource = (typeof discoverySources)[number]

/** A peer that answered at a point, and when (wall clock, ms). */
export interface Meeting {
  /** The peer there. */
  readonly peerId: PeerId
  /** Wall clock, ms since 1970. */
  readonly at: number
}

export interface PointOrigin {
  /**
   * Who advertised it first, or the first source in that peer's address group, where limits count them as one; none: the operator, the
   * storage, a local discovery. Saved.
   */
  readonly source: PeerId | undefined
  /** How it became known. Saved. */
  readonly discoverySource: DiscoverySource
  /** When it became known; wall clock. Saved. */
  readonly discoveredAt: number
}

/** What the operator said of a point. Saved. */
export interface OperatorWords {
  /** The operator trusts it. */
  trusted: boolean
  /** Unknown peers named the point first, and the operator registered or connected to it since. */
  registered: boolean
  /** The peer that the operator expects there. */
  namedPeerId: PeerId | undefined
}

/** What peers and discoveries said of a point: hints. Memory only but for `isPublic`. */
export interface Claims {
  /** The peer there said in its handshake that the point may be advertised. Saved. */
  isPublic: boolean
  /** The peer that last said it is its own: a hint that spares a dial, never a rule. */
  claimedBy: PeerId | undefined
  /** That peer was seen at the point's host, or is the target of the relayed point: nobody else can have said so. */
  isClaimProven: boolean
  /** That peer signed it, too: it may be held to its word. */
  isSigned: boolean
  /**
   * Who is there according to another discovery of the node (a bootstrap list, mDNS). Dials ask for that peer until a dial succeeded or
   * shows that it is wrong.
   */
  discoveredPeerId: PeerId | undefined
}

/** What our own dials and connections showed. The instants of `Meeting`s, `lastFailedAt` and `events` are saved, the rest is memory only. */
export interface Findings {
  /** Where it stands. */
  state: PointState
  /** When a dial failed there last; wall clock, ms. */
  lastFailedAt: number | undefined
  /** The last attempt that one side refused. */
  lastRejected: Meeting | undefined
  /** The last connection that was opened. */
  lastEstablished: Meeting | undefined
  /** The last connection that ended. */
  lastDisconnection: Meeting | undefined
  /** Monotonic instant at which a peer was there last, −∞ when a dial has failed since, or none was there in this run. */
  aliveAt: number
  /** Its link broke, or the last dial found nobody there. A refusal comes from a peer, and a relay need not speak the pool protocol. */
  isSilent: boolean
  /** Failures in a row, for people and scores. */
  failures: number
  /** The peer that proved to be there and was kept out. */
  deniedPeerId: PeerId | undefined
  /** The address that the point's DNS name stood for when a connection was made last. */
  address: Host | undefined
  /** Why the last dial failed. */
  lastFailure: Rejection | undefined
  /** Connections in a row that the peer ended within ten seconds. */
  shortConnections: number
  /** When it may be dialed again. */
  backoff: Backoff
  /** The next wait after a failure, ms; 0: the first one. */
  delayMs: number
  /** The last 100 lines of its history, the oldest first. */
  events: readonly HistoryEvent<PeerId>[]
}

/** One known point, as everybody but its table sees it. Live: its fields change with the pool. */
export interface PointInfo extends PointAddress, PointOrigin, Readonly<OperatorWords>, Readonly<Claims>, Readonly<Findings> {
  /** Who must answer there: the peer that the operator named, or the one that a relayed point ends with. Saved. */
  readonly expectedPeerId: PeerId | undefined
  /** Monotonic instant up to which it is not dialed by maintenance. */
  readonly backoffUntil: number
  /** The same while a dial is urgent. */
  readonly urgentUntil: number
  /** Monotonic instant up to which maintenance does not dial it because its source advertised several unreachable points lately. */
  readonly heldUntil: number
}

const disconnected: PointState = { kind: 'disconnected' }

/** The record itself. Readonly but through its views; what the table and its quotas keep there is written by them alone. */
export class PointRecord implements PointInfo {
  readonly point: Point
  readonly source: PeerId | undefined
  readonly discoverySource: DiscoverySource
  readonly discoveredAt: number
  readonly host: Host | undefined
  readonly group: string
  readonly transport: Transport
  readonly isRelayed: boolean
  readonly relay: PeerId | undefined
  readonly target: PeerId | undefined
  readonly hop: Hop

  readonly trusted: boolean = false
  readonly registered: boolean = false
  readonly namedPeerId: PeerId | undefined = undefined

  readonly isPublic: boolean = false
  readonly claimedBy: PeerId | undefined = undefined
  readonly isClaimProven: boolean = false
  readonly isSigned: boolean = false
  readonly discoveredPeerId: PeerId | undefined = undefined

  readonly state: PointState = disconnected
  readonly lastFailedAt: number | undefined = undefined
  readonly lastRejected: Meeting | undefined = undefined
  readonly lastEstablished: Meeting | undefined = undefined
  readonly lastDisconnection: Meeting | undefined = undefined
  readonly aliveAt: number = Number.NEGATIVE_INFINITY
  readonly isSilent: boolean = false
  readonly failures: number = 0
  readonly deniedPeerId: PeerId | undefined = undefined
  readonly address: Host | undefined = undefined
  readonly lastFailure: Rejection | undefined = undefined
  readonly shortConnections: number = 0
  readonly backoff: Backoff = noBackoff
  readonly delayMs: number = 0
  readonly events: readonly HistoryEvent<PeerId>[] = []

  /** Whose quota counts it; none: nobody's, since it proved good. Written by `point-quota.ts`. */
  holder: { readonly heldUntil: number } | undefined = undefined
  /** `lastSeenAt` as the table last saw it. Written by `point-table.ts`. */
  sightedAt: number | undefined = undefined
  /** What the limits per host count it by; none: they do not concern it. Written by `HostQuota`. */
  hostKey: string | undefined = undefined

  constructor(address: PointAddress, { source, discoverySource, discoveredAt }: PointOrigin) {
    this.point = address.point
    this.source = source
    this.discoverySource = discoverySource
    this.discoveredAt = discoveredAt
    this.host = address.host
    this.group = address.group
    this.transport = address.transport
    this.isRelayed = address.isRelayed
    this.relay = address.relay
    this.target = address.target
    this.hop = address.hop
  }

  asOperator(): OperatorWords {
    return this
  }

  asProved(): Findings {
    return this
  }

  asClaimed(): Claims {
    return this
  }

  get expectedPeerId(): PeerId | undefined {
    return this.namedPeerId ?? this.target
  }

  get backoffUntil(): number {
    return this.backoff.until
  }

  get urgentUntil(): number {
    return this.backoff.urgentUntil
  }

  get heldUntil(): number {
    return this.holder === undefined || this.trusted || isTried(this) ? Number.NEGATIVE_INFINITY : this.holder.heldUntil
  }
}

/** disconnected → requested. We are about to dial it. */
export function setPointRequested(record: PointRecord, attempt: Attempt): void {
  allow(record, ['disconnected'], 'requested')
  record.asProved().state = { kind: 'requested', attempt }
}

/** disconnected, requested by the same attempt → accepted. The handshake passed our checks. */
export function setPointAccepted(record: PointRecord, attempt: Attempt, peerId: PeerId): void {
  allow(record, ['disconnected', 'requested'], 'accepted')
  if (record.state.kind === 'requested' && record.state.attempt !== attempt)
    illegal(record.point, record.state, 'accepted by another attempt')
  record.asProved().state = { kind: 'accepted', attempt, peerId }
}

/** accepted by the same peer, or disconnected (a dial found a running peer there) → running. */
export function setPointRunning(record: PointRecord, connection: RunningConnection): void {
  allow(record, ['disconnected', 'accepted'], 'running')
  if (record.state.kind === 'accepted' && record.state.peerId !== connection.peerId)
    illegal(record.point, record.state, 'running with another peer')
  const { peerId, direction, isPrivate, establishedAt: at } = connection
  const findings = record.asProved()
  findings.state = { kind: 'running', connection }
  findings.isSilent = false
  findings.deniedPeerId = undefined
  findings.lastEstablished = { peerId, at }
  if (direction === 'outgoing') {
    setPointClaimed(record, peerId, true)
    record.asClaimed().isPublic = !isPrivate
  }
  notePoint(record, 'connection-opened', at, peerId)
}

/** How a point comes back to disconnected. */
export interface PointEnding
  extends Pick<Consequences, 'byUs' | 'backsOff' | 'grows' | 'isShort' | 'mayReturnSoon' | 'rejection' | 'comeBackAfterMs'> {
  /** Monotonic, ms. */
  readonly now: number
  /** Wall clock, ms. */
  readonly date: number
  readonly reconnection: Reconnection
  readonly random: Random
}

/**
 * any state but disconnected → disconnected; writes the last instants and sets the back-off. A connection that the other side ended
 * within ten seconds is a failure: a peer that takes us and drops us is dialed ever more rarely.
 */
export function setPointDisconnected(record: PointRecord, ending: PointEnding): void {
  const { state } = record
  if (state.kind === 'disconnected') illegal(record.point, record.state, 'disconnected')
  const findings = record.asProved()
  findings.state = disconnected
  const { initialDelayMs, afterConnectionMs } = ending.reconnection
  if (state.kind === 'running') {
    const { peerId } = state.connection
    findings.lastDisconnection = { peerId, at: ending.date }
    findings.aliveAt = ending.now
    findings.isSilent = ending.mayReturnSoon
    notePoint(record, ending.byUs ? 'connection-closed' : 'connection-lost', ending.date, peerId)
    if (ending.isShort && ending.backsOff) {
      findings.failures++
      findings.shortConnections++
      backOff(record, ending, { least: afterConnectionMs, grows: true })
      return
    }
    findings.failures = 0
    findings.shortConnections = 0
    findings.lastFailure = undefined
    findings.delayMs = 0
    if (!ending.backsOff) return
    findings.backoff = backoffOf({ ...ending, delayMs: Math.max(afterConnectionMs, ending.comeBackAfterMs) })
    return
  }
  const peerId = state.kind === 'accepted' ? state.peerId : undefined
  if (!ending.backsOff) return
  const { rejection } = ending
  findings.lastFailure = rejection
  const why = rejection?.kind
  const failure = why === 'dial-failed' ? rejection.failure : why === 'timeout' ? why : undefined
  findings.isSilent = failure !== undefined && failure !== 'no-pool'
  if (failure !== undefined) findings.aliveAt = Number.NEGATIVE_INFINITY
  if (why === 'rejected-by-peer') findings.aliveAt = ending.now
  if (why === 'peer-banned') findings.deniedPeerId = rejection.peerId
  if (peerId === undefined) findings.lastFailedAt = ending.date
  else findings.lastRejected = { peerId, at: ending.date }
  notePoint(record, 'connection-failed', ending.date, peerId)
  if (ending.grows) findings.failures++
  backOff(record, ending, { least: initialDelayMs, grows: ending.grows })
}

/** Waits as long as last time, at least `least` and what the peer asked for; the next wait is longer if it `grows`. */
function backOff(record: PointRecord, ending: PointEnding, { least, grows }: { least: number; grows: boolean }): void {
  const findings = record.asProved()
  const { factor, maxDelayMs } = ending.reconnection
  const delayMs = Math.max(findings.delayMs === 0 ? least : findings.delayMs, ending.comeBackAfterMs)
  if (grows) findings.delayMs = Math.min(delayMs * factor, maxDelayMs)
  findings.backoff = backoffOf({ ...ending, delayMs })
}

/** Forgets the back-off: a user asked for this point, or the machine woke up or came online. */
export function resetReconnection(record: PointRecord): void {
  const findings = record.asProved()
  findings.delayMs = 0
  findings.backoff = noBackoff
}

/** A peer says, or our dial showed, that the point is that peer's own. `isProven`: nobody else can be there. */
export function setPointClaimed(record: PointRecord, peerId: PeerId, isProven: boolean): void {
  const isSame = record.claimedBy === peerId
  if (isSame && (record.isClaimProven || !isProven)) return
  const claims = record.asClaimed()
  claims.claimedBy = peerId
  claims.isClaimProven = isProven
  // The signature was of another peer.
  if (!isSame) claims.isSigned = false
}

/** A connection to its DNS name is with this address. */
export function setPointAddress(record: PointRecord, address: Host): void {
  record.asProved().address = address
}

/** The peer that has proved to be there was connected, at this or another of its points. */
export function notePointAlive(record: PointRecord, now: number): void {
  record.asProved().aliveAt = now
}

export function notePoint(record: PointRecord, kind: HistoryKind, at: number, peerId: PeerId | undefined): void {
  record.asProved().events = pushEvent(record.events, { kind, at, other: peerId })
}

function allow(record: PointRecord, from: readonly PointState['kind'][], to: string): void {
  if (!from.includes(record.state.kind)) illegal(record.point, record.state, to)
}

/** The latest instant that a peer was there: established, rejected or disconnected. */
export function lastSeenAt(info: Pick<PointInfo, 'lastEstablished' | 'lastRejected' | 'lastDisconnection'>): number | undefined {
  return latest(info.lastEstablished, info.lastRejected, info.lastDisconnection)?.at
}

/** The latest instant that a try was in vain or a connection ended: failed, rejected or disconnected. */
export function lastFailureAt({
  lastFailedAt,
  lastRejected,
  lastDisconnection
}: Pick<PointInfo, 'lastFailedAt' | 'lastRejected' | 'lastDisconnection'>): number | undefined {
  const lastFailed = lastFailedAt === undefined ? undefined : { at: lastFailedAt }
  return latest<{ readonly at: number }>(lastFailed, lastRejected, lastDisconnection)?.at
}

/** The peer that a dial to the point expects, unless its caller names one. */
export function soughtAt({ expectedPeerId, discoveredPeerId, lastEstablished }: PointInfo): PeerId | undefined {
  return expectedPeerId ?? (lastEstablished === undefined ? discoveredPeerId : undefined)
}
