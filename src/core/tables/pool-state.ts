/**
 * The owner of everything that the pool knows. Its nouns are `points`, `claims`, `peers` and `access`, each a file; attempts and running
 * connections are its own. They work on parts that nobody else holds: what others get is read-only, and a change is a verb of the
 * owner. All is synchronous, so that nothing changes between a check and its effect. It keeps no policy: decisions check, flows wait
 * and call.
 */

import type { Attempt, HandshakePlace, RunningConnection } from '../values/attempt.ts'
import { type ConnectionBand, type MaintenanceBounds, maintenanceBounds, narrowerBand } from '../values/bounds.ts'
import { bandOf } from '../values/config.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { Link } from '../values/ports.ts'
import { Access } from './access.ts'
import { AttemptRecord, backoffOf, DialRecord, noBackoff, Silences } from './attempt.ts'
import { illegal } from './bounded-table.ts'
import { Claims } from './claims.ts'
import { KnownPeers } from './known-peers.ts'
import { KnownPoints } from './known-points.ts'
import { type Consequences, consequencesOf, faultOf, isSilence, type Outcome, tellEnd } from './outcome.ts'
import { notePeer, type PeerRecord, type PeerState, setPeerAccepted, setPeerDisconnected, setPeerRunning } from './peer.ts'
import {
  notePoint,
  type PointInfo,
  type PointRecord,
  type PointState,
  resetReconnection,
  setPointAccepted,
  setPointClaimed,
  setPointDisconnected,
  setPointRequested,
  setPointRunning
} from './point.ts'
import { cancelAttempts, type Parts, type PoolView, type StatePorts } from './pool-view.ts'
import { restoreState, type SavedState, writeState } from './saved-state.ts'

export class PoolState<PeerMeta, C extends RunningConnection = RunningConnection> implements PoolView {
  readonly config: StatePorts<PeerMeta>['config']
  readonly peerId: PeerId
  readonly points: KnownPoints<PeerMeta, C>
  readonly claims: Claims<PeerMeta, C>
  readonly peers: KnownPeers<PeerMeta, C>
  readonly access: Access<PeerMeta, C>
  readonly #parts: Parts<PeerMeta, C>
  readonly #silences = new Silences()
  readonly #dials = new DialRecord()
  #anchors: readonly Point[] = []
  /** Monotonic instant of the last resume. */
  #awokeAt = Number.NEGATIVE_INFINITY
  #attemptCount = 0
  #ordinaryBand: ConnectionBand
  #isSuspended = false
  #band: ConnectionBand
  #bounds: MaintenanceBounds

  constructor(parts: Parts<PeerMeta, C>) {
    this.#parts = parts
    this.config = parts.config
    this.peerId = parts.peerId
    this.access = new Access(parts)
    this.points = new KnownPoints(parts, this.access)
    this.peers = new KnownPeers(parts, this.access)
    this.claims = new Claims(parts, this.points, this.access)
    this.#ordinaryBand = Object.freeze(bandOf(parts.config))
    this.#band = this.#ordinaryBand
    this.#bounds = maintenanceBounds(this.#band)
  }

  // The view.

  get band(): ConnectionBand {
    return this.#band
  }

  get bounds(): MaintenanceBounds {
    return this.#bounds
  }

  get active(): number {
    return this.#parts.running.size
  }

