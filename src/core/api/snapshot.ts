/**
 * The state of a pool as one plain, immutable value for pages and people, made by `pool.snapshot()` at most once per change; and single points and
 * peers with their history, made by `describe`.
 */
import { penaltyOf, type ScorePart, scoreParts } from '../decisions/score.ts'
import type { FlowConnection, FlowContext } from '../flows/context.ts'
import type { Access } from '../tables/access.ts'
import { greylistingMs } from '../tables/greylist.ts'
import { lastFailure, lastMeeting, type PeerInfo } from '../tables/peer.ts'
import { lastFailureAt, lastSeenAt, type PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type {
  BlockSnapshot,
  ConnectionInfo,
  ConnectionSnapshot,
  PeerSnapshot,
  PointSnapshot,
  PoolSnapshot,
  PoolStatus,
  StorageSnapshot
} from '../values/snapshot.ts'

export interface SnapshotFrame {
  readonly version: number
  readonly status: PoolStatus
  readonly storage: StorageSnapshot
}

/** Costs time in proportion to the known points and peers. */
export function takeSnapshot(context: FlowContext, frame: SnapshotFrame): PoolSnapshot {
  const { state, config, clock } = context
  const { access } = state
  const now = clock.now()
  const blocks = describeBlocks(access, config.ipGreylistCleanupDelayMs)
  const banned = blocks.filter(({ kind }) => kind === 'banned')
  return {
    version: frame.version,
    takenAt: clock.date(),
    status: frame.status,
    peerId: state.peerId,
    network: config.network,
    privateMode: config.privateMode,
    ownPoints: [...state.points.own],
    band: state.band,
    bounds: state.bounds,
    linkBudget: context.network.budget ?? null,
    active: state.active,
    outgoingAttempts: state.outgoingInProgress,
    incomingHandshakes: state.incomingInProgress,
    connections: Array.from(state.connections(), (connection) => describeConnection(state, connection)),
    points: Array.from(state.points, (info) => describePoint(state, info, now)),
    peers: Array.from(state.peers, (info) => describePeer(state, info)),
    bannedPeers: banned.flatMap(({ peerId }) => peerId ?? []),
    bannedHosts: access.bans().hosts.map(({ host }) => host),
    greylistedPeers: access.greylistedPeers().map((listed) => listed.peerId),
    greylistedHosts: access.greylistedHosts().map((listed) => listed.host),
    blocks,
    storage: frame.storage
  }
}

const counters = ['bytesReceived', 'bytesSent', 'rttMs'] as const

/** The same with the counters of now, for a snapshot in which nothing else changed; the very same object if they did not move. */
export function withCounters(context: FlowContext, snapshot: PoolSnapshot): PoolSnapshot {
  const connections = Array.from(context.state.connections(), (connection) => describeConnection(context.state, connection))
  const haveMoved = connections.some((connection, i) => counters.some((name) => snapshot.connections[i]?.[name] !== connection[name]))
  return haveMoved ? { ...snapshot, connections } : snapshot
}

/** A peer that was banned along with its address is kept out as long as that. */
export function describeBlocks(
  access: Pick<Access<never, never>, 'bans' | 'greylistedPeers' | 'greylistedHosts'>,
  cleanupDelayMs: number
): BlockSnapshot[] {
  const { peers, hosts, ranges } = access.bans()
  const addresses = [...hosts, ...ranges.map(({ range, ...ban }) => ({ ...ban, host: range }))]
  const own = new Set(peers.map(({ peerId }) => peerId))
  const along = addresses.flatMap((ban) => ban.peers.filter((peerId) => !own.has(peerId)).map((peerId) => ({ ...ban, host: null, peerId })))
  const bans = [...peers, ...new Map(along.map((ban) => [ban.peerId, ban])).values(), ...addresses]
  const greylisted = [...access.greylistedPeers(), ...access.greylistedHosts()]
  return [
    ...bans.map((ban) => block('banned', ban, ban.endsAt ?? null)),
    ...greylisted.map((listed) => block('greylisted', listed, listed.since + greylistingMs(cleanupDelayMs)))
  ]
}

function block(
  kind: BlockSnapshot['kind'],
  { peerId, host, since }: { readonly peerId?: PeerId; readonly host?: string | null; readonly since: number },
  endsAt: number | null
): BlockSnapshot {
  return { kind, peerId: peerId ?? null, host: host ?? null, since, endsAt }
}

function describeConnection(view: PoolView, connection: FlowConnection): ConnectionSnapshot {
  const { peerId, point, bytesReceived, bytesSent } = connection
  return { ...connection.info, trusted: view.access.isTrusted(peerId, point), bytesReceived, bytesSent }
}

export function describePoint(view: PoolView, info: PointInfo, now: number): PointSnapshot {
  const block = view.access.hostBlock(info.host, info.trusted)
  return {
    point: info.point,
    state: info.state.kind,
    peerId: peerAt(info) ?? null,
    trusted: info.trusted,
    isPublic: info.isPublic,
    isSigned: info.isSigned,
    banned: block === 'banned',
    greylisted: block === 'greylisted',
    expectedPeerId: info.expectedPeerId ?? null,
    source: info.source ?? null,
    discoverySource: info.discoverySource,
    discoveredAt: info.discoveredAt,
    lastSeenAt: lastSeenAt(info) ?? null,
    lastFailureAt: lastFailureAt(info) ?? null,
    failures: info.failures,
    backoffForMs: Math.max(0, Math.ceil(info.backoffUntil - now))
  }
}

function peerAt({ state, lastEstablished, claimedBy, discoveredPeerId }: PointInfo): PeerId | undefined {
  if (state.kind === 'running') return state.connection.peerId
  if (state.kind === 'accepted') return state.peerId
  return lastEstablished?.peerId ?? claimedBy ?? discoveredPeerId
}

export function describePeer(view: PoolView, info: PeerInfo): PeerSnapshot {
  const block = view.access.peerBlock(info.peerId)
  const seen = lastMeeting(info)
  return {
    peerId: info.peerId,
    state: info.state.kind,
    trusted: info.trusted,
    banned: block === 'banned',
    greylisted: block === 'greylisted',
    score: view.peers.scoreOf(info.peerId),
    lastReport: info.lastReport ?? null,
    createdAt: info.createdAt,
    lastSeenAt: seen?.at ?? null,
    lastSeenPoint: seen?.point ?? null
  }
}

/** A point as plain JSON, with its history. Instants are ms since 1970. */
export interface PointDescription extends PointSnapshot {
  /** Its history, the oldest line first. */
  readonly events: readonly { readonly kind: string; readonly at: number; readonly peerId: PeerId | null }[]
}

/** A peer as plain JSON, with its history. Instants are ms since 1970. */
export interface PeerDescription extends PeerSnapshot {
  /** What the score is made of. */
  readonly scoreReasons: readonly ScorePart[]
  /** What the application keeps of it, as `toJson` makes it. */
  readonly metadata: unknown
  /** Where and when an attempt failed last; `null`: never. */
  readonly lastFailure: { readonly point: Point | null; readonly at: number } | null
  /** The running connection; `null`: none. */
  readonly connection: ConnectionInfo | null
  /** Weights of reports, as of now. */
  readonly penalty: number
  /** Its history, the oldest line first. */
  readonly events: readonly { readonly kind: string; readonly at: number; readonly point: Point | null }[]
}

/** Makes descriptions; a pool has one from its first start on. */
export class Descriptions {
  readonly #context: FlowContext

  constructor(context: FlowContext) {
    this.#context = context
  }

  point(info: PointInfo): PointDescription {
    const { state, clock } = this.#context
    return {
      ...describePoint(state, info, clock.now()),
      events: info.events.map(({ kind, at, other }) => ({ kind, at, peerId: other ?? null }))
    }
  }

  peer(info: PeerInfo): PeerDescription {
    const { state, config, clock } = this.#context
    const failed = lastFailure(info)
    return {
      ...describePeer(state, info),
      scoreReasons: this.scoreReasons(info),
      metadata: config.peerMetadata.toJson(info.metadata),
      lastFailure: failed === undefined ? null : { point: failed.point ?? null, at: failed.at },
      connection: state.connection(info.peerId)?.info ?? null,
      penalty: penaltyOf(info, clock.now()),
      events: info.events.map(({ kind, at, other }) => ({ kind, at, point: other ?? null }))
    }
  }

  scoreReasons(info: PeerInfo): readonly ScorePart[] {
    const { state, config, clock } = this.#context
    if (config.peerMetadata.score === undefined) return scoreParts(info, { now: clock.now(), date: clock.date() })
    const score = state.peers.scoreOf(info.peerId)
    return [{ of: 'application', amount: score, score }]
  }
}
