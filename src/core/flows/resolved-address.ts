/**
 * May a dial of a DNS name open a socket at an address that the name stands for? The owner of the name chooses the address, so it is
 * judged as an IP address that the source of the point had named. Asked by `node/checked-dials.ts` alone: a page does not learn what a
 * name stands for, so only the name can be judged there. A yes is recorded in the tables, so this is no decision; it waits for nothing.
 */
import { isPeerPort } from '../tables/claims.ts'
import type { PointInfo } from '../tables/point.ts'
import { isOperators, isVouched } from '../tables/point-quota.ts'
import type { PoolState } from '../tables/pool-state.ts'
import { readPoint, scopeOf } from '../values/address.ts'
import type { Host, Point } from '../values/ids.ts'

/** Why not. */
export type AddressRefusal =
  | 'banned' // or greylisted, where that counts
  | 'not-public' // on this machine or a local network, or nowhere, and the point is not the operator's
  | 'service-port' // a port below 1024 that is not for the web, and the point is not the operator's
  | 'dialed-too-often' // as the limit of dials to untried points of one host has it

/**
 * `point`: the direct point that is dialed, which may be a relay's; the pool may not know it. A yes counts as a dial to the address. Not
 * public addresses are for points of the operator, for everybody if `allowPrivatePoints` says so, and for names that say what they
 * are: `localhost` may stand for this machine, a name of a local network for an address of one.
 */
export function checkAddress(state: PoolState<unknown>, point: Point, address: Host): AddressRefusal | undefined {
  const known = dialedAs(state, point)
  const isOfOperator = known.some(isOperators)
  if (state.access.hostBlock(address, isOfOperator) !== undefined) return 'banned'
  if (isOfOperator) return undefined
  if (!mayStandFor(state, point, address)) return 'not-public'
  const isUntried = known.length > 0 && !known.some(isVouched)
  return isUntried && !state.points.countAddressDial(address) ? 'dialed-too-often' : undefined
}

/** The same for a point that a `/dnsaddr` of `origin` stands for: it is judged as one that the source of `origin` had named. */
export function checkAnswer(
  state: PoolState<unknown>,
  { origin, answer, allowPrivate }: { origin: Point; answer: Point; allowPrivate: boolean }
): AddressRefusal | undefined {
  const address = readPoint(answer)
  const { host } = address.hop
  if (!isPeerPort(address) && !dialedAs(state, origin).some(isOperators)) return 'service-port'
  if (host?.includes(':') !== true) return undefined // a name, which is looked up next
  return !allowPrivate && scopeOf(host) !== 'public' ? 'not-public' : checkAddress(state, origin, host)
}

/** A connection was made there. Bans are asked once more, since time went by; the address is kept for those that come later. */
export function connectedAt(state: PoolState<unknown>, point: Point | undefined, address: Host): AddressRefusal | undefined {
  if (state.access.hostBlock(address, true) !== undefined) return 'banned'
  if (point !== undefined) state.points.noteAddress(point, address)
  return undefined
}

/** The points whose dial begins there. */
function dialedAs(state: PoolState<unknown>, point: Point): PointInfo[] {
  return [...state.points].filter(({ hop }) => hop.point === point)
}

function mayStandFor(state: PoolState<unknown>, point: Point, address: Host): boolean {
  const scope = scopeOf(address)
  if (scope === 'public') return true
  if (scope === 'unroutable') return false
  if (state.config.allowPrivatePoints) return true
  const name = readPoint(point).hop.host
  const named = name === undefined ? 'unroutable' : scopeOf(name)
  return named === 'loopback' ? scope === 'loopback' : named === 'private' && scope !== 'loopback'
}
