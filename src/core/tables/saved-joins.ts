/**
 * Gives a record what was saved of it and it does not know better; not the trust, which its table counts. And the saved bans to the
 * access list. Used by `saved-state.ts`, which hands these to the tables: a page loads them with it.
 */
import { hostOfName, targetOf } from '../values/address.ts'
import { PoolError } from '../values/reason.ts'
import type { AccessList } from './acl.ts'
import type { Ban, BanLists, BanOptions } from './bans.ts'
import type { PeerLife, PeerRecord } from './peer-state.ts'
import type { Findings, PointRecord } from './point-record.ts'
import { joinFields, peerFields, pointFields, type SavedPeer, type SavedPoint } from './saved-fields.ts'

export function joinPoint(known: PointRecord, saved: SavedPoint): void {
  const joined = joinFields(pointFields, { known, saved })
  const { point, source, medium, discoveredAt, trusted, registered, expectedPeerId, isPublic, events, ...rest } = joined
  if (expectedPeerId !== undefined && expectedPeerId !== targetOf(point)) known.fromOperator().expectedPeerId = expectedPeerId
  if (registered) known.fromOperator().registered = true
  if (isPublic) known.fromClaims().isPublic = true
  const life: Pick<Findings, keyof typeof rest> = rest
  Object.assign(known.fromProof(), life, { history: events.length > 0 ? events : undefined })
}

export function joinPeer(known: PeerRecord, saved: SavedPeer): void {
  const { peerId, createdAt, trusted, metadata, events, ...rest } = joinFields(peerFields, { known, saved })
  const life: Pick<PeerLife, keyof typeof rest> = rest
  Object.assign(known.own(), life, { history: events.length > 0 ? events : undefined })
}

/**
 * Adds the bans of an earlier run, as `export` gave them; what has ended meanwhile is left out. An entry that cannot be is dropped;
 * returns how many were. Types of fields and peer ids are checked by the caller. `date`: today.
 */
export function joinBans(access: Pick<AccessList, 'banPeer' | 'banHost' | 'banRange'>, lists: BanLists, date: number): number {
  let dropped = 0
  const each = <T extends Ban>(bans: readonly T[], take: (ban: T) => void): void => {
    for (const ban of bans) {
      if (ban.endsAt !== undefined && ban.endsAt <= date) continue
      try {
        take(ban)
      } catch (error) {
        if (!(error instanceof PoolError || error instanceof RangeError)) throw error
        dropped++
      }
    }
  }
  // A ban may date from a clock that ran ahead: `since` is kept as it is, ends are checked against `date`.
  const optionsOf = ({ since, endsAt }: Ban): BanOptions => ({ date: Math.min(since, date), endsAt })
  each(lists.hosts, (ban) => {
    if (hostOfName(ban.host) !== ban.host)
      throw new PoolError('invalid-point', `expected the canonical text of a host, got ${JSON.stringify(ban.host)}`)
    access.banHost(ban.host, { ...optionsOf(ban), peers: ban.peers })
  })
  each(lists.peers, (ban) => access.banPeer(ban.peerId, optionsOf(ban)))
  each(lists.ranges, (ban) => void access.banRange(ban.range, { ...optionsOf(ban), peers: ban.peers }))
  return dropped
}
