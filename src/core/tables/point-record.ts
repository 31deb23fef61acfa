/**
 * The record of one known point, made to be small: a large table holds points by the hundred thousand, and nothing ever
 * happens to most of them. What only happens is kept in a `PointLife`, and one of these stands for all untouched points.
 * Its state is changed by `point-state.ts`, its places by the indexes of the point table, which also own sources and groups.
 *
 * Three sources write it, each through its own door: the operator (`fromOperator`), our own dials and connections (`fromProof`), and
 * what peers and discoveries say (`fromClaims`). A door shows its own fields only, so a claim cannot overwrite what the operator
 * said or a proof showed. Outside of `tables` a point is a `PointInfo`, which nobody can write.
 */
import { groupOf, hostOf, targetOf } from '../values/address.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { type Backoff, noBackoff } from './backoff.ts'
import { Chain, type Linked } from './chain.ts'
import type { Medium, Meeting, PointInfo, PointState } from './point-info.ts'

/** The one state without a payload, shared. */
export const disconnected: PointState = { kind: 'disconnected' }
const noEvents: readonly HistoryEvent<PeerId>[] = []

/** Where a new record comes from. */
export interface PointOrigin {
  readonly source: PeerId | undefined
  readonly medium: Medium
  readonly discoveredAt: number
}

/** A second and third list that a point is in. */
export class Place implements Linked<Place> {
  readonly record: PointRecord
  chain: Chain<Place> | undefined = undefined
  previous: Place | undefined = undefined
  next: Place | undefined = undefined

  constructor(record: PointRecord) {
    this.record = record
  }
}

/** What the operator said of a point. Saved. */
export interface OperatorWords {
  trusted: boolean
  registered: boolean
  expectedPeerId: PeerId | undefined
}

/** What peers and discoveries said of a point: hints. */
export interface Claims {
  isPublic: boolean
  claimedBy: PeerId | undefined
  isClaimProven: boolean
  isSigned: boolean
  discoveredPeerId: PeerId | undefined
}

/** What our own dials and connections showed, and the places that the table has for the point. */
export type Findings = Omit<PointLife, keyof OperatorWords | keyof Claims>

/** What happened to a point, and the places it has for it. Read through the record, written through its doors. */
export class PointLife implements OperatorWords, Claims {
  trusted = false
  registered = false
  expectedPeerId: PeerId | undefined = undefined
  isPublic = false
  claimedBy: PeerId | undefined = undefined
  isClaimProven = false
  isSigned = false
  discoveredPeerId: PeerId | undefined = undefined
  state: PointState = disconnected
  lastFailedAt: number | undefined = undefined
  lastRejected: Meeting | undefined = undefined
  lastEstablished: Meeting | undefined = undefined
  lastDisconnection: Meeting | undefined = undefined
  aliveAt = Number.NEGATIVE_INFINITY
  failures = 0
  deniedPeerId: PeerId | undefined = undefined
  address: Host | undefined = undefined
  lastFailure: Rejection | undefined = undefined
  shortConnections = 0
  backoff: Backoff = noBackoff
  delayMs = 0
  history: HistoryEvent<PeerId>[] | undefined = undefined

  // point-shares.ts
  /** Counted among the tried; no point goes back to the untried. */
  tried = false
  /** Its last miss when it was put into its source's queue. */
  missAt: number | undefined = undefined
  /** In its group's `missed` or `proven`. */
  member: Place | undefined = undefined
  /** Its last miss or sighting when it was put there. */
  memberAt: number | undefined = undefined

  // point-listing.ts
  /** Its place in the bag of public points; -1: it is not public. */
  index = -1
  /** Among the running, tried or answering points, once it was seen. */
  sighting: Place | undefined = undefined
  /** Its last sighting when it was put there. */
  seenAt: number | undefined = undefined
}

/** Of all points that nothing happened to. Frozen: whoever writes to a life must have the point's own. */
const untouched = Object.freeze(new PointLife())

/** The record itself. */
export class PointRecord implements PointInfo, Linked<PointRecord> {
  readonly point: Point
  readonly source: PeerId | undefined
  readonly medium: Medium
  readonly discoveredAt: number
  /** What its table finds its address group by. */
  readonly groupKey: GroupKey
  /** As it is now. */
  life: Readonly<PointLife> = untouched
  /** What limits per host find it by; none: they do not concern it. `host-shares.ts` sets it. Memory only. */
  hostKey: string | undefined = undefined
  /** Whose cap counts it; none: nobody's, since it proved good. */
  holder: PointSource | undefined = undefined
  // Its place in the queue of its source, if it may be collected as an untried point.
  chain: Chain<PointRecord> | undefined = undefined
  previous: PointRecord | undefined = undefined
  next: PointRecord | undefined = undefined
  /** Its place in the bag of all points. */
  index = -1

  constructor(point: Point, groupKey: GroupKey, { source, medium, discoveredAt }: PointOrigin) {
    this.point = point
    this.source = source
    this.medium = medium
    this.discoveredAt = discoveredAt
    this.groupKey = groupKey
  }

