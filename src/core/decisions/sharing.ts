/** Which of our points may be told to a peer: public, not banned, not its own, and of use to it. Pure. */
import type { PoolState } from '../tables/pool-state.ts'
import { firstHopOf, isLocal, transportOf } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Random } from '../values/ports.ts'

/** Points in one listing, unless asked otherwise; the original's figure. */
export const defaultListing = 50

/** One answer tells no more of the table than this (Bitcoin Core's figure), so that nobody reads it off in a few questions. */
const maxSharedShare = 0.23
/** The best of what we tell are drawn from so many times as many: else all of a young network dial the same few. */
const spread = 4
/** A small table has nothing to hide, and a small network must find itself. */
const minShared = 10

export interface Asker {
  readonly peerId: PeerId
  readonly host: Host | undefined
}

/**
 * Texts of points for one answer or Nack, the best first. `transports`: what the asker can dial; none: it did not say.
 * Points on private networks are told only to a peer on such a network.
 */
export function shareablePoints<PeerMeta, C extends RunningConnection>(
  state: PoolState<PeerMeta, C>,
  { asker, random, transports }: { asker: Asker; random: Random; transports: readonly string[] }
): string[] {
  const askerIsLocal = state.config.allowPrivatePoints || (asker.host !== undefined && isLocal(asker.host))
  return state.parts.points.list({
    ignorePrivate: true,
    size: Math.min(defaultListing, Math.max(minShared, Math.floor(state.parts.points.size * maxSharedShare))),
    random,
    spread,
    isBanned: (record) => state.hostBar(record.host, record.trusted) !== undefined,
    accept: (record) => {
      if (record.claimedBy === asker.peerId || record.expectedPeerId === asker.peerId) return false
      if (transports.length > 0 && !transports.includes(transportOf(record.point))) return false
      const hop = firstHopOf(record.point)
      return askerIsLocal || hop === undefined || !isLocal(hop)
    }
  })
}
