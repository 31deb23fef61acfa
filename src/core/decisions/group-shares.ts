/**
 * Which untrusted peer makes room for another where slots are scarce. Each address group has a share, so that neither one host nor one
 * network takes all slots; a newcomer of a small group displaces the newest of the largest. Pure; called by `admission-hello.ts`
 * for connections and by `handshake-places.ts` for handshakes; `shareTaken` is for dials.
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

/**
 * The holder that makes room for the newcomer: the newest of the largest group, if that is still larger with the newcomer in; else
 * the newest of a wider group that has more than half of all slots. `priorOf`: what else a group's size counts, beside its slots.
 */
export function chooseRival<T extends Holder>(
  holders: readonly T[],
  newcomer: AddressShare,
  priorOf: (group: string) => number = () => 0
): T | undefined {
  const groups = tally(holders, ({ group }) => group)
  const sizeOf = (group: string): number => (groups.get(group) ?? 0) + priorOf(group)
  const largest = newestOfLargest(holders, ({ group }) => sizeOf(group))
  if (largest !== undefined && sizeOf(largest.group) > sizeOf(newcomer.group) + 1) return largest
  const networks = tally(holders, ({ wider }) => wider)
  const slotsOf = (wider: string): number => networks.get(wider) ?? 0
  const widest = newestOfLargest(holders, ({ wider }) => slotsOf(wider))
  if (widest === undefined || slotsOf(widest.wider) <= holders.length / 2) return undefined
  return slotsOf(widest.wider) > slotsOf(newcomer.wider) + 1 ? widest : undefined
}

/** The share of all slots that goes to the first peers that come. */
const freeShare = 1 / 4
/** So many of one group are never too many while there are free slots: people share a router. */
const minFree = 4
/** Beyond these no group gets more than this share of the untrusted peers. */
const groupShare = 1 / 5

/** What happens to a newcomer while a slot is free. */
export type Fairness<T> = { readonly kind: 'refuse' } | { readonly kind: 'take'; readonly evicts: T | undefined }

/**
 * No group has more than a fifth of the untrusted peers: a newcomer of such a group is refused, one of another group takes the slot of its
 * newest.
 */
export function judgeShare<T extends Holder>(holders: readonly T[], newcomer: AddressShare): Fairness<T> {
  const groups = tally(holders, ({ group }) => group)
  const sizeOf = (group: string): number => groups.get(group) ?? 0
  const share = shareAmong(holders.length + 1)
  if (sizeOf(newcomer.group) + 1 > share) return { kind: 'refuse' }
  const largest = newestOfLargest(holders, ({ group }) => sizeOf(group))
  return { kind: 'take', evicts: largest !== undefined && sizeOf(largest.group) > share ? largest : undefined }
}

/** Where fewer peers came in, of at most `slots`, no group has too many of them, and `judgeShare` need not be asked. */
export function sharedFrom(slots: number): number {
  return Math.max(minFree, Math.floor(slots * freeShare))
}

function shareAmong(holders: number): number {
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
  const groups = tally(holders, ({ group }) => group)
  const share = shareAmong(holders.length + 1)
  return ({ host, trusted }) => !trusted && host !== undefined && isPublic(host) && (groups.get(shareGroupOf(host)) ?? 0) >= share
}

function newestOfLargest<T extends Holder>(holders: readonly T[], sizeOf: (holder: T) => number): T | undefined {
  return holders
    .filter(({ mayGo }) => mayGo)
    .toSorted((a, b) => sizeOf(b) - sizeOf(a) || Number(a.isUsed) - Number(b.isUsed) || b.startedAt - a.startedAt)[0]
}
