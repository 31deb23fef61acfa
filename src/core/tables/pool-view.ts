/**
 * The read-only face of a pool's state, which decisions get, and the parts that the nouns of the state work on. Nobody outside of `tables`
 * holds the parts.
 */
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Clock, Random } from '../values/ports.ts'
import type { PeerMetadata, PoolSettings } from '../values/settings.ts'
import type { AttemptRecord, DialRecord } from './attempt.ts'
import { Bans } from './bans.ts'
import type { PeerInfo } from './peer.ts'
import { PeerTable } from './peer-table.ts'
import type { PointInfo } from './point.ts'
import { type ListQuery, PointTable } from './point-table.ts'

/** Why an address or a peer is kept out. */
export type Block = 'banned' | 'greylisted'

export interface PoolView {
  readonly config: PoolSettings
  readonly peerId: PeerId
  readonly points: PointsView
  readonly peers: PeersView
  readonly access: AccessView
  /** The band that is kept now: `setBand` and `suspend` change it. */
  readonly band: ConnectionBand
  /** The same in thirds. */
  readonly bounds: MaintenanceBounds
  readonly active: number
  /** Running connections and reservations: what `band.max` bounds. */
  readonly slotsTaken: number
  /** Incoming ones among them. */
  readonly incomingSlots: number
  attempts(): Iterable<Attempt>
  readonly incomingInProgress: number
  readonly outgoingInProgress: number
  /** Points of the best connections of last time, to be dialed first. */
  readonly anchors: readonly Point[]
  connections(): Iterable<RunningConnection>
  connection(peerId: PeerId | undefined): RunningConnection | undefined
  readonly dials: Readonly<Pick<DialRecord, 'successRate' | 'failuresInARow' | 'lastFailureAt'>>
  /** How many incoming handshakes of an address group failed within the last minute. */
  silencesOf(group: string): number
}

export interface PointsView extends Iterable<PointInfo> {
  get(point: Point | undefined): PointInfo | undefined
  readonly size: number
  /** Known points, the best of them or at random as the query says; blocked ones are left out. See `PointTable.list`. */
  list(query: Omit<ListQuery, 'random' | 'isBanned'>): Point[]
  /** Announced by the network, or found to be our own. */
  isOwn(point: Point): boolean
  /** Monotonic instant from which on maintenance may dial the point, by the limit of dials to untried points of one host; −∞: now. */
  hostFreeAt(point: Point): number
  /** Those that the operator trusts. */
  readonly trusted: Iterable<PointInfo>
  /** Is this the peer of a trusted point on the host, or may it be, since no peer was connected there yet? */
  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean
  /** Is the address group of the point at its limit, so that an unknown peer's word adds no more? */
  isGroupFull(point: Point): boolean
}

export interface PeersView extends Iterable<PeerInfo<unknown>> {
  get(peerId: PeerId | undefined): PeerInfo<unknown> | undefined
  /** The application's score of a peer, or the default one; 0 for an unknown peer. */
  scoreOf(peerId: PeerId): number
}

export interface AccessView {
  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean
  /**
   * Trusted by id, or connected for some seconds before: such a peer is let in from a greylisted host, which it may share with the one
   * that gave cause. Ask it about an id that is proved, or expected.
   */
  passesGreylist(peerId: PeerId): boolean
  /** `spared`: only a ban by the operator counts. */
  hostBlock(host: Host | undefined, spared: boolean): Block | undefined
  peerBlock(peerId: PeerId): Block | undefined
}

/** What the state needs of the world. */
export interface StatePorts<PeerMeta> {
  readonly config: PoolSettings & { readonly peerMetadata: PeerMetadata<PeerMeta> }
  readonly peerId: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly score: (peer: PeerInfo<PeerMeta>) => number
  readonly emit: <Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]) => void
  /** Something that a snapshot shows has changed. */
  readonly shown: () => void
  /** Something that is saved has changed. `now`: the operator said it, so it is written at once. */
  readonly save: (urgency?: 'now') => void
}

export interface Parts<PeerMeta, C extends RunningConnection> extends StatePorts<PeerMeta> {
  /** `save` and `shown`, for what is both. */
  readonly changed: (urgency?: 'now') => void
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly bans: Bans
  /** Attempts that are not running yet. Bounded by the band's max and maxIncoming. */
  readonly attempts: Set<AttemptRecord<C>>
  /** The only index: running attempts by peer. */
  readonly running: Map<PeerId | undefined, AttemptRecord<C>>
}

export function partsOf<PeerMeta, C extends RunningConnection>(ports: StatePorts<PeerMeta>): Parts<PeerMeta, C> {
  const { config, clock, score } = ports
  const parts: Parts<PeerMeta, C> = {
    ...ports,
    changed: (urgency) => {
      parts.save(urgency)
      parts.shown()
    },
    points: new PointTable({ size: config.maxKnownPoints }),
    peers: new PeerTable({ size: config.maxKnownPeers, score }),
    bans: new Bans(() => clock.date()),
    attempts: new Set(),
    running: new Map()
  }
  return parts
}

/** Nobody is to blame for them. */
export function cancelAttempts<C extends RunningConnection>(
  attempts: Iterable<AttemptRecord<C>>,
  concerns: (attempt: Attempt) => boolean,
  detail: string
): void {
  for (const attempt of [...attempts]) if (concerns(attempt)) attempt.cancel({ kind: 'cancelled', detail })
}