  // What a door returns is to be written in the same turn. A life is made at the first call, so call it only for a change.

  fromOperator(): OperatorWords {
    return this.#own()
  }

  fromProof(): Findings {
    return this.#own()
  }

  fromClaims(): Claims {
    return this.#own()
  }

  #own(): PointLife {
    if (this.life === untouched) this.life = new PointLife()
    return this.life
  }

  get expectedPeerId(): PeerId | undefined {
    return this.life.expectedPeerId ?? targetOf(this.point)
  }

  get discoveredPeerId(): PeerId | undefined {
    return this.life.discoveredPeerId
  }

  get host(): Host | undefined {
    return hostOf(this.point)
  }

  get address(): Host | undefined {
    return this.life.address
  }

  get group(): string {
    return groupOf(this.point)
  }

  get events(): readonly HistoryEvent<PeerId>[] {
    return this.life.history ?? noEvents
  }

  get trusted(): boolean {
    return this.life.trusted
  }

  get registered(): boolean {
    return this.life.registered
  }

  get isPublic(): boolean {
    return this.life.isPublic
  }

  get claimedBy(): PeerId | undefined {
    return this.life.claimedBy
  }

  get isClaimProven(): boolean {
    return this.life.isClaimProven
  }

  get isSigned(): boolean {
    return this.life.isSigned
  }

  get state(): PointState {
    return this.life.state
  }

  get lastFailedAt(): number | undefined {
    return this.life.lastFailedAt
  }

  get lastRejected(): Meeting | undefined {
    return this.life.lastRejected
  }

  get lastEstablished(): Meeting | undefined {
    return this.life.lastEstablished
  }

  get lastDisconnection(): Meeting | undefined {
    return this.life.lastDisconnection
  }

  get aliveAt(): number {
    return this.life.aliveAt
  }

  get failures(): number {
    return this.life.failures
  }

  get deniedPeerId(): PeerId | undefined {
    return this.life.deniedPeerId
  }

  get lastFailure(): Rejection | undefined {
    return this.life.lastFailure
  }

  get shortConnections(): number {
    return this.life.shortConnections
  }

  get barredUntil(): number {
    return this.life.backoff.until
  }

  get urgentUntil(): number {
    return this.life.backoff.urgentUntil
  }

  get heldUntil(): number {
    const { holder, life } = this
    return holder === undefined || life.trusted || life.tried ? Number.NEGATIVE_INFINITY : holder.heldUntil
  }

  get delayMs(): number {
    return this.life.delayMs
  }

  get history(): HistoryEvent<PeerId>[] | undefined {
    return this.life.history
  }
}

/** The points of one source that its cap counts. Peers of one address group, or a door without a peer: operator, storage, discovery. */
export class PointSource implements Linked<PointSource> {
  /** The first of the peers, or the medium of a door: what its records name. */
  readonly key: string
  /** Where these peers are seen, as `groupOfTeller` has it; none: not known yet, or counted by id. */
  group: string | undefined = undefined
  /** How many peers it counts for; infinite: it has no cap and is collected last. */
  readonly weight: number
  /** Untried points in any state, trusted ones too, and tried ones that it said are its own: what its cap is about. */
  counted = 0
  /** Dials in vain to untried points of a peer, in a row but for those during a hold; halved by one that proves good. */
  misses = 0
  /** Monotonic instant up to which maintenance dials no untried point of it. */
  heldUntil = Number.NEGATIVE_INFINITY
  /** Those that may be collected and were never missed, the longest in the list first. */
  readonly fresh = new Chain<PointRecord>()
  /** Those that may be collected and were missed, the oldest miss first. */
  readonly missed = new Chain<PointRecord>()
  // Its place among the sources of the same load.
  chain: Chain<PointSource> | undefined = undefined
  previous: PointSource | undefined = undefined
  next: PointSource | undefined = undefined

  constructor(key: string, weight: number) {
    this.key = key
    this.weight = weight
  }

  get collectable(): number {
    return this.fresh.size + this.missed.size
  }
}

/** A group of IPv4 addresses as a number, which takes no memory of its own; others as the text of `groupOf`. */
export type GroupKey = number | string

export function keyOfGroup(group: string): GroupKey {
  if (!group.startsWith('ip4:')) return group
  const dot = group.indexOf('.')
  return Number(group.slice(4, dot)) * 256 + Number(group.slice(dot + 1))
}

/** The points of one address group. */
export class PointGroup {
  /** How many times the ordinary cap it may hold; infinite: no cap. Found out when the ordinary cap is reached: few groups ever do. */
  weight: number | undefined = undefined
  /** All of them. */
  points = 0
  /** The untried ones that caps count, in any state: those that operator and storage did not bring. */
  untried = 0
  tried = 0
  /** Of the untried that caps count: those that may be collected and were missed, oldest miss first. Most groups have none. */
  missed: Chain<Place> | undefined = undefined
  /** Tried ones that are not trusted, busy ones too, the least recently seen first. */
  proven: Chain<Place> | undefined = undefined
}
