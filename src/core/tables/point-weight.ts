/** How many ordinary sources or groups one counts for, when `point-shares.ts` compares it with its cap. */
import { scopeOf } from '../values/address.ts'
import type { Host } from '../values/ids.ts'
import type { Medium } from './point-info.ts'

/** A discovery of libp2p (DHT, mDNS, bootstrap list) brings the points of many peers through one door. */
const discoveryWeight = 5
const relayWeight = 4

/** Brought by the person who runs the pool, now or in an earlier run. */
export function isUncapped(medium: Medium): boolean {
  return medium === 'operator' || medium === 'storage'
}

/** Of a source that is no peer. */
export function weightOfDoor(medium: Medium): number {
  return isUncapped(medium) ? Number.POSITIVE_INFINITY : medium === 'discovery' ? discoveryWeight : 1
}

/** `host`: one of the group; none: the group of a relay, or of one point alone. */
export function weightOfGroup(host: Host | undefined): number {
  if (host === undefined) return relayWeight
  const scope = scopeOf(host)
  return scope === 'private' || scope === 'loopback' || scope === 'link-local' ? Number.POSITIVE_INFINITY : 1
}
