/**
 * Keeps a page reachable. Others come to it by way of a relay that holds a place for it; libp2p asks every relay that it is
 * connected with, but a pool whose band is full dials nobody, so a page that lost its relay would not be found any more.
 * While it has no point of its own, the trusted points are dialed again, for these are its relays. Called by `tab-peer.ts`.
 */
import type { Libp2pPeerPool } from '../src/libp2p/service.ts'

/** The relay itself may be starting again. */
const firstWaitMs = 2_000
const maxWaitMs = 300_000

/** Until the returned function is called. Without trusted points nothing is done; nor while the pool is suspended. */
export function keepReachable<Msg, PeerMeta, ConnMeta>(pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>): () => void {
  let waitMs = firstWaitMs
  let timer: ReturnType<typeof setTimeout> | undefined

  const dial = async (): Promise<void> => {
    timer = undefined
    if (pool.life !== 'running' || isReachable()) return
    waitMs = Math.min(2 * waitMs, maxWaitMs)
    const missing = pool.config.trustedPoints.filter(({ point }) => pool.connections.findByPoint(point) === undefined)
    // How each went is told by its own event.
    await Promise.allSettled(missing.map(({ point }) => pool.connect(point)))
    look()
  }
  const isReachable = (): boolean => pool.network.ownPoints().length > 0
  const look = (): void => {
    if (isReachable()) waitMs = firstWaitMs
    else if (timer === undefined && pool.life === 'running') timer = setTimeout(() => void dial(), waitMs)
  }

  if (pool.config.trustedPoints.length === 0) return () => undefined
  // The last two follow a resume, before which nothing was done.
  const names = ['own-points-changed', 'connection-established', 'band-changed'] as const
  for (const name of names) pool.addEventListener(name, look)
  look()
  return () => {
    for (const name of names) pool.removeEventListener(name, look)
    clearTimeout(timer)
  }
}
