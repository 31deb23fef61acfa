/**
 * Exploring: which unknown peer a pool in its band connects to, so that the network mixes, and which connection makes room for it. Pure;
 * carried out by `flows/mixing.ts`. A page loads it beside its start.
 */
import type { PoolView } from '../tables/pool-view.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Point } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'
import { shuffled } from '../values/random-order.ts'
import { keptSlots } from './admission-hello.ts'
import { type CandidateOptions, findCandidates } from './candidates.ts'
import { busyGroups, byFailure } from './dial-order.ts'
import { chooseToPrune, isSpare, surplusByKind } from './eviction.ts'

export interface ExploringOptions extends CandidateOptions {
  readonly random: Random
}

/**
 * In the band, and nothing else to do: a point that was never tried, or failed the longest ago, to be connected beside the others. Two
 * halves of a network that were apart find each other again by this alone, since each of them is in its band; and a peer that finds
 * all pools full is let in by those that explore.
 */
export function planExploring(view: PoolView, options: ExploringOptions): Point | undefined {
  const { active, bounds, band, outgoingInProgress } = view
  const hasRoom = view.slotsTaken < band.max - keptSlots(surplusByKind(view))
  const isContent = active >= bounds.minTarget && active <= bounds.maxTarget && hasRoom && band.expected > 0
  if (!isContent || outgoingInProgress > 0) return undefined
  return chooseUnknown(view, options)
}

/** Connections that came by a swap or by exploring: at most one in so many, or unknown peers could mix themselves in until we hold nobody else. */
export const mixedShare = 20

/**
 * Which connections the new one replaces: the last of `mixed`, which came as it did, once these are too many; else any, once there are
 * more than expected.
 */
export function planAfterExploring(view: PoolView, met: RunningConnection, mixed: readonly RunningConnection[]): RunningConnection[] {
  const surplus = surplusByKind(view)
  const others = mixed.filter((one) => one !== met && !view.access.isTrusted(one.peerId, one.point) && isSpare(one, surplus))
  if (others.length >= Math.max(1, Math.floor(view.active / mixedShare))) return others.slice(-1)
  return view.active > view.band.expected ? chooseToPrune(view, 1, { except: met }) : []
}

/** An untried point, any of them, else the one that failed the longest ago; of an address group that is not busy, where there is one. */
function chooseUnknown(view: PoolView, options: ExploringOptions): Point | undefined {
  // Trusted ones are dialed before others anyway. To peers that others introduce leads a walk.
  const { candidates } = findCandidates(view, options, ({ trusted, point }) => !trusted && !point.startsWith('/p2p/'))
  const busy = busyGroups(view)
  const order = shuffled(candidates, options.random).sort(byFailure)
  return (order.find(({ group }) => !busy.has(group)) ?? order[0])?.point
}
