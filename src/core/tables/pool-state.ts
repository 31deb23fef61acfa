/**
 * The owner of everything the pool knows: the two tables, the access lists, the attempts and the running connections.
 * `begin`, `admit`, `run` and `end` are the four doors of an attempt; each is synchronous and moves point and peer
 * together, so that between a check and its effect nothing can change. It keeps no policy and waits for nothing:
 * decisions check, flows wait and call. Registering, trust and bans are in `registry.ts`, upon the same tables.
 */

import type { Attempt, HandshakePlace, RunningConnection } from '../values/attempt.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import type { PoolSettings } from '../values/config.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Link } from '../values/ports.ts'
import { type AccessList, type Bar, Doorkeeper, type GreylistRequest } from './access.ts'
import {
  AttemptRecord,
  backoffOf,
  DialRecord,
  endedAsleep,
  factsOf,
  faultOf,
  isChoice,
  isMisled,
  isSilence,
  type Outcome,
  ownReasons,
  Silences,
  tellEnd,
  waitAfter
} from './attempt.ts'
import { notePeer, type PeerRecord, type PeerState, setPeerAccepted, setPeerDisconnected, setPeerRunning } from './peer.ts'
import {
  notePoint,
  type PointInfo,
  type PointRecord,
  type PointState,
  setPointAccepted,
  setPointClaimed,
  setPointDisconnected,
  setPointRequested,
  setPointRunning
} from './point.ts'
import type { PoolStateParts, PoolView } from './pool-view.ts'

/** Points learned to be our own, beside those the network announces. The original keeps 7; pages have more addresses. */
const maxLearned = 16

export class PoolState<PeerMeta, C extends RunningConnection = RunningConnection> implements PoolView {
  readonly parts: PoolStateParts<PeerMeta>
  readonly config: PoolSettings
  readonly peerId: PeerId
  /** Attempts that are not running yet. Bounded by the band's max and maxIncoming. */
  readonly #attempts = new Set<AttemptRecord<C>>()
  /** The only index: running attempts by peer. Changed with the states, in `run` and `end`. */
  readonly #running = new Map<PeerId, AttemptRecord<C>>()
  readonly #silences = new Silences()
  /** Points of the best connections of last time, to be dialed first. At most eight. Saved. */
  anchors: readonly Point[] = []
  /** Monotonic instant of the last resume. */
  awokeAt = Number.NEGATIVE_INFINITY
  readonly dials = new DialRecord()
  #attemptCount = 0
  /** Where others can reach us now, as the network says. */
  ownPoints: ReadonlySet<Point> = new Set()
  /** Points that turned out to be our own. At most `maxLearned`, the oldest goes first. */
  readonly #learned = new Set<Point>()
  readonly #doorkeeper: Doorkeeper<PeerMeta>

  constructor(parts: PoolStateParts<PeerMeta>) {
    this.parts = parts
    this.config = parts.config
    this.peerId = parts.peerId
    this.#doorkeeper = new Doorkeeper(parts)
  }

  // The view.

  get band(): ConnectionBand {
    return this.parts.band.kept
  }

  get bounds(): MaintenanceBounds {
    return this.parts.band.bounds
  }

  get active(): number {
    return this.#running.size
  }

  /** Running, dials in progress that reserved one, and handshakes that passed our checks. */
  get slotsTaken(): number {
    return this.#running.size + count(this.#attempts, ({ hasSlot }) => hasSlot)
  }