  /** Running, dials in progress that reserved one, and handshakes that passed our checks. */
  get slotsTaken(): number {
    return this.active + count(this.#parts.attempts, ({ hasSlot }) => hasSlot)
  }

  get incomingSlots(): number {
    const { running, attempts } = this.#parts
    return count(running.values(), isIncoming) + count(attempts, (attempt) => isIncoming(attempt) && attempt.hasSlot)
  }

  get outgoingInProgress(): number {
    return this.#parts.attempts.size - this.incomingInProgress
  }

  get incomingInProgress(): number {
    return count(this.#parts.attempts, isIncoming)
  }

  get anchors(): readonly Point[] {
    return this.#anchors
  }

  get dials(): PoolView['dials'] {
    return this.#dials
  }

  silencesOf(group: string): number {
    return this.#silences.countOf(group, this.#parts.clock.now())
  }

  *connections(): IterableIterator<C> {
    for (const { connection } of this.#parts.running.values()) if (connection !== undefined) yield connection
  }

  connection(peerId: PeerId | undefined): C | undefined {
    return this.#parts.running.get(peerId)?.connection
  }

  attempts(): IterableIterator<AttemptRecord<C>> {
    return this.#parts.attempts.values()
  }

  // What is not of one noun.

  /** While suspended the narrower of the two bands is kept. More may be running than it holds: closing down to it is for maintenance. */
  changeBand({
    ordinary = this.#ordinaryBand,
    isSuspended = this.#isSuspended
  }: {
    ordinary?: ConnectionBand
    isSuspended?: boolean
  }): void {
    this.#ordinaryBand = ordinary
    this.#isSuspended = isSuspended
    const narrow = isSuspended ? this.config.suspendedBand : null
    const { min, expected, max } = narrow === null ? ordinary : narrowerBand(ordinary, narrow)
    const before = this.#band
    if (min === before.min && expected === before.expected && max === before.max) return
    this.#band = Object.freeze({ min, expected, max })
    this.#bounds = maintenanceBounds(this.#band)
    this.#parts.emit('band-changed', { band: this.#band })
    this.#parts.shown()
  }

  /** Points of the best connections, to be dialed first next time. At most eight. Saved. */
  setAnchors(points: readonly Point[]): void {
    this.#anchors = points
  }

  /** The saved text of now. */
  write(anchors: readonly Point[]): Generator<string> {
    return writeState(this.#parts, { anchors, date: this.#parts.clock.date() })
  }

  /** Takes in what was read. See `restoreState`. */
  *restore(saved: SavedState, storage: string): Generator<void> {
    const counts = yield* restoreState(saved, { tables: this.#parts, now: this.#parts.clock.date() })
    this.#anchors = saved.anchors
    this.#parts.emit('storage-loaded', { storage, ...counts })
  }

  /** The machine woke up, or another network is there: connections that are lost soon were lost by that. */
  noteAwake(): void {
    this.#awokeAt = this.#parts.clock.now()
  }

  /** As `noteAwake`, and every back-off is forgotten: they were made by a network that was not there. */
  resetReconnections(): void {
    this.noteAwake()
    for (const record of this.#parts.points) resetReconnection(record)
    for (const record of this.#parts.peers) if (record.backoff !== noBackoff) record.asProved().backoff = noBackoff
    this.#dials.answered()
  }

  cancelAttempts(detail: string): void {
    cancelAttempts(this.#parts.attempts, () => true, detail)
  }

  // The four steps of an attempt: `begin`, `admit`, `run` and `end`, each of which moves point and peer together.

  /**
   * disconnected → requested; takes a slot if one is free, else in `admit` that of an unknown peer. `checkDial` has just said yes.
   * `expectedPeerId` is for this attempt alone. One without a point comes of an invitation.
   */
  beginOutgoing(
    { point, host, transport }: Pick<Attempt, 'point' | 'host' | 'transport'>,
    expectedPeerId: PeerId | undefined
  ): AttemptRecord<C> {
    const start = { direction: 'outgoing' as const, startedAt: this.#parts.clock.now(), host, transport }
    const hasSlot = this.slotsTaken < this.band.max
    const attempt = new AttemptRecord<C>(++this.#attemptCount, { ...start, expectedPeerId, point, hasSlot })
    const record = this.#recordOf(attempt)
    if (record !== undefined) {
      this.#parts.points.hosts.dialed(record, this.#parts.clock.now())
      this.#movePoint(record, () => setPointRequested(record, attempt))
    }
    this.#parts.attempts.add(attempt)
    if (point !== undefined) this.#parts.emit('dial-started', { attempt: attempt.id, point })
    this.#parts.shown()
    return attempt
  }

  /** The dial succeeded: the link proved who is there. */
  prove(attempt: AttemptRecord<C>, peerId: PeerId): void {
    attempt.asOwner().peerId = peerId
  }

  /** Takes a handshake place, no slot yet. The caller has just had `checkIncoming` say yes and ended what it displaces. */
  beginIncoming({ peerId, host, transport }: Pick<Link, 'peerId' | 'host' | 'transport'>, place: HandshakePlace): AttemptRecord<C> {
    const startedAt = this.#parts.clock.now()
    const attempt = new AttemptRecord<C>(++this.#attemptCount, { direction: 'incoming', startedAt, host, transport, peerId, place })
    this.#parts.attempts.add(attempt)
    this.#parts.emit('handshake-started', { attempt: attempt.id, host, peerId })
    this.#parts.shown()
    return attempt
  }

  /**
   * Point requested or disconnected → accepted, peer disconnected → accepted; an incoming attempt takes its slot. The caller
   * has just had `checkHello` say yes and ended what it displaces. `point` is what an incoming peer named; it is taken if it is free.
   */
  admit(attempt: AttemptRecord<C>, peerId: PeerId, { instance, point }: { instance: string; point: PointInfo | undefined }): void {
    const peer = this.#peerOf(peerId)
    const progress = attempt.asOwner()
    progress.peerId = peerId
    progress.instance = instance
    progress.phase = 'admitted'
    progress.hasSlot = true
    progress.waitsSince = this.#parts.clock.now()
    if (attempt.direction === 'incoming' && point?.state.kind === 'disconnected') progress.point = point.point
    const record = this.#recordOf(attempt)
    const date = this.#parts.clock.date()
    if (record !== undefined) {
      this.#movePoint(record, () => {
        setPointAccepted(record, attempt, peerId)
        if (attempt.direction === 'incoming') notePoint(record, 'handshake-started', date, peerId)
      })
    }
    this.#movePeer(peer, () => {
      setPeerAccepted(peer, attempt)
      if (attempt.direction === 'incoming') notePeer(peer, 'handshake-started', date, attempt.point)
    })
    this.#parts.emit('handshake-accepted', { attempt: attempt.id, point: attempt.point, peerId })
    this.#parts.shown()
  }

  /** accepted → running, both. Every other attempt to reach that peer is cancelled: nobody is to blame for it. */
  run(attempt: AttemptRecord<C>, connection: C): void {
    const peer = this.#peerOf(connection.peerId)
    this.#movePeer(peer, () => setPeerRunning(peer, attempt, connection))
    this.#parts.attempts.delete(attempt)
    attempt.settle(connection)
    this.#dials.answered()
    if (attempt.direction === 'outgoing') this.#dials.succeeded()
    this.#parts.running.set(connection.peerId, attempt)
    const record = this.#recordOf(attempt)
    if (record !== undefined) this.#movePoint(record, () => setPointRunning(record, connection))
    const { peerId, point, direction } = connection
    const isSame = (other: Attempt): boolean => other.peerId === peerId || other.expectedPeerId === peerId
    cancelAttempts(this.#parts.attempts, isSame, `another connection with ${peerId} was made meanwhile`)
    this.#parts.emit('connection-opened', { peerId, point, direction })
    this.#parts.shown()
  }

  /**
   * A dial that found its peer connected already: where that is by a connection without a point, which came in, the connection
   * stands for the point from now on. To be called once the dial has ended.
   */
  locate({ point, peerId }: AttemptRecord<C>): void {
    const record = this.#parts.points.get(point)
    const running = this.#parts.running.get(peerId)
    if (record === undefined || running?.connection === undefined || (record.expectedPeerId ?? peerId) !== peerId) return
    setPointClaimed(record, running.connection.peerId, true)
    if (running.point !== undefined || record.state.kind !== 'disconnected') return
    running.asOwner().point = point
    const { connection } = running
    this.#movePoint(record, () => setPointRunning(record, connection))
    this.#parts.shown()
  }

  /** The only way out, from every state; the second call does nothing and says so with false. */
  end(attempt: AttemptRecord<C>, outcome: Outcome): boolean {
    if (attempt.phase === 'ended') return false
    const record = this.#recordOf(attempt)
    const ranSince = attempt.phase === 'running' ? attempt.connection?.startedAt : undefined
    this.#release(attempt)
    const now = this.#parts.clock.now()
    const { reconnection } = this.config
    const { active } = this
    const what = consequencesOf(outcome, { attempt, point: record, ranSince, active, awokeAt: this.#awokeAt, now, reconnection })
    if (attempt.place !== undefined && isSilence(outcome)) this.#silences.note(attempt.place.group, now)
    const isFailure = what.counts && what.rejection !== undefined
    if (isFailure && attempt.direction === 'outgoing') this.#dials.failed(now)
    if (what.answered) this.#dials.answered()
    if (what.isMisled && record?.discoveredPeerId !== undefined) record.asClaimed().discoveredPeerId = undefined
    // While no other connection runs it may be our own network.
    if (isFailure && active > 0) this.#countFailure(attempt, record)
    this.#disconnect(attempt, record, what)
    tellEnd(attempt, outcome, this.#parts.emit)
    if (ranSince !== undefined && active < this.band.min) this.#parts.emit('too-few-connections', { active })
    const cause = faultOf(outcome)
    if (cause !== undefined) this.access.blame(attempt, cause)
    attempt.cancel({ kind: 'cancelled', detail: 'the attempt has ended' })
    this.#parts.shown()
    return true
  }

  #release(attempt: AttemptRecord<C>): void {
    if (attempt.phase === 'running') this.#parts.running.delete(attempt.peerId)
    this.#parts.attempts.delete(attempt)
    attempt.asOwner().phase = 'ended'
  }

  /** Point and peer of an attempt that has ended become disconnected, and wait for their next dial. */
  #disconnect(attempt: AttemptRecord<C>, record: PointRecord | undefined, what: Consequences): void {
    const { clock, peers, random } = this.#parts
    const { reconnection } = this.config
    const instants = { now: clock.now(), date: clock.date() }
    if (record !== undefined && record.state.kind !== 'disconnected')
      this.#movePoint(record, () => setPointDisconnected(record, { ...what, ...instants, reconnection, random }))
    const peer = peers.get(attempt.peerId)
    if (peer === undefined) return
    if (holds(attempt, peer.state)) this.#movePeer(peer, () => setPeerDisconnected(peer, { ...what, ...instants }))
    if (!what.backsOff || !what.isChoice) return
    const delayMs = Math.max(reconnection.afterConnectionMs, what.comeBackAfterMs)
    peer.asProved().backoff = record?.backoff ?? backoffOf({ now: instants.now, delayMs, reconnection, random })
  }

  // What the steps share. A state is not saved, the instants of its changes are: with each of them comes an event of the history.

  /** Changes a point's state, the order of its table, and tells what is new in its history. */
  #movePoint(record: PointRecord, move: () => void): void {
    const before = record.events.at(-1)
    move()
    this.#parts.points.reindex(record)
    const event = record.events.at(-1)
    if (event === undefined || event === before) return
    this.#parts.emit('point-history', { point: record.point, event })
    this.#parts.save()
  }

  #movePeer(record: PeerRecord<PeerMeta>, move: () => void): void {
    const before = record.events.at(-1)
    move()
    const event = record.events.at(-1)
    if (event === undefined || event === before) return
    this.#parts.emit('peer-history', { peerId: record.peerId, event })
    this.#parts.save()
  }

  /** The point's record, while the attempt is the one stored in it (or the point is free to become its). */
  #recordOf(attempt: AttemptRecord<C>): PointRecord | undefined {
    const record = this.#parts.points.get(attempt.point)
    return record !== undefined && (record.state.kind === 'disconnected' || holds(attempt, record.state)) ? record : undefined
  }

  /** Against the peer that answered, or else the one that belongs there by the operator's word or a proof: unknown peers may name anybody. */
  #countFailure({ peerId }: AttemptRecord<C>, record: PointRecord | undefined): void {
    if (record !== undefined && peerId === undefined) this.#parts.points.quota.failed(record, this.#parts.clock.now())
    const peer = this.#parts.peers.get(peerId ?? record?.namedPeerId ?? record?.lastEstablished?.peerId)
    if (peer !== undefined) peer.asProved().failures++
  }

  #peerOf(peerId: PeerId): PeerRecord<PeerMeta> {
    return this.#parts.peers.get(peerId) ?? illegal(peerId, { kind: 'unknown' }, 'accepted')
  }
}

/** Is the attempt the one that is stored in the state of its point or peer? */
function holds(attempt: AttemptRecord<RunningConnection>, state: PointState | PeerState): boolean {
  if (state.kind === 'running') return state.connection === attempt.connection
  return state.kind !== 'disconnected' && state.attempt === attempt
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let found = 0
  for (const item of items) if (holds(item)) found++
  return found
}

function isIncoming({ direction }: Pick<Attempt, 'direction'>): boolean {
  return direction === 'incoming'
}
