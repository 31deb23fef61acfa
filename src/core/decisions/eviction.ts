/**
 * Which running connections to give up when there are too many, and which are kept for their kind. Pure; called by whatever admits, dials
 * or prunes. A page needs peers of both kinds, so no kind takes the last slots of the other. Where `minByKind` is null kinds do not matter:
 * then each has a surplus without end.
 */
import type { PoolView } from '../tables/pool-view.ts'
import { groupOf, groupOfHost, isPublic, kindOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'

/** One slot in ten is for connections of our own choosing: a crowd that comes in cannot be all that we see. */
export const ownChoiceShare = 10

/** How many connections more than its minimum each kind has; negative: so many are missing. */
export type Surplus = Record<PeerKind, number>

/** Incoming handshakes that passed our checks count. `without`: a connection that makes way. */
export function surplusByKind(view: PoolView, without?: RunningConnection): Surplus {
  const { config, band } = view
  if (config.minByKind === null) return { server: Number.POSITIVE_INFINITY, page: Number.POSITIVE_INFINITY }
  const servers = Math.min(config.minByKind.server, band.expected)
  // Where they introduce each other half of the band are pages: once the servers have gone, only those do.
  const pages = Math.max(config.minByKind.page, config.introductions ? (band.expected + 1) >> 1 : 0)
  const surplus = { server: -servers, page: -Math.min(pages, band.expected - servers) }
  for (const one of view.connections()) if (one !== without) surplus[kindOf(one.transport)]++
  for (const { transport, direction, hasSlot } of view.attempts()) if (direction === 'incoming' && hasSlot) surplus[kindOf(transport)]++
  return surplus
}

/** May it go without its kind falling below the minimum? `arriving`: the kind of the peer that takes its slot. */
export function isSpare(connection: RunningConnection, surplus: Surplus, arriving?: PeerKind): boolean {
  const kind = kindOf(connection.transport)
  return surplus[kind] + (kind === arriving ? 1 : 0) > 0
}

/** The longest quarter is spared while others are left: what has lasted tends to last, and cannot be forged in an hour. */
const sparedShare = 4

/** Peers that came in and are held for their use, in a small band. */
const minHeld = 4

/**
 * Up to `count` connections, the first to go first. Never trusted ones, nor the last ones of a kind's minimum. Those that are spared go after
 * the others, and those that other protocols use go last. The next to go is one of the largest address group; there one that nothing
 * uses, with the lowest score, of equals the youngest; so no flood from one place costs the others theirs. They make room for
 * `except`, which stays, or for a peer of the kind `arriving`.
 */
export function chooseToPrune(
  view: PoolView,
  count: number,
  { except, arriving }: { except?: RunningConnection; arriving?: PeerKind } = {}
): RunningConnection[] {
  const surplus = surplusByKind(view)
  const left = ranked(view, except)
  const pruned: RunningConnection[] = []
  while (pruned.length < count) {
    const free = left.filter(({ connection }) => !pruned.includes(connection) && isSpare(connection, surplus, arriving))
    const sizeOf = tally(free, ({ share }) => share)
    const [next] = free.sort((a, b) => a.rank - b.rank || sizeOf(b.share) - sizeOf(a.share) || a.isUsed - b.isUsed || a.score - b.score)
    if (next === undefined) break
    surplus[kindOf(next.connection.transport)]--
    pruned.push(next.connection)
  }
  return pruned
}

/**
 * The youngest first. An unknown peer can bring about that another protocol uses its connection: it need only speak the protocol. So of the peers
 * that came in, one of each address group is held for its use, and in all a quarter of the band, or four of it while that is no more than half. Of
 * those that we dialed, that have lasted, or that the application keeps, each is. The lowest rank goes first; a share is of one rank and group.
 */
function ranked(view: PoolView, except: RunningConnection | undefined) {
  const { max } = view.band
  const untrusted = [...view.connections()].filter((one) => one !== except && !view.access.isTrusted(one.peerId, one.point))
  const maxHeld = Math.max(max / sparedShare, Math.min(minHeld, max / 2))
  const held = new Set<string>()
  let dialed = 0
  return untrusted
    .sort((a, b) => a.startedAt - b.startedAt)
    .map((connection, at) => {
      const group = groupOfConnection(connection)
      const isUsed = connection.use !== undefined
      const isOurs = connection.direction === 'outgoing'
      const isSpared = at < Math.floor(untrusted.length / sparedShare) || (isOurs && dialed++ < Math.floor(max / ownChoiceShare))
      const isSafe = isSpared || isOurs || connection.use === 'kept'
      const isHeld = isUsed && (isSafe || (held.size < maxHeld && !held.has(group)))
      if (isHeld && !isSafe) held.add(group)
      const rank = isHeld ? 2 : Number(isSpared)
      return { connection, isUsed: Number(isUsed), score: view.peers.scoreOf(connection.peerId), rank, share: `${rank} ${group}` }
    })
    .reverse()
}

/** Where no public address is seen (WebRTC, local networks, proxies) each is a group of its own: an id is all that is known of it. */
function groupOfConnection({ host, point, peerId }: RunningConnection): string {
  if (host !== undefined) return isPublic(host) ? groupOfHost(host) : peerId
  return point === undefined ? peerId : groupOf(point)
}

/** How many of them have a key. */
export function tally<T>(items: readonly T[], keyOf: (item: T) => string): (key: string) => number {
  const counts = new Map<string, number>()
  const countOf = (key: string): number => counts.get(key) ?? 0
  for (const item of items) counts.set(keyOf(item), countOf(keyOf(item)) + 1)
  return countOf
}