  get incomingSlots(): number {
    return count(this.#running.values(), isIncoming) + count(this.#attempts, (attempt) => isIncoming(attempt) && attempt.hasSlot)
  }

  get outgoingInProgress(): number {
    return this.#attempts.size - this.incomingInProgress
  }

  get incomingInProgress(): number {
    return count(this.#attempts, isIncoming)
  }

  silencesOf(group: string): number {
    return this.#silences.countOf(group, this.parts.clock.now())
  }

  isOwnPoint(point: Point): boolean {
    return this.ownPoints.has(point) || this.#learned.has(point)
  }

  set announcedPoints(points: readonly Point[]) {
    this.ownPoints = new Set(points)
    this.parts.changed('shown')
  }

  addOwnPoint(point: Point): void {
    this.#learned.delete(point)
    this.#learned.add(point)
    const [oldest] = this.#learned
    if (this.#learned.size > maxLearned && oldest !== undefined) this.#learned.delete(oldest)
  }

  point(point: Point): PointInfo | undefined {
    return this.parts.points.get(point)
  }

  peer(peerId: PeerId): PeerRecord<PeerMeta> | undefined {
    return this.parts.peers.get(peerId)
  }

  points(): Iterable<PointInfo> {
    return this.parts.points
  }

  peers(): Iterable<PeerRecord<PeerMeta>> {
    return this.parts.peers
  }

  *connections(): IterableIterator<C> {
    for (const attempt of this.#running.values()) if (attempt.connection !== undefined) yield attempt.connection
  }

  connection(peerId: PeerId): C | undefined {
    return this.#running.get(peerId)?.connection
  }

  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean {
    return this.#doorkeeper.isTrusted(peerId, point)
  }

  hostFreeAt(point: Point): number {
    const record = this.parts.points.get(point)
    return record === undefined ? Number.NEGATIVE_INFINITY : this.parts.points.hosts.freeAt(record)
  }

  scoreOf(peerId: PeerId): number {
    const peer = this.peer(peerId)
    return peer === undefined ? 0 : this.parts.score(peer)
  }

  passesGreylist(peerId: PeerId): boolean {
    return this.#doorkeeper.passesGreylist(peerId)
  }

  hostBar(host: Host | undefined, spared: boolean): Bar | undefined {
    return this.#doorkeeper.hostBar(host, spared)
  }

  peerBar(peerId: PeerId): Bar | undefined {
    return this.#doorkeeper.peerBar(peerId)
  }

  get access(): AccessList {
    return this.#doorkeeper.access
  }

  greylist(request: GreylistRequest): void {
    this.#doorkeeper.greylist(request)
  }

  attempts(): Iterable<AttemptRecord<C>> {
    return this.#attempts
  }

  // The four doors.

  /**
   * disconnected → requested; takes a slot if one is free, else in `admit` a stranger's. The caller has just had `checkDial` say yes.
   * `expectedPeerId` is for this attempt alone.
   */
  beginOutgoing({ point, host, transport }: PointInfo, expectedPeerId: PeerId | undefined): AttemptRecord<C> {
    const start = { direction: 'outgoing' as const, startedAt: this.parts.clock.now(), host, transport }
    const hasSlot = this.slotsTaken < this.band.max
    const attempt = new AttemptRecord<C>(++this.#attemptCount, { ...start, expectedPeerId, point, hasSlot })
    const record = this.#recordOf(attempt)
    if (record !== undefined) {
      this.parts.points.hosts.dialed(record, this.parts.clock.now())
      this.#movePoint(record, () => setPointRequested(record, attempt))
    }
    this.#attempts.add(attempt)
    this.parts.emit('dial-started', { attempt: attempt.id, point })
    this.parts.changed('shown')
    return attempt
  }

  /** The dial succeeded: the link proved who is there. */
  prove(attempt: AttemptRecord<C>, peerId: PeerId): void {
    attempt.peerId = peerId
  }

  /** Takes a handshake place, no slot yet. The caller has just had `checkIncoming` say yes and ended what it displaces. */
  beginIncoming({ peerId, host, transport }: Pick<Link, 'peerId' | 'host' | 'transport'>, place: HandshakePlace): AttemptRecord<C> {
    const startedAt = this.parts.clock.now()
    const attempt = new AttemptRecord<C>(++this.#attemptCount, { direction: 'incoming', startedAt, host, transport, peerId, place })
    this.#attempts.add(attempt)
    this.parts.emit('handshake-started', { attempt: attempt.id, host, peerId })
    this.parts.changed('shown')
    return attempt
  }

  /**
   * Point requested or disconnected → accepted, peer disconnected → accepted; an incoming attempt takes its slot. The caller
   * has just had `checkHello` say yes and ended what it displaces. `point` is what an incoming peer named; it is taken if it is free.
   */
  admit(
    attempt: AttemptRecord<C>,
    peer: PeerRecord<PeerMeta>,
    { instance, point }: { instance: string; point: PointInfo | undefined }
  ): void {
    attempt.peerId = peer.peerId
    attempt.instance = instance
    attempt.phase = 'admitted'
    attempt.hasSlot = true
    attempt.waitsSince = this.parts.clock.now()
    if (attempt.direction === 'incoming' && point?.state.kind === 'disconnected') attempt.point = point.point
    const record = this.#recordOf(attempt)
    const date = this.parts.clock.date()
    if (record !== undefined) {
      this.#movePoint(record, () => {
        setPointAccepted(record, attempt, peer.peerId)
        if (attempt.direction === 'incoming') notePoint(record, 'handshake-started', date, peer.peerId)
      })
    }
    this.#movePeer(peer, () => {
      setPeerAccepted(peer, attempt)
      if (attempt.direction === 'incoming') notePeer(peer, 'handshake-started', date, attempt.point)
    })
    this.parts.emit('handshake-accepted', { attempt: attempt.id, point: attempt.point, peerId: peer.peerId })
    this.parts.changed('shown')
  }

  /** accepted → running, both. Every other attempt to reach that peer is cancelled: nobody is to blame for it. */
  run(attempt: AttemptRecord<C>, connection: C): void {
    const peer = this.peer(connection.peerId)
    if (peer === undefined) throw new Error(`a peer that was admitted is not in its table: ${connection.peerId}`)
    this.#movePeer(peer, () => setPeerRunning(peer, attempt, connection))
    this.#attempts.delete(attempt)
    attempt.settle(connection)
    this.dials.answered()
    if (attempt.direction === 'outgoing') this.dials.succeeded()
    this.#running.set(connection.peerId, attempt)
    const record = this.#recordOf(attempt)
    if (record !== undefined) this.#movePoint(record, () => setPointRunning(record, connection))
    for (const other of this.#attempts) {
      if (other.peerId === connection.peerId || other.expectedPeerId === connection.peerId) {
        other.cancel({ kind: 'cancelled', detail: `another connection with ${connection.peerId} was made meanwhile` })
      }
    }
    this.parts.emit('connection-opened', { peerId: connection.peerId, point: connection.point, direction: connection.direction })
    this.parts.changed('shown')
  }

  /**
   * A dial that found its peer connected already: where that is by a connection without a point, which came in, the connection
   * stands for the point from now on. To be called once the dial has ended.
   */
  locate({ point, peerId }: AttemptRecord<C>): void {
    const record = point === undefined ? undefined : this.parts.points.get(point)
    const running = peerId === undefined ? undefined : this.#running.get(peerId)
    if (record === undefined || running?.connection === undefined || (record.expectedPeerId ?? peerId) !== peerId) return
    setPointClaimed(record, running.connection.peerId, true)
    if (running.point !== undefined || record.state.kind !== 'disconnected') return
    running.point = point
    const { connection } = running
    this.#movePoint(record, () => setPointRunning(record, connection))
    this.parts.changed()
  }

  /** The only way out, from every state; the second call does nothing and says so with false. */
  end(attempt: AttemptRecord<C>, outcome: Outcome): boolean {
    if (attempt.phase === 'ended') return false
    const wasRunning = attempt.phase === 'running'
    const record = this.#recordOf(attempt)
    const misled = isMisled(outcome, record)
    const counts = wasRunning || (outcome.kind === 'failed' && !misled && !ownReasons.has(outcome.rejection.kind))
    const byUs = outcome.kind === 'closed' ? outcome.ending.by === 'us' : outcome.by === 'us'
    const { clock, random } = this.parts
    const date = clock.date()
    if (wasRunning && attempt.peerId !== undefined) this.#running.delete(attempt.peerId)
    else this.#attempts.delete(attempt)
    if (attempt.place !== undefined && isSilence(outcome)) this.#silences.note(attempt.place.group, clock.now())
    attempt.phase = 'ended'
    this.parts.band.settle(this.slotsTaken)
    if (attempt.direction === 'outgoing' && outcome.kind === 'failed' && counts) this.dials.failed(clock.now())
    const wasAnswered = outcome.kind === 'failed' && (attempt.peerId !== undefined || outcome.rejection.kind === 'unexpected-peer-id')
    if (wasAnswered) this.dials.answered()
    const now = clock.now()
    const { reconnection } = this.config
    if (misled && record?.discoveredPeerId !== undefined) record.fromClaims().discoveredPeerId = undefined
    if (outcome.kind === 'failed' && counts && this.#running.size > 0) this.#countFailure(attempt, record)
    const isHeld = counts && !endedAsleep(outcome, { startedAt: attempt.startedAt, awokeAt: this.awokeAt, now })
    if (record !== undefined && record.state.kind !== 'disconnected') {
      const facts = factsOf(outcome, { ranForMs: now - (attempt.connection?.startedAt ?? now), reconnection })
      const disconnected = { ...facts, now, date, counts: isHeld, grows: wasAnswered || this.#running.size > 0, byUs, reconnection, random }
      this.#movePoint(record, () => setPointDisconnected(record, disconnected))
    }
    const peer = attempt.peerId === undefined ? undefined : this.peer(attempt.peerId)
    if (peer !== undefined && holds(attempt, peer.state)) this.#movePeer(peer, () => setPeerDisconnected(peer, { now, date, counts, byUs }))
    if (peer !== undefined && isHeld && isChoice(outcome))
      peer.fromProof().backoff = record?.backoff ?? backoffOf({ now, delayMs: waitAfter(outcome, reconnection) }, { reconnection, random })
    tellEnd(attempt, outcome, this.parts.emit)
    if (wasRunning && this.active < this.band.min) this.parts.emit('too-few-connections', { active: this.active })
    const cause = faultOf(outcome)
    if (cause !== undefined) this.#doorkeeper.blame(attempt, cause)
    attempt.cancel({ kind: 'cancelled', detail: 'the attempt has ended' })
    this.parts.changed('shown')
    return true
  }

  // What the doors share.

  // A state is not saved, the instants of its changes are: with each of them comes a line of the history.

  /** Changes a point's state, with the order of its table and the news of its history. */
  #movePoint(record: PointRecord, move: () => void): void {
    const before = record.events.at(-1)
    move()
    this.parts.points.reindex(record)
    const event = record.events.at(-1)
    if (event === undefined || event === before) return
    this.parts.emit('point-history', { point: record.point, event })
    this.parts.changed()
  }

  #movePeer(record: PeerRecord<PeerMeta>, move: () => void): void {
    const before = record.events.at(-1)
    move()
    const event = record.events.at(-1)
    if (event === undefined || event === before) return
    this.parts.emit('peer-history', { peerId: record.peerId, event })
    this.parts.changed()
  }

  /** The point's record, while the attempt is the one stored in it (or the point is free to become its). */
  #recordOf(attempt: AttemptRecord<C>): PointRecord | undefined {
    const record = attempt.point === undefined ? undefined : this.parts.points.get(attempt.point)
    return record !== undefined && (record.state.kind === 'disconnected' || holds(attempt, record.state)) ? record : undefined
  }

  /** Against the peer that answered, or else the one that belongs there by the operator's word or a proof: a stranger may name anybody. */
  #countFailure({ peerId }: AttemptRecord<C>, record: PointRecord | undefined): void {
    if (record !== undefined && peerId === undefined) this.parts.points.quota.failed(record, this.parts.clock.now())
    const sought = peerId ?? record?.namedPeerId ?? record?.lastEstablished?.peerId
    const peer = sought === undefined ? undefined : this.peer(sought)
    if (peer !== undefined) peer.fromProof().failures++
  }

  hasTrustedHost(host: Host): boolean {
    return this.parts.points.hasTrustedHost(host)
  }

  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean {
    return this.parts.points.isTrustedAt(host, peerId)
  }
}

/** Is the attempt the one that is stored in the state of its point or peer? */
function holds(attempt: AttemptRecord<RunningConnection>, state: PointState | PeerState): boolean {
  if (state.kind === 'running') return state.connection === attempt.connection
  return state.kind !== 'disconnected' && state.attempt === attempt
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  return [...items].filter(holds).length
}

function isIncoming({ direction }: Pick<Attempt, 'direction'>): boolean {
  return direction === 'incoming'
}
