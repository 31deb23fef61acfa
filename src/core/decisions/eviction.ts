/**
 * Which running connections to give up when there are too many, and which are kept for their kind. Pure; called by whatever admits, dials
 * or prunes. A page needs peers of both kinds, so no kind takes the last slots of the other. Where `minByKind` is null kinds do not matter:
 * then each has a surplus without end.
 */
import type { PoolView } from '../tables/pool-view.ts'
import { groupOf, groupOfHost, isPublic, kindOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { ConnectionBand, PeerKind } from '../values/bounds.ts'

/** One slot in ten is for connections of our own choosing: a crowd that comes in cannot be all that we see. */
const ownChoiceShare = 10

/** Incoming connections of untrusted peers stop here; what is left is for our own dials and for trusted peers. */
export function maxIncomingConnections({ max }: ConnectionBand): number {
  return max - Math.floor(max / ownChoiceShare)
}

/** How many connections more than its minimum each kind has; negative: so many are missing. */
export type Surplus = Record<PeerKind, number>

/** Incoming handshakes that passed our checks count. `without`: a connection that makes way. */
export function surplusByKind(view: PoolView, without?: RunningConnection): Surplus {
  const { config, band } = view
  if (config.minByKind === null) return { server: Number.POSITIVE_INFINITY, page: Number.POSITIVE_INFINITY }
  const servers = Math.min(config.minByKind.server, band.expected)
  const surplus = { server: -servers, page: -Math.min(config.minByKind.page, band.expected - servers) }
  for (const one of view.connections()) if (one !== without) surplus[kindOf(one.transport)]++
  for (const { transport, direction, hasSlot } of view.attempts()) if (direction === 'incoming' && hasSlot) surplus[kindOf(transport)]++
  return surplus
}

/** Slots that are kept for kinds below their minimum. */
export function keptSlots({ server, page }: Surplus): number {
  return Math.max(0, -server) + Math.max(0, -page)
}

/** May it go without its kind falling below the minimum? `arriving`: the kind of the peer that takes its slot. */
export function isSpare(connection: RunningConnection, surplus: Surplus, arriving?: PeerKind): boolean {
  const kind = kindOf(connection.transport)
  return surplus[kind] + (kind === arriving ? 1 : 0) > 0
}

/** The longest quarter is spared while others are left: what has lasted tends to last, and cannot be forged in an hour. */
const sparedShare = 4

/**
 * Up to `count` connections, the first to go first. Never trusted ones, nor the last ones of a kind's minimum. The next to go is one of
 * the largest address group, there the one with the lowest score, of equals the youngest; so no flood from one place costs the others
 * theirs. They make room for `except`, which stays, or for a peer of the kind `arriving`.
 */
export function chooseToPrune(
  view: PoolView,
  count: number,
  { except, arriving }: { except?: RunningConnection; arriving?: PeerKind } = {}
): RunningConnection[] {
  const surplus = surplusByKind(view)
  const untrusted = [...view.connections()].filter((one) => one !== except && !view.access.isTrusted(one.peerId, one.point))
  const byAge = untrusted.toSorted((a, b) => a.startedAt - b.startedAt)
  const dialed = byAge.filter(({ direction }) => direction === 'outgoing').slice(0, Math.floor(view.band.max / ownChoiceShare))
  const spared = new Set([...byAge.slice(0, Math.floor(byAge.length / sparedShare)), ...dialed])
  const scores = new Map(untrusted.map((one) => [one, view.peers.scoreOf(one.peerId)]))
  const byWorth = (a: RunningConnection, b: RunningConnection): number =>
    (scores.get(b) ?? 0) - (scores.get(a) ?? 0) || a.startedAt - b.startedAt
  // The next to go is the last of its group.
  const groups = new Map<string, RunningConnection[]>()
  for (const one of untrusted) {
    if (spared.has(one)) continue
    const key = groupOfConnection(one)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  for (const members of groups.values()) members.sort(byWorth)
  const worse = (a: RunningConnection[], b: RunningConnection[]): RunningConnection[] => {
    const [one, other] = [a.at(-1), b.at(-1)]
    return a.length > b.length || (a.length === b.length && one !== undefined && other !== undefined && byWorth(one, other) >= 0) ? a : b
  }
  const pruned: RunningConnection[] = []
  const mayGo = (one: RunningConnection): boolean => isSpare(one, surplus, arriving)
  while (pruned.length < count) {
    for (const [key, members] of groups) groups.set(key, members.filter(mayGo))
    const next =
      [...groups.values()].reduce(worse, [] as RunningConnection[]).pop() ??
      byAge.filter((one) => mayGo(one) && !pruned.includes(one)).pop()
    if (next === undefined) break
    surplus[kindOf(next.transport)]--
    pruned.push(next)
  }
  return pruned
}

/** Where no public address is seen (WebRTC, local networks, proxies) each is a group of its own: an id is all that is known of it. */
function groupOfConnection({ host, point, peerId }: RunningConnection): string {
  if (host !== undefined) return isPublic(host) ? groupOfHost(host) : peerId
  return point === undefined ? peerId : groupOf(point)
}
