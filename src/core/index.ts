/**
 * The public names of the core, which runs without libp2p.
 *
 * @module p2p-pool
 */

export type { Connections } from './api/connections.ts'
export type { Peers } from './api/peers.ts'
export type { BanOfHost, Points } from './api/points.ts'
export type { PeerDescription, PointDescription } from './api/snapshot.ts'
export type { Explanation } from './decisions/explain.ts'
export type { BandExplanation } from './decisions/explain-band.ts'
export type { ScorePart } from './decisions/score.ts'
export type { ConnectOptions } from './flows/connect.ts'
export type { Connection, ConnectionStat } from './flows/connection.ts'
export { memoryStorage } from './memory-storage.ts'
export { PeerPool } from './peer-pool.ts'
export type { PoolComponents } from './peer-pool-components.ts'
export type { Backoff } from './tables/attempt.ts'
export type { GreylistedHost, GreylistedPeer } from './tables/greylist.ts'
export type { Encounter, PeerInfo, PeerReport, PeerState, Penalty } from './tables/peer.ts'
export type { DiscoverySource, Meeting, PointInfo, PointState } from './tables/point.ts'
export { groupOf, type Hop, hostOf, type PointAddress, readPoint, transportOf } from './values/address.ts'
export { parseHost, parseRange } from './values/arguments.ts'
export type { Attempt, ConnectionKind, Direction, OtherUse, RoundTrips, RunningConnection } from './values/attempt.ts'
export {
  type ConnectionBand,
  type KindCounts,
  type MaintenanceBounds,
  maintenanceBounds,
  type PeerKind,
  type SuspendedKeep
} from './values/bounds.ts'
export { nodePreset, pagePreset, resolveConfig } from './values/config.ts'
export type { EventOf, ListenerOf, PoolEvent, PoolEventName, PoolEvents, PoolListener } from './values/events.ts'
export type { HistoryEvent, HistoryKind } from './values/history.ts'
export type { Host, ParsedPoint, PeerId, Point } from './values/ids.ts'
export type * from './values/invitation.ts'
export {
  type Clock,
  type CopiedSignalling,
  DialError,
  type DialOptions,
  type Gate,
  type IntroductionHandlers,
  type Introductions,
  type Link,
  type LinkBudget,
  type Log,
  type Network,
  type NetworkHandlers,
  type PeerStorage,
  type PlainPeer,
  type Random,
  type SignallingAnswer,
  type SignallingOffer,
  type SignedRecords,
  StorageError,
  type StorageFailure,
  type Transport
} from './values/ports.ts'
export {
  type AttemptStep,
  type DialFailure,
  type DisconnectReason,
  describeMotive,
  describeRejection,
  type Ending,
  nackMotive,
  PoolError,
  type PoolErrorCode,
  type Rejection,
  type ReportKind
} from './values/reason.ts'
export type * from './values/settings.ts'
export type * from './values/snapshot.ts'
export { describeReason } from './wire/disconnect.ts'
