/** What is known of a point, as it is read everywhere. The records behind it are `point-record.ts`'s. */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'

export type PointState =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'requested'; readonly attempt: Attempt }
  | { readonly kind: 'accepted'; readonly attempt: Attempt; readonly peerId: PeerId }
  | { readonly kind: 'running'; readonly connection: RunningConnection }

/** Through which door a point came: for people, and for the rules about strangers' claims. */
export const media = ['operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery'] as const
export type Medium = (typeof media)[number]

/** A peer met at a point, and when (wall clock, ms). */
export interface Meeting {
  readonly peerId: PeerId
  readonly at: number
}

/** One known point, as everybody but its table sees it. Live: its fields change with the pool. */
export interface PointInfo {
  readonly point: Point
  /** Worked out of the point at each call. */
  readonly host: Host | undefined
  /** The address group that caps count by: `groupOf(point)`. */
  readonly group: string
  /**
   * Who told us first, or the first source in that peer's address group, where limits count them as one; none: the operator, the
   * storage, a local discovery. Saved.
   */
  readonly source: PeerId | undefined
  readonly medium: Medium
  /** When it was first heard of; wall clock. Saved. */
  readonly discoveredAt: number
  /** Set by the operator alone. Saved. */
  readonly trusted: boolean
  /** Unknown peers named the point first, and the operator registered or connected to it since. Saved. */
  readonly registered: boolean
  /** The peer there said in its handshake that others may be told of the point; only such points are passed on. Saved. */
  readonly isPublic: boolean
  /** Who must answer there: the peer that the operator named, or the one that a relayed point ends with. Saved. */
  readonly expectedPeerId: PeerId | undefined
  /** The peer that last said it is its own: a hint that spares a dial, never a rule. Memory only. */
  readonly claimedBy: PeerId | undefined
  /** That peer was seen at the point's host, or is the target of the relayed point: nobody else can have said so. Memory only. */
  readonly isClaimProven: boolean
  /**
   * Who is there according to another discovery of the node (a bootstrap list, mDNS). Dials ask for that peer until somebody
   * was met there or the dial shows that it is wrong. Memory only.
   */
  readonly discoveredPeerId: PeerId | undefined
  /** That peer signed it, too: it may be held to its word. Memory only. */
  readonly isSigned: boolean
  readonly state: PointState
  readonly lastFailedAt: number | undefined
  readonly lastRejected: Meeting | undefined
  readonly lastEstablished: Meeting | undefined
  readonly lastDisconnection: Meeting | undefined
  /** Monotonic instant at which somebody was there last, −∞ when a dial has failed since, or nobody was met in this run; memory only. */
  readonly aliveAt: number
  /** Failures in a row, for people and scores. Memory only. */
  readonly failures: number
  /** The peer that proved to be there and was kept out; memory only. */
  readonly deniedPeerId: PeerId | undefined
  /** The address that the point's DNS name stood for when a connection was made last; memory only. */
  readonly address: Host | undefined
  /** Why the last dial failed; memory only. */
  readonly lastFailure: Rejection | undefined
  /** Connections in a row that the peer ended within ten seconds; memory only. */
  readonly shortConnections: number
  /** Monotonic instant up to which it is not dialed by maintenance; memory only. */
  readonly barredUntil: number
  /** The same while a dial is urgent; memory only. */
  readonly urgentUntil: number
  /**
   * Monotonic instant up to which maintenance does not dial it because nobody was met there, and what its source told of came to nothing
   * of late; memory only.
   */
  readonly heldUntil: number
  readonly events: readonly HistoryEvent<PeerId>[]
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

/** The peer that a dial to the point expects, unless its caller names one. */
export function soughtAt({ expectedPeerId, discoveredPeerId, lastEstablished }: PointInfo): PeerId | undefined {
  return expectedPeerId ?? (lastEstablished === undefined ? discoveredPeerId : undefined)
}

function latest(...instants: (number | undefined)[]): number | undefined {
  let max: number | undefined
  for (const at of instants) if (at !== undefined && (max === undefined || at > max)) max = at
  return max
}
