/**
 * In which order points are dialed. Pure; called by `plan.ts`, which says how many; `candidates.ts` says which.
 *
 * Tried points take turns with untried ones: a peer that floods the table with points gets half of the dials at most, while there are
 * others. Where there is a choice, no two dials go to one address group.
 */
import { lastFailureAt, type PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { shuffled } from '../values/random-order.ts'

interface Choice {
  readonly now: number
  readonly random: Random
}

/**
 * Up to `count` of them, the first to be dialed first: trusted ones, then the best of last time that have not failed since, then in turn
 * a tried and an untried one. Equals come in another order in each pool, or all of a network would dial the same few.
 */
export function chooseToDial(view: PoolView, ready: readonly PointInfo[], { count, ...choice }: Choice & { count: number }): Point[] {
  if (count <= 0) return []
  const anchors = new Set(view.anchors)
  const first: PointInfo[] = []
  const tried: PointInfo[] = []
  const untried: PointInfo[] = []
  for (const info of shuffled(ready, choice.random)) {
    const isAnchor = info.failures === 0 && anchors.has(info.point)
    if (info.trusted || isAnchor) first.push(info)
    else if (info.lastEstablished === undefined) untried.push(info)
    else tried.push(info)
  }
  const scores = new Map(tried.map((info) => [info, scoreAt(view, info, choice.now)]))
  const score = (info: PointInfo): number => scores.get(info) ?? 0
  first.sort((a, b) => Number(b.trusted) - Number(a.trusted) || byFailure(a, b))
  tried.sort((a, b) => score(b) - score(a) || byFailure(a, b))
  untried.sort(byFailure)
  return spread([...first, ...inTurn(tried, untried)], busyGroups(view), count).map((info) => info.point)
}

/** Address groups that we are connected to, or dialing, by our own choice. */
export function busyGroups(view: PoolView): Set<string | undefined> {
  const all = [...view.connections(), ...view.attempts()]
  return new Set(all.map(({ direction, point }) => (direction === 'outgoing' && point ? view.points.get(point)?.group : undefined)))
}

/** Those of other address groups than the busy ones and than each other first; in order otherwise. */
function spread(ordered: readonly PointInfo[], groups: Set<string | undefined>, count: number): PointInfo[] {
  const chosen: PointInfo[] = []
  const passedOver: PointInfo[] = []
  for (const info of ordered) {
    if (chosen.length === count) break
    if (!info.trusted && groups.has(info.group)) {
      passedOver.push(info)
      continue
    }
    groups.add(info.group)
    chosen.push(info)
  }
  return [...chosen, ...passedOver.slice(0, count - chosen.length)]
}

function inTurn<T>(a: readonly T[], b: readonly T[]): T[] {
  const both: T[] = []
  for (let i = 0; i < Math.max(a.length, b.length); i++) both.push(...a.slice(i, i + 1), ...b.slice(i, i + 1))
  return both
}

/** Those that never failed first, then the ones that failed the longest ago. */
export function byFailure(a: PointInfo, b: PointInfo): number {
  return (lastFailureAt(a) ?? 0) - (lastFailureAt(b) ?? 0)
}

/** A good peer whose connection has just ended is not dialed before others, or the same few would come and go for ever; ms after its back-off. */
const reunionMs = 600_000

/** The score of the peer that was connected at a point. */
function scoreAt(view: PoolView, { lastEstablished, failures, backoffUntil }: PointInfo, now: number): number {
  const score = lastEstablished === undefined ? 0 : view.peers.scoreOf(lastEstablished.peerId)
  return failures === 0 && now - backoffUntil > reunionMs ? score : Math.min(0, score)
}
