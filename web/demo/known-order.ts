/** In which order known points and peers are listed. Pure; ties are broken by name, so that no row jumps without a cause. */
import type { PeerSnapshot, PointSnapshot } from '../../src/core/index.ts'
import { conditionNames } from './conditions.ts'
import type { Known } from './known-info.ts'

export type Order<Info> = (a: Known<Info>, b: Known<Info>) => number

/** By the values of the choice in index.html. */
export const pointOrders: Readonly<Record<string, Order<PointSnapshot>>> = {
  condition: (a, b) =>
    byCondition(a, b) || latest(a.info.lastSeenAt, b.info.lastSeenAt) || latest(a.info.discoveredAt, b.info.discoveredAt) || byPoint(a, b),
  seen: (a, b) => latest(a.info.lastSeenAt, b.info.lastSeenAt) || byPoint(a, b),
  heard: (a, b) => latest(a.info.discoveredAt, b.info.discoveredAt) || byPoint(a, b),
  failures: (a, b) => b.info.failures - a.info.failures || byPoint(a, b),
  next: (a, b) => waitOf(a) - waitOf(b) || byCondition(a, b) || byPoint(a, b),
  name: (a, b) => byPoint(a, b)
}

export const peerOrders: Readonly<Record<string, Order<PeerSnapshot>>> = {
  condition: (a, b) => byCondition(a, b) || latest(a.info.lastSeenAt, b.info.lastSeenAt) || byPeer(a, b),
  seen: (a, b) => latest(a.info.lastSeenAt, b.info.lastSeenAt) || byPeer(a, b),
  met: (a, b) => latest(a.info.createdAt, b.info.createdAt) || byPeer(a, b),
  score: (a, b) => b.info.score - a.info.score || byPeer(a, b),
  name: (a, b) => byPeer(a, b)
}

function byCondition(a: Known<unknown>, b: Known<unknown>): number {
  return conditionNames.indexOf(a.condition) - conditionNames.indexOf(b.condition)
}

/** Never comes last. */
function latest(a: number | null, b: number | null): number {
  return (b ?? 0) - (a ?? 0)
}

/** Those that wait for nothing come after those that do. */
function waitOf({ info, condition }: Known<PointSnapshot>): number {
  return condition === 'waiting' ? info.backoffForMs : Number.MAX_SAFE_INTEGER
}

function byPoint(a: Known<PointSnapshot>, b: Known<PointSnapshot>): number {
  return compareText(a.info.point, b.info.point)
}

function byPeer(a: Known<PeerSnapshot>, b: Known<PeerSnapshot>): number {
  return compareText(a.info.peerId, b.info.peerId)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
