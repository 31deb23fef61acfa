/**
 * What the next owner takes over from a tab whose storage does not work: all the tabs know it from the last snapshot. Where the storage works,
 * it is read from there and this does nothing. Called by `tab-session.ts`.
 */
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { Host } from '../src/core/values/ids.ts'
import { PoolError } from '../src/core/values/reason.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'

/** Bans, trust, and the points that somebody was met at. A table that is full takes no more. */
export function inherit<Msg, PeerMeta, ConnMeta>(pool: PeerPool<Msg, PeerMeta, ConnMeta>, last: PoolSnapshot): void {
  if (last.storage.mode !== 'memory') return
  try {
    for (const { kind, peerId, host, endsAt } of last.bars) {
      if (kind !== 'banned') continue
      const until = { banPeers: false, ...(endsAt === null ? {} : { endsAt }) }
      if (peerId !== null) void pool.peers.ban(peerId, until)
      else if (host?.includes('/')) void pool.points.banRange(host, until)
      else if (host !== null) void pool.points.banHost(host as Host, until)
    }
    for (const { peerId, trusted } of last.peers) if (trusted) pool.peers.trust(peerId)
    for (const { point, trusted, lastSeenAt } of last.points) {
      if (trusted) pool.points.trust(point)
      else if (lastSeenAt !== null) pool.registerNewPoint(point)
    }
  } catch (error) {
    if (!(error instanceof PoolError)) throw error
  }
}
