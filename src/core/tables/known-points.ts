/**
 * The noun `state.points`: the known points, what the operator says of them, and which are our own. What peers say of points is in
 * `claims.ts`.
 */
import type { RunningConnection } from '../values/attempt.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'
import type { Access } from './access.ts'
import { type PointInfo, type PointRecord, resetReconnection, setPointAddress } from './point.ts'
import { isOperators } from './point-quota.ts'
import type { ListQuery, PointNews } from './point-table.ts'
import { cancelAttempts, type Parts, type PointsView } from './pool-view.ts'

/** Points found to be our own, beside those the network announces. The original keeps 7; pages have more addresses. */
const maxLearned = 16

/** Where a point comes from, if not from the operator, and what becomes of its trust: it stays as it is if nothing is given. */
export type Registration = Partial<Omit<PointNews, 'discoveredAt'>>

export class KnownPoints<PeerMeta, C extends RunningConnection> implements PointsView {
  readonly #parts: Parts<PeerMeta, C>
  readonly #access: Access<PeerMeta, C>
  #announced: ReadonlySet<Point> = new Set()
  /** The oldest goes first. */
  readonly #learned = new Set<Point>()

  constructor(parts: Parts<PeerMeta, C>, access: Access<PeerMeta, C>) {
    this.#parts = parts
    this.#access = access
  }

  // Questions.

  get size(): number {
    return this.#parts.points.size
  }

  get(point: Point | undefined): PointInfo | undefined {
    return this.#parts.points.get(point)
  }

  [Symbol.iterator](): IterableIterator<PointInfo> {
    return this.#parts.points[Symbol.iterator]()
  }

  get trusted(): Iterable<PointInfo> {
    return this.#parts.points.trusted
  }

  /** Where others can reach us now, as the network says. */
  get own(): ReadonlySet<Point> {
    return this.#announced
  }

  isOwn(point: Point): boolean {
    return this.#announced.has(point) || this.#learned.has(point)
  }

  hostFreeAt(point: Point): number {
    const record = this.#parts.points.get(point)
    return record === undefined ? Number.NEGATIVE_INFINITY : this.#parts.points.hosts.freeAt(record)
  }

  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean {
    return this.#parts.points.isTrustedAt(host, peerId)
  }

  isGroupFull(point: Point): boolean {
    return this.#parts.points.isGroupFull(point)
  }

  /** See `PointTable.list`. Blocked points are left out. */
  list(query: Omit<ListQuery, 'random' | 'isBanned'>): Point[] {
    const isBanned = ({ host, trusted }: PointInfo): boolean => this.#access.hostBlock(host, trusted) !== undefined
    return this.#parts.points.list({ ...query, random: this.#parts.random, isBanned })
  }

  // What the operator says.

  /**
   * The record of a point, made if it is new. `trusted`, if given, is set or cleared. Throws `PoolError` `table-full` when nothing in the
   * table may go. Octez: `register_point`.
   */
  register(point: Point, options: Registration = {}): PointInfo {
    return this.#register(point, options)
  }

  /** As `register`, but `undefined` for a point of our own, or when the table has no place. Octez: `register_new_point`. */
  registerNew(point: Point, options: Registration = {}): PointInfo | undefined {
    return this.isOwn(point) ? undefined : this.#insert(point, options)
  }

  configure(points: readonly ParsedPoint[]): void {
    for (const { point, expectedPeerId } of points) this.wanted(point, { trusted: true, expectedPeerId })
  }

  /** The operator connects to a point: trust and id, if given, hold from now on, and its back-off is forgotten. */
  wanted(point: Point, { trusted, expectedPeerId }: { trusted?: boolean | undefined; expectedPeerId?: PeerId | undefined }): PointInfo {
    const record = this.#register(point, { trusted })
    if (expectedPeerId !== undefined) this.#setExpected(record, expectedPeerId)
    resetReconnection(record)
    return record
  }

  /** Does nothing for an unknown point. */
  untrust(point: Point): void {
    if (this.get(point) !== undefined) this.#register(point, { trusted: false })
  }

  /** Forgets a point; its running connection, if any, stays. Octez: `unregister_point`. */
  forget(point: Point): void {
    const { points, attempts, changed } = this.#parts
    const record = points.get(point)
    if (record === undefined) return
    if ('attempt' in record.state) cancelAttempts(attempts, (attempt) => attempt.point === point, 'its point was unregistered')
    points.remove(point)
    changed()
  }

