/**
 * Handover: what the next owner takes from a tab whose storage does not work. All tabs know it from the last snapshot. Where the storage works,
 * it is read from there and this does nothing. Called by `tab-session.ts`.
 */
import type { PeerPool } from '../src/core/peer-pool.ts'
import { PoolError } from '../src/core/values/reason.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'

/** Bans that have not ended, trust, expected ids, and the points where a peer was connected. A table that is full takes no more. */
export function inherit<Msg, PeerMeta, ConnMeta>(pool: PeerPool<Msg, PeerMeta, ConnMeta>, last: PoolSnapshot): void {
  if (last.storage.mode !== 'memory') return
  for (const { kind, peerId, host, endsAt } of last.blocks) {
    if (kind !== 'banned') continue
    const until = { banPeers: false, ...(endsAt === null ? {} : { endsAt }) }
    take(async () => {
      if (peerId !== null) await pool.peers.ban(peerId, endsAt === null ? {} : { endsAt })
      else if (host?.includes('/')) await pool.points.banRange(host, until)
      else if (host !== null) await pool.points.banHost(host, until)
    })
  }
  for (const { peerId, trusted } of last.peers) if (trusted) take(() => pool.peers.trust(peerId))
  const configured = new Set(pool.config.trustedPoints.map(({ point }) => point))
  for (const { point, trusted, lastSeenAt, expectedPeerId } of last.points) {
    take(async () => {
      if (trusted) pool.points.trust(point)
      else if (lastSeenAt !== null) pool.registerNewPoint(point)
      // As with what is saved, the config alone says who is expected at its points.
      if (expectedPeerId !== null && !configured.has(point)) await pool.setExpectedPeerId(point, expectedPeerId)
    })
  }
}

/** Begins it at once. A ban that has ended since, and what the tables have no place for, is left out; the rest is taken. */
function take(work: () => unknown): void {
  const taken = async (): Promise<unknown> => work()
  taken().catch((error: unknown) => {
    if (!(error instanceof PoolError || error instanceof RangeError)) throw error
  })
}
