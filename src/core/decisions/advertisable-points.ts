/**
 * Which of our points may be advertised to a peer: public, alive, not banned, not its own, and of use to it; and no more than a part of the
 * table to one address group, however often it asks and under however many ids. Pure.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { isLocal, widerGroupOf } from '../values/address.ts'
import { defaultListing } from '../values/bounds.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Network, Random, Transport } from '../values/ports.ts'
import { shuffled } from '../values/random-order.ts'

/** One answer holds no more of the table than this (Bitcoin Core's figure). */
const maxSharedShare = 0.23
/** The best points of an answer are drawn from so many times as many: else all of a young network dial the same few. */
const spread = 4
/** A small table has nothing to hide, and a small network must find itself. Holds for each transport, too. */
export const minShared = 10

/**
 * An address group gets this part of the points of each transport at one time. Which part changes slowly, a little all the time: all
 * points have had their turn once in `rotationMs`. So an hour of questions brings a group a fifth and a forty-eighth of the table.
 */
const groupShare = 0.2
const rotationMs = 48 * 3_600_000
/** Points that are looked at for an answer. In a larger table a sample stands for all. */
const maxExamined = 1_024

/** A point where no peer was connected for longer is not advertised, ms. */
export const aliveForMs = 30 * 60_000

export interface Asker {
  readonly peerId: PeerId
  readonly host: Host | undefined
}

export interface SharingOptions {
  readonly asker: Asker
  /** Knows who is a guest of our own relay. */
  readonly network: Pick<Network, 'holdsReservation'>
  readonly random: Random
  /** Which points are in the part of which group: of this pool alone, and not known to others. A whole number. */
  readonly seed: number
  /** Of the clock that never jumps, ms. */
  readonly now: number
}

/**
 * Texts of points for one answer or Nack, the best first. `transports`: what the asker can dial; none: it did not say.
 * Points on private networks are advertised only to a peer on such a network.
 */
export function shareablePoints(state: PoolView, { transports, ...options }: SharingOptions & { transports: readonly string[] }): string[] {
  const { peerId } = options.asker
  const useful = pointsFor(state, options).filter((point) => {
    const record = state.points.get(point)
    if (record?.claimedBy === peerId || record?.expectedPeerId === peerId) return false
    return transports.length === 0 || transports.includes(transportIn(state, point))
  })
  const size = Math.min(defaultListing, Math.max(minShared, Math.floor(state.points.size * maxSharedShare)))
  return draw(useful, size, options.random)
}

/**
 * The points that the asker's address group may get now, the best first. Peers whose host is not seen (WebRTC, relays) are one group: ids
 * cost nothing. What the asker says of itself changes nothing here, or it could ask for the table part by part.
 */
export function pointsFor(state: PoolView, { asker: { host }, network, seed, now }: SharingOptions): Point[] {
  const askerIsLocal = state.config.allowPrivatePoints || (host !== undefined && isLocal(host))
  const open = state.points.list({
    ignorePrivate: true,
    size: maxExamined,
    accept: (info) => {
      const { host: hop } = info.hop
      return isAlive(state, info, { network, now }) && (askerIsLocal || hop === undefined || !isLocal(hop))
    }
  })
  const groupSeed = hashOf(host === undefined ? '' : widerGroupOf(host), seed)
  const entries = open.map((point) => ({
    point,
    transport: transportIn(state, point),
    /** From 0 to 1: those with the smallest are in the part of now. */
    turn: (hashOf(point, groupSeed) / 2 ** 32 + now / rotationMs) % 1
  }))
  const turns = new Map<Transport, number[]>()
  for (const { transport, turn } of entries) {
    const all = turns.get(transport)
    if (all === undefined) turns.set(transport, [turn])
    else all.push(turn)
  }
  const isWhole = open.length < maxExamined
  const last = new Map(Array.from(turns, ([transport, all]) => [transport, lastTurn(all, isWhole)]))
  return entries.flatMap(({ point, transport, turn }) => (turn <= (last.get(transport) ?? 0) ? [point] : []))
}

/** Of the points of a transport those are advertised whose turn is no later than this. Of a sample it cannot be counted how many that are. */
function lastTurn(turns: readonly number[], isWhole: boolean): number {
  const count = Math.max(minShared, Math.floor(turns.length * groupShare))
  if (count >= turns.length) return 1
  return isWhole ? (turns.toSorted((a, b) => a - b)[count - 1] ?? 0) : groupShare
}

/** Three fifths among the best, the others at random; all if they are no more than `size`. */
function draw(points: readonly Point[], size: number, random: Random): Point[] {
  if (points.length <= size) return [...points]
  const good = Math.floor((size * 3) / 5)
  const chosen: Point[] = []
  const others: Point[] = []
  for (const point of points) {
    if (chosen.length < good && random.next() * spread < 1) chosen.push(point)
    else others.push(point)
  }
  return [...chosen, ...shuffled(others, random).slice(0, size - chosen.length)]
}

function transportIn(state: Pick<PoolView, 'points'>, point: Point): Transport {
  return state.points.get(point)?.transport ?? 'other'
}

/** 32 bits that look random (FNV-1a with the finish of MurmurHash3). Enough where the asker sees only which points it gets. */
function hashOf(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Was anybody there lately? Where its peer is connected, and has proved that the point is its own, it is alive. A way over a relay ends with
 * its reservation: our own relay knows of that, and of others' relays only the guest itself.
 */
function isAlive(
  state: PoolView,
  { point, relay, target, isRelayed, claimedBy, isClaimProven, state: { kind }, aliveAt }: PointInfo,
  { network, now }: Pick<SharingOptions, 'network' | 'now'>
): boolean {
  // Its introducer says it to its own peers.
  if (point.startsWith('/p2p/')) return false
  const held = target !== undefined && relay === state.peerId ? network.holdsReservation?.(target) : undefined
  if (held !== undefined) return held
  // One whose handshake is nearly done counts: when many come at once, there is nothing else to advertise to those that find no slot.
  const owner = isClaimProven && claimedBy !== undefined ? state.peers.get(claimedBy)?.state.kind : undefined
  if (kind === 'running' || owner === 'running' || owner === 'accepted') return true
  return !isRelayed && now - aliveAt <= aliveForMs
}
