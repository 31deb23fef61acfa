/**
 * Kinds of peers, of which a page needs both: no kind takes the last places of the other. Pure; called by whatever admits, dials or
 * gives up. Where `minByKind` is null kinds do not matter: there are as many too many of each as anybody may ask for.
 */
import type { PoolView } from '../tables/pool-view.ts'
import { kindOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'

/** How many connections more than its minimum each kind has; negative: so many are missing. */
export type Surplus = Record<PeerKind, number>

/** Handshakes that came in and passed our checks count, but for `without`, which makes way. */
export function surplusByKind(view: PoolView, without?: RunningConnection): Surplus {
  const { config, band } = view
  if (config.minByKind === null) return { server: Number.POSITIVE_INFINITY, page: Number.POSITIVE_INFINITY }
  const servers = Math.min(config.minByKind.server, band.expected)
  const surplus = { server: -servers, page: -Math.min(config.minByKind.page, band.expected - servers) }
  for (const one of view.connections()) if (one !== without) surplus[kindOf(one.transport)]++
  for (const { transport, direction, hasSlot } of view.attempts()) if (direction === 'incoming' && hasSlot) surplus[kindOf(transport)]++
  return surplus
}

/** Places that are kept for kinds below their minimum. */
export function keptPlaces({ server, page }: Surplus): number {
  return Math.max(0, -server) + Math.max(0, -page)
}

/** May it go, with no kind below its minimum for it? `arriving`: of what kind the peer is that takes its place. */
export function isSpare(connection: RunningConnection, surplus: Surplus, arriving?: PeerKind): boolean {
  const kind = kindOf(connection.transport)
  return surplus[kind] + (kind === arriving ? 1 : 0) > 0
}
