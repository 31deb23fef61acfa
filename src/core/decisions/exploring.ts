/**
 * Exploring: which stranger a content pool meets, so that the network mixes, and who makes room for it. Pure; carried out by
 * `flows/mixing.ts`. A page loads it beside its start.
 */
import { lastFailureAt, type PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { type CandidateOptions, isOurChoice, obstacleOf } from './candidates.ts'
import { byMiss, inAnyOrder } from './dial-order.ts'
import { chooseToLeave } from './eviction.ts'
import { isSpare, keptPlaces, surplusByKind } from './kinds.ts'

export interface ExploringOptions extends CandidateOptions {
  readonly random: Random
}

/**
 * In the band, and nothing else to do: a point where we have not been for long or never, to be met beside the others. Two halves
 * of a network that were apart find each other again by this alone, since each of them is content; and whoever finds all houses
 * full is let in by those who come to meet it.
 */
export function planExploring(view: PoolView, options: ExploringOptions): Point | undefined {
  const { active, bounds, band, outgoingInProgress } = view
  const hasRoom = view.slotsTaken < band.max - keptPlaces(surplusByKind(view))
  const isContent = active >= bounds.minTarget && active <= bounds.maxTarget && hasRoom && band.expected > 0
  if (!isContent || outgoingInProgress > 0) return undefined
  return chooseStranger(view, options)
}

/** Connections that came by a swap or by exploring: at most one in so many, or strangers could mix themselves in until we hold nobody else. */
export const mixedShare = 20

/**
 * Whom the newly met one takes the place of: the last of `mixed`, who came as it did, once these are too many; else
 * anybody, once there are more than expected.
 */
export function planAfterExploring(view: PoolView, met: RunningConnection, mixed: readonly RunningConnection[]): RunningConnection[] {
  const surplus = surplusByKind(view)
  const others = mixed.filter((one) => one !== met && !view.access.isTrusted(one.peerId, one.point) && isSpare(one, surplus))
  if (others.length >= Math.max(1, Math.floor(view.active / mixedShare))) return others.slice(-1)
  return view.active > view.band.expected ? chooseToLeave(view, 1, { except: met }) : []
}

/**
 * The one where we have not been for longest, or never; trusted ones are no strangers, and dialed before others anyway. Others than
 * the first few are not asked for obstacles: of a full table that would be most of what a content pool does.
 */
function chooseStranger(view: PoolView, options: ExploringOptions): Point | undefined {
  const busyGroups = new Set<string>()
  const never: PointInfo[] = []
  const missed: PointInfo[] = []
  for (const info of view.points) {
    if (isOurChoice(info)) busyGroups.add(info.group)
    if (info.state.kind !== 'disconnected' || info.trusted || info.backoffUntil >= options.now) continue
    if (lastFailureAt(info) === undefined) never.push(info)
    else missed.push(info)
  }
  let passedOver: Point | undefined
  for (const info of oneByOne(never, missed, options.random)) {
    if (obstacleOf(view, info, options) !== undefined) continue
    if (!busyGroups.has(info.group)) return info.point
    passedOver ??= info.point
  }
  return passedOver
}

/** Those of `never` in any order, then the longest ago missed. */
function* oneByOne(never: PointInfo[], missed: readonly PointInfo[], random: Random): Generator<PointInfo> {
  for (let left = never.length; left > 0; left--) {
    const i = Math.floor(random.next() * left)
    yield never[i] as PointInfo
    never[i] = never[left - 1] as PointInfo
  }
  yield* inAnyOrder(missed, random).sort(byMiss)
}
