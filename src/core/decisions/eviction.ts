/** Which running connections to give up when there are too many. Pure; called by `plan.ts` and `admission.ts`. */
import type { PoolView } from '../tables/pool-view.ts'
import { groupOf, groupOfHost, isPublic, kindOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { ConnectionBand, PeerKind } from '../values/bounds.ts'
import { isSpare, surplusByKind } from './kinds.ts'

/** One place in ten is for connections of our own choosing: a crowd that comes in cannot be all that we see. */
const ownChoiceShare = 10

/** Incoming connections of strangers stop here; what is left is for our own dials and for trusted peers. */
export function maxIncomingConnections({ max }: ConnectionBand): number {
  return max - Math.floor(max / ownChoiceShare)
}

/** The longest quarter is spared while others are left: what has lasted tends to last, and cannot be forged in an hour. */
const sparedShare = 4

/**
 * Up to `count` connections, the first to go first. Never trusted ones. One goes from an address group that has most of them,
 * and there the one with the lowest score, of equals the youngest; so no flood from one place costs the others theirs.
 * Nor the last ones of a kind's minimum. They make room for `except`, who stays, or for a peer of the kind `arriving`.
 */
export function chooseToLeave(
  view: PoolView,
  count: number,
  { except, arriving }: { except?: RunningConnection; arriving?: PeerKind } = {}
): RunningConnection[] {
  const surplus = surplusByKind(view)
  const untrusted = [...view.connections()].filter((one) => one !== except && !view.access.isTrusted(one.peerId, one.point))
  const byAge = untrusted.toSorted((a, b) => a.startedAt - b.startedAt)
  const dialed = byAge.filter(({ direction }) => direction === 'outgoing').slice(0, Math.floor(view.band.max / ownChoiceShare))
  const spared = new Set([...byAge.slice(0, Math.floor(byAge.length / sparedShare)), ...dialed])
  const groups = new Map<string, RunningConnection[]>()
  for (const connection of untrusted) {
    if (spared.has(connection)) continue
    const key = groupOfConnection(connection)
    groups.set(key, [...(groups.get(key) ?? []), connection])
  }
  const scores = new Map(untrusted.map((one) => [one, view.peers.scoreOf(one.peerId)]))
  const byWorth = (a: RunningConnection, b: RunningConnection): number =>
    (scores.get(b) ?? 0) - (scores.get(a) ?? 0) || a.startedAt - b.startedAt
  // The next to go is the last of its group.
  for (const members of groups.values()) members.sort(byWorth)
  const worse = (a: RunningConnection[], b: RunningConnection[]): RunningConnection[] => {
    const [one, other] = [a.at(-1), b.at(-1)]
    return a.length > b.length || (a.length === b.length && one !== undefined && other !== undefined && byWorth(one, other) >= 0) ? a : b
  }
  const leaving: RunningConnection[] = []
  const mayGo = (one: RunningConnection): boolean => isSpare(one, surplus, arriving)
  while (leaving.length < count) {
    for (const [key, members] of groups) groups.set(key, members.filter(mayGo))
    const next =
      [...groups.values()].reduce(worse, [] as RunningConnection[]).pop() ??
      byAge.filter((one) => mayGo(one) && !leaving.includes(one)).pop()
    if (next === undefined) break
    surplus[kindOf(next.transport)]--
    leaving.push(next)
  }
  return leaving
}

/** Where no public address is seen (WebRTC, local networks, proxies) each is a group of its own: an id is all that is known of it. */
function groupOfConnection({ host, point, peerId }: RunningConnection): string {
  if (host !== undefined) return isPublic(host) ? groupOfHost(host) : peerId
  return point === undefined ? peerId : groupOf(point)
}
