/** How a point comes into the table, by the operator's word or by a claim, with the events that follow. */
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { Medium } from './point-info.ts'
import type { PointRecord } from './point-record.ts'
import type { PoolState } from './pool-state.ts'

/** How a point came, if not by the operator. */
export interface Origin {
  readonly medium?: Medium
  readonly source?: PeerId
  readonly sourceGroup?: string
  /** The peer that names the point is seen at its very host. */
  readonly isOwn?: boolean
}

/** The record of a point, unchanged, or made if it is new. `undefined`: its source or address group is at its cap, or the table is full. */
export function findOrInsertPoint<PeerMeta, C extends RunningConnection>(
  { parts, access }: PoolState<PeerMeta, C>,
  point: Point,
  { trusted = false, medium = 'operator', source, sourceGroup, isOwn = false }: Origin & { readonly trusted?: boolean }
): PointRecord | undefined {
  const known = parts.points.get(point)
  if (known !== undefined) return known
  const before = parts.points.collected
  const record = parts.points.insert(point, { source, sourceGroup, medium, trusted, isOwn, discoveredAt: parts.clock.date() })
  const removed = parts.points.collected - before
  if (removed > 0) parts.emit('gc-points', { removed })
  if (record !== undefined) {
    if (record.trusted && record.host !== undefined) access.ungreylistHost(record.host)
    parts.emit('new-point', { point, medium, source })
    parts.changed()
  }
  return record
}
