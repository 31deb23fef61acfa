/**
 * Which address group a peer is counted with where slots are scarce, and who holds them. Each group has a share, so that neither one host nor
 * one network takes all slots. Pure; `rivals.ts` says who makes room for a newcomer; `shareTaken` is for dials.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { isPublic, shareGroupOf, widerGroupOf } from '../values/address.ts'
import type { AddressShare, RunningConnection } from '../values/attempt.ts'
import type { PeerKind } from '../values/bounds.ts'
import type { Host, PeerId } from '../values/ids.ts'
import { isSpare, surplusByKind, tally } from './eviction.ts'

/** All peers at which no public address is seen. */
const notPublic = 'not public'

/**
 * What an incoming peer is counted with. Many peers may be behind a proxy, a relay or a router: where no public address is seen,
 * each is a group of its own, and all of them are one wider group.
 */
export function shareOf({ host, peerId }: { host: Host | undefined; peerId: PeerId | undefined }): AddressShare {
  if (host === undefined || !isPublic(host)) return { group: groupOfPeer(peerId), wider: notPublic }
  return { group: shareGroupOf(host), wider: widerGroupOf(host) }
}

/** The group of a peer that is counted by itself. */
export function groupOfPeer(peerId: PeerId | undefined): string {
  return `peer ${peerId}`
}

/** A peer that holds a slot, or a handshake in progress. */
export interface Holder extends AddressShare {
  /** Monotonic, ms. */
  readonly startedAt: number
  /** Can it make room now? It counts in its group in any case. */
  readonly mayGo: boolean
  /** Another protocol uses the connection: of its group the others go first. */
  readonly isUsed?: boolean
}

/** So many of one group are never too many while there are free slots: people share a router. */
export const minFree = 4
/** Beyond these no group gets more than this share of the untrusted peers. */
const groupShare = 1 / 5

/** So many of the untrusted peers one group may have, when there are so many of them. */
export function shareAmong(holders: number): number {
  return Math.max(minFree, Math.floor(holders * groupShare))
}

/** An untrusted peer that holds a slot. */
export interface UntrustedHolder extends Holder {
  /** None yet: its handshake is not done. */
  readonly connection: RunningConnection | undefined
}

/** Only peers that came in make room: we chose the ones that we dialed. Nor do the last ones of a kind's minimum, but for their kind. */
export function untrustedHolders(view: PoolView, arriving?: PeerKind): UntrustedHolder[] {
  const surplus = surplusByKind(view)
  const holders: UntrustedHolder[] = []
  for (const connection of view.connections()) {
    const { direction, startedAt } = connection
    if (view.access.isTrusted(connection.peerId, connection.point)) continue
    holders.push({
      ...shareOf(connection),
      startedAt,
      mayGo: direction === 'incoming' && isSpare(connection, surplus, arriving),
      isUsed: connection.use !== undefined,
      connection
    })
  }
  for (const { startedAt, host, peerId, point, hasSlot } of view.attempts()) {
    if (peerId === undefined || !hasSlot || view.access.isTrusted(peerId, point)) continue
    holders.push({ ...shareOf({ host, peerId }), startedAt, mayGo: false, connection: undefined })
  }
  return holders
}

/** Which points only a pool in haste dials, since their group has its share of the untrusted peers already. */
export function shareTaken(view: PoolView): (info: Pick<PointInfo, 'host' | 'trusted'>) => boolean {
  const holders = untrustedHolders(view)
  const sizeOf = tally(holders, ({ group }) => group)
  const share = shareAmong(holders.length + 1)
  return ({ host, trusted }) => !trusted && host !== undefined && isPublic(host) && sizeOf(shareGroupOf(host)) >= share
}