  /**
   * From now on only that peer may answer at the point. An attempt there with another is cancelled; a connection with another is closed and
   * returned; the host of either is greylisted. Throws as `register`. Octez: `set_expected_peer_id`.
   */
  expect(point: Point, peerId: PeerId): C[] {
    const record = this.#register(point)
    this.#setExpected(record, peerId)
    const { state } = record
    const there = state.kind === 'accepted' ? state.peerId : state.kind === 'running' ? state.connection.peerId : undefined
    const isWrong = there !== undefined && there !== peerId
    if (isWrong) this.#access.greylist({ host: record.host, cause: `${point} answered as ${there}, ${peerId} is expected` })
    const isCancelled = state.kind === 'requested' ? state.attempt.expectedPeerId !== peerId : isWrong && state.kind === 'accepted'
    if (isCancelled) cancelAttempts(this.#parts.attempts, (attempt) => attempt.point === point, 'another peer is expected at its point now')
    const connection = isWrong ? this.#parts.running.get(there)?.connection : undefined
    if (connection === undefined) return []
    void connection.disconnect({ kind: 'unexpected-peer-id' })
    return [connection]
  }

  // Our own points.

  /** The network says where others can reach us: such points are not registered. */
  announce(own: readonly Point[]): void {
    this.#announced = new Set(own)
    for (const point of own) this.forget(point)
    this.#parts.shown()
  }

  /** The point turned out to be our own: it is forgotten, and never registered or dialed again. Octez: `add_to_id_points`. */
  addOwn(point: Point): void {
    this.#learned.delete(point)
    this.#learned.add(point)
    const [oldest] = this.#learned
    if (this.#learned.size > maxLearned && oldest !== undefined) this.#learned.delete(oldest)
    this.forget(point)
  }

  // What dials show.

  /** Counts a dial to an address that the name of an untried point stands for. False: not now, it would be too often. */
  countAddressDial(address: Host): boolean {
    return this.#parts.points.hosts.dialAddress(address, this.#parts.clock.now())
  }

  /** A connection to the point's DNS name is with this address. */
  noteAddress(point: Point, address: Host): void {
    const record = this.#parts.points.get(point)
    if (record !== undefined) setPointAddress(record, address)
  }

  #register(point: Point, options: Registration = {}): PointRecord {
    const record = this.#insert(point, options)
    if (record === undefined)
      throw new PoolError('table-full', `${point}: all ${this.size} known points are connected, trusted or worth more`)
    return record
  }

  /** A relayed point says by itself who must answer there. */
  #setExpected(record: PointRecord, peerId: PeerId): void {
    if (peerId === record.expectedPeerId) return
    record.asOperator().namedPeerId = peerId
    this.#parts.changed('now')
  }

  #insert(point: Point, options: Registration): PointRecord | undefined {
    const record = findOrInsertPoint(this.#parts, this.#access, { point, ...options })
    if (record === undefined) return undefined
    const { points, emit, changed } = this.#parts
    const { trusted } = options
    if (trusted !== false && !isOperators(record)) record.asOperator().registered = true
    if (trusted === undefined || (!trusted && !record.trusted)) return record
    if (trusted !== record.trusted) {
      points.setTrusted(record, trusted)
      if (trusted && record.host !== undefined) this.#access.ungreylistHost(record.host)
      emit('trust-changed', { point, peerId: undefined, trusted })
    }
    changed('now')
    return record
  }
}

/**
 * The record of a point, unchanged, or made if it is new, by the operator's word or by a claim, with the events that follow. `undefined`:
 * its source or address group is at its quota, or the table is full.
 */
export function findOrInsertPoint<PeerMeta, C extends RunningConnection>(
  { points, clock, emit, changed }: Parts<PeerMeta, C>,
  access: Access<PeerMeta, C>,
  { point, ...given }: Registration & { readonly point: Point }
): PointRecord | undefined {
  const known = points.get(point)
  if (known !== undefined) return known
  const before = points.collected
  const news: PointNews = { source: undefined, discoverySource: 'operator', ...given, discoveredAt: clock.date() }
  const record = points.insert(point, news)
  if (points.collected > before) emit('points-collected', { removed: points.collected - before })
  if (record === undefined) return undefined
  if (record.trusted && record.host !== undefined) access.ungreylistHost(record.host)
  emit('new-point', { point, discoverySource: news.discoverySource, source: news.source })
  changed()
  return record
}
