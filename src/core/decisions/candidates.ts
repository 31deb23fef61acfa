/**
 * Which known points maintenance may dial now, and what keeps it from the others. Pure. `plan.ts` dials by it and `explain.ts`
 * explains by it: one judgement, so that what is said is what is done.
 */
import { noBackoff } from '../tables/attempt.ts'
import { type PointInfo, soughtAt } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { checkDial } from './admission.ts'

/** Why a known point is not dialed now. */
export type Obstacle =
  | { readonly kind: 'busy' } // connected, or a connection is being made
  | { readonly kind: 'not-dialable' } // by nothing that runs here
  | { readonly kind: 'reached'; readonly peerId: PeerId } // its peer is connected at another point
  | { readonly kind: 'refused'; readonly rejection: Rejection }
  | { readonly kind: 'backoff'; readonly until: number } // it failed or ended lately, or other points of its source or its relay did; monotonic

export interface CandidateOptions {
  /** Monotonic, ms. */
  readonly now: number
  /** What the network can dial, by its form. */
  readonly canDial: (point: Point) => boolean
}

export function obstacleOf(view: PoolView, info: PointInfo, { now, canDial }: CandidateOptions): Obstacle | undefined {
  const { point, claimedBy } = info
  const sought = soughtAt(info)
  if (info.state.kind !== 'disconnected') return { kind: 'busy' }
  if (!canDial(point)) return { kind: 'not-dialable' }
  const connected = view.connection(claimedBy) ?? view.connection(sought)
  if (connected !== undefined) return { kind: 'reached', peerId: connected.peerId }
  const rejection = checkDial(view, point, sought) ?? checkOwner(view, info)
  if (rejection !== undefined) return { kind: 'refused', rejection }
  const until = backoffUntil(view, info)
  return until >= now ? { kind: 'backoff', until } : undefined
}

/** The peer that answers at a point, as far as the operator or a proof says: a claim counts from the claimant's own host only. */
export function ownerOf({
  expectedPeerId,
  deniedPeerId,
  lastRejected,
  lastEstablished,
  claimedBy,
  isClaimProven
}: PointInfo): PeerId | undefined {
  const met = (lastRejected?.at ?? 0) > (lastEstablished?.at ?? 0) ? lastRejected : lastEstablished
  return expectedPeerId ?? deniedPeerId ?? met?.peerId ?? (isClaimProven ? claimedBy : undefined)
}

/** The peer that answers there is kept out: a dial would end in a refusal. A user's `connect` may find another peer. */
function checkOwner(view: PoolView, info: PointInfo): Rejection | undefined {
  const owner = ownerOf(info)
  if (info.trusted || owner === undefined || view.access.peerBlock(owner) === undefined) return undefined
  return { kind: 'peer-banned', peerId: owner }
}

/** Points over a silent relay wait so much longer than the relay: a dial of its own shows first whether it is back, ms. No dial takes as long. */
const headStartMs = 20_000

/**
 * When maintenance may dial it, monotonic. What a peer asked for or did holds at all its addresses. A dial is urgent to a trusted
 * point, and below the minimum to one where a connection has lasted: then the wait is a minute at most. Without haste it grows fast: after
 * eight failures it is 512 s more. What has vanished need not be sought every few seconds.
 *
 * All points over a relay lead to one address first. While that is silent they wait for one dial to it, and are free as soon as that succeeds. Dialed
 * each for itself, hundreds of them would hold all places for dials.
 */
export function backoffUntil(view: PoolView, info: PointInfo): number {
  const relay = info.isRelayed && view.connection(info.relay) === undefined ? view.points.get(info.hop.point) : undefined
  const ofRelay = relay?.isSilent ? backoffUntil(view, relay) + headStartMs : Number.NEGATIVE_INFINITY
  const owner = ownerOf(info)
  const ofPeer = view.peers.get(owner)?.backoff ?? noBackoff
  if (info.trusted || (isProven(info) && view.active < view.band.min)) return Math.max(info.urgentUntil, ofPeer.urgentUntil, ofRelay)
  const restMs = view.active < view.bounds.minTarget ? 0 : Math.min(info.failures ** 3 * 1_000, view.config.reconnection.maxDelayMs)
  return Math.max(info.backoffUntil + restMs, info.heldUntil, ofPeer.until, ofRelay, view.points.hostFreeAt(info.point))
}

/** Was a connection there worth having? Not where the last ones ended within seconds. */
function isProven({ lastEstablished, shortConnections }: PointInfo): boolean {
  return lastEstablished !== undefined && shortConnections === 0
}

export interface Candidates {
  readonly candidates: PointInfo[]
  /** The first instant at which one that must wait need not; infinite: there is none. */
  readonly freeAt: number
  /** The same of those where a peer was connected and no dial has failed since. */
  readonly reunionAt: number
}

/** `accepts`: which points count at all. `among`: those that are looked at. */
export function findCandidates(
  view: PoolView,
  options: CandidateOptions & { readonly among?: Iterable<PointInfo> },
  accepts: (info: PointInfo) => boolean = () => true
): Candidates {
  const never = Number.POSITIVE_INFINITY
  const found = { candidates: [] as PointInfo[], freeAt: never, reunionAt: never }
  for (const info of options.among ?? view.points) {
    if (!accepts(info)) continue
    // A longer wait than the shortest decides nothing, so all else about that point need not be asked; a hungry pool has many such.
    const isFriend = isMet(info) && info.failures === 0
    const until = backoffUntil(view, info)
    if (until >= options.now && until >= (isFriend ? found.reunionAt : found.freeAt)) continue
    const obstacle = obstacleOf(view, info, options)
    if (obstacle === undefined) found.candidates.push(info)
    if (obstacle?.kind !== 'backoff') continue
    found.freeAt = Math.min(found.freeAt, obstacle.until)
    if (isFriend) found.reunionAt = obstacle.until
  }
  return found
}

/** Without haste, untried points wait while one that was connected before may be dialed again within so long, ms. */
const reunionWaitMs = 120_000

/**
 * Near the target a free slot is first offered to peers that were connected before; advertised but untried points wait. Otherwise
 * unknown peers that make our peers disconnect (a swap does) would take their slots while these may not be dialed.
 */
export function untriedWait({ active, bounds }: PoolView, { reunionAt }: Candidates, now: number): boolean {
  return active >= bounds.minTarget && reunionAt - now <= reunionWaitMs
}

/** Was a peer ever connected there, or does the operator trust it? */
export function isMet({ trusted, lastEstablished }: PointInfo): boolean {
  return trusted || lastEstablished !== undefined
}
