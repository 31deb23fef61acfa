/**
 * What the pool's state is made of, and its read-only face: what decisions are made from, and what nobody can change through it. The
 * state itself is `pool-state.ts`.
 */
import type { PointAddress } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { ConnectionBand, MaintenanceBounds } from '../values/bounds.ts'
import type { PeerMetadata, PoolSettings } from '../values/config.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Clock, Random } from '../values/ports.ts'
import type { AccessList, Bar, Change } from './access.ts'
import type { DialFigures } from './attempt.ts'
import type { Band } from './band.ts'
import type { PeerInfo, PeerRecord } from './peer.ts'
import type { PeerTable } from './peer-table.ts'
import type { DiscoverySource, PointInfo } from './point.ts'
import type { PointTable } from './point-table.ts'

export interface PoolView {
  readonly config: PoolSettings
  readonly peerId: PeerId
  /** The band that is kept now: `setBand` and `suspend` change it. */
  readonly band: ConnectionBand
  /** The same in thirds. */
  readonly bounds: MaintenanceBounds
  readonly active: number
  /** Running connections and reservations: what `band.max` bounds. */
  readonly slotsTaken: number
  /** Incoming ones among them. */
  readonly incomingSlots: number
  /** Attempts that are not running yet. */
  attempts(): Iterable<Attempt>
  readonly incomingInProgress: number
  readonly outgoingInProgress: number
  /** Points of the best connections of last time, to be dialed first. */
  readonly anchors: readonly Point[]
  isOwnPoint(point: Point): boolean
  point(point: Point): PointInfo | undefined
  peer(peerId: PeerId): PeerInfo<unknown> | undefined
  points(): Iterable<PointInfo>
  peers(): Iterable<PeerInfo<unknown>>
  connections(): Iterable<RunningConnection>
  connection(peerId: PeerId): RunningConnection | undefined
  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean
  /** The application's score of a peer, or the default one; 0 for an unknown peer. */
  scoreOf(peerId: PeerId): number
  /** How our dials went of late. */
  readonly dials: DialFigures
  /** Monotonic instant from which on maintenance may dial the point, by the limit of dials to untried points of one host; −∞: now. */
  hostFreeAt(point: Point): number
  /** How many incoming handshakes of an address group failed within the last minute. */
  silencesOf(group: string): number
  /** Is a trusted point on that host? */
  hasTrustedHost(host: Host): boolean
  /** Is this the peer of a trusted point on the host, or may it be, since nobody was met there yet? */
  isTrustedAt(host: Host, peerId: PeerId | undefined): boolean
  /**
   * Trusted by id, or connected for some seconds before: such a peer is let in from a greylisted host, which it may share with
   * whoever gave cause. Ask it about an id that is proved, or expected.
   */
  passesGreylist(peerId: PeerId): boolean
  /** `spared`: only a ban by the operator counts. */
  hostBar(host: Host | undefined, spared: boolean): Bar | undefined
  peerBar(peerId: PeerId): Bar | undefined
}

/** What the state is made of and works with. */
export interface PoolStateParts<PeerMeta> {
  readonly config: PoolSettings & { readonly peerMetadata: PeerMetadata<PeerMeta> }
  readonly peerId: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly score: (peer: PeerRecord<PeerMeta>) => number
  readonly access: AccessList
  readonly band: Band
  readonly emit: <Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]) => void
  /** Called after every change, for `snapshot` and the debounced save. */
  readonly changed: (what?: Change) => void
}

/** How a point came, if not by the operator. */
export interface Origin {
  readonly discoverySource?: DiscoverySource
  readonly source?: PeerId
  readonly sourceGroup?: string | undefined
  /** The peer that names the point is seen at its very host. */
  readonly isOwn?: boolean
  /** The point's text as it was read already. */
  readonly address?: PointAddress | undefined
}
