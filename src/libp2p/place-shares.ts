/**
 * Who holds the places of one scarce kind, and whether a newcomer gets one. Every address group has a share, some places are kept
 * for trusted ids, and when a newcomer finds no place it says who could make room. It closes nothing and knows no libp2p:
 * `listener-guard.ts` counts handshakes and connections with it, the relay under `node/` its reservations.
 */
import { scopeOf, shareGroupOf, widerGroupOf } from '../core/values/address.ts'
import type { Host, PeerId } from '../core/values/ids.ts'

export interface ShareLimits {
  /** Places in all. */
  readonly max: number
  /** Of these, places for trusted ids alone. */
  readonly reserve: number
  /** Places for one public IPv4 address or IPv6 /64. */
  readonly perGroup: number
  /** Places for one public IPv4 /16 or IPv6 /48. */
  readonly perWiderGroup: number
  /** Places for one host that is not public, and for all holders without a host: many peers may stand behind one proxy or relay. */
  readonly perLocalHost: number
  /** Places for one peer id. */
  readonly perPeer: number
}

/** The limits of `max` places for handshakes, in which no peer id is proved yet. */
export function handshakeShares(max: number): ShareLimits {
  return { max, reserve: 0, perGroup: 5, perWiderGroup: max / 4, perLocalHost: max / 2, perPeer: Number.POSITIVE_INFINITY }
}

/** What is known of a peer that wants a place. */
export interface Newcomer {
  readonly host: Host | undefined
  /** Proved; absent while it is not known yet. */
  readonly peerId?: PeerId
  readonly trusted?: boolean | undefined
}

/** A holder that could make room for a newcomer, and why it should. */
export interface Rival<Holder> {
  readonly holder: Holder
  /** When it came. */
  readonly since: number
  /**
   * `same-peer`: the newcomer is the same peer. `larger-group`: its group has more places than the newcomer's would have. `equal`: neither,
   * so the only reason to let it go is that it does nothing with its place.
   */
  readonly because: 'same-peer' | 'larger-group' | 'equal'
}

interface Place {
  readonly group: string
  readonly wider: string | undefined
  readonly peerId: PeerId | undefined
  readonly trusted: boolean
  readonly since: number
}

/** The group of all holders without a host. */
const withoutHost = 'unknown'

/** The group that a host is counted with. Several peers may share one that is `local`; the wider group is for public hosts only. */
export function groupOfNewcomer(host: Host | undefined): { key: string; wider: string | undefined; local: boolean } {
  if (host === undefined) return { key: withoutHost, wider: undefined, local: true }
  if (scopeOf(host) !== 'public') return { key: host, wider: undefined, local: true }
  return { key: shareGroupOf(host), wider: widerGroupOf(host), local: false }
}

export class Shares<Holder> {
  readonly #limits: ShareLimits
  /** In the order in which they came; at most `max`. */
  readonly #places = new Map<Holder, Place>()
  /** Untrusted peers' places by group, by wider group, and all places by peer. An entry goes with its last place. */
  readonly #groups = new Map<string, number>()
  readonly #widerGroups = new Map<string, number>()
  readonly #peers = new Map<PeerId, number>()
  #untrusted = 0

  constructor(limits: ShareLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#places.size
  }

  /** Places that untrusted peers may still take, whatever their groups: without those that are kept for trusted ids. */
  get leftForUntrusted(): number {
    const { max, reserve } = this.#limits
    return Math.min(max - reserve - this.#untrusted, max - this.size)
  }

  get holders(): IterableIterator<Holder> {
    return this.#places.keys()
  }

  has(holder: Holder): boolean {
    return this.#places.has(holder)
  }

  /**
   * Gives a place to `holder`, unless a limit forbids it; then it says who could make room, in the order in which they should: of
   * larger groups the newest of the largest first, then the others, the oldest first. `now` is on a clock that never goes back.
   */
  take(holder: Holder, newcomer: Newcomer, now: number): readonly Rival<Holder>[] | undefined {
    if (this.#places.has(holder)) return undefined
    const { key, wider, local } = groupOfNewcomer(newcomer.host)
    const place = { group: key, wider, peerId: newcomer.peerId, trusted: newcomer.trusted === true, since: now }
    const isInTheWay = this.#obstacle(place, local ? this.#limits.perLocalHost : this.#limits.perGroup)
    if (isInTheWay !== undefined) return this.#rivals(place, isInTheWay)
    this.#places.set(holder, place)
    this.#count(place, 1)
    return undefined
  }

  /** Its place is free again. Does nothing for a holder without one. */
  leave(holder: Holder): void {
    const place = this.#places.get(holder)
    if (place === undefined) return
    this.#places.delete(holder)
    this.#count(place, -1)
  }

  /** Which places stand in the newcomer's way, if any do. */
  #obstacle({ group, wider, peerId, trusted }: Place, share: number): ((place: Place) => boolean) | undefined {
    const { max, reserve, perWiderGroup, perPeer } = this.#limits
    if (peerId !== undefined && (this.#peers.get(peerId) ?? 0) >= perPeer) return (place) => place.peerId === peerId
    if (!trusted) {
      if ((this.#groups.get(group) ?? 0) >= share) return (place) => place.group === group
      if (wider !== undefined && (this.#widerGroups.get(wider) ?? 0) >= perWiderGroup) return (place) => place.wider === wider
      if (this.#untrusted >= max - reserve) return () => true
    }
    return this.#places.size >= max ? () => true : undefined
  }

  #rivals(newcomer: Place, isInTheWay: (place: Place) => boolean): readonly Rival<Holder>[] {
    const sizeOf = (place: Place): number => this.#groups.get(place.group) ?? 0
    const because = (place: Place): Rival<Holder>['because'] => {
      if (place.peerId !== undefined && place.peerId === newcomer.peerId) return 'same-peer'
      // Where two groups differ by one place, a change gains nothing. A trusted newcomer takes nothing from its group.
      const isLarger = newcomer.trusted || (place.group !== newcomer.group && sizeOf(place) > sizeOf(newcomer) + 1)
      return isLarger ? 'larger-group' : 'equal'
    }
    const rivals = [...this.#places].flatMap(([holder, place]) => {
      const rival = { holder, since: place.since, because: because(place) }
      return isInTheWay(place) && (!place.trusted || rival.because === 'same-peer') ? [{ rival, size: sizeOf(place) }] : []
    })
    const isLarger = ({ rival }: { rival: Rival<Holder> }): boolean => rival.because === 'larger-group'
    // Sorting keeps the order of equals: of groups of one size, the newest place goes first.
    const larger = rivals.filter(isLarger).reverse()
    const others = rivals.filter((one) => !isLarger(one))
    return [...larger.sort((a, b) => b.size - a.size), ...others].map(({ rival }) => rival)
  }

  #count({ group, wider, peerId, trusted }: Place, change: 1 | -1): void {
    if (peerId !== undefined) add(this.#peers, peerId, change)
    if (trusted) return
    this.#untrusted += change
    add(this.#groups, group, change)
    if (wider !== undefined) add(this.#widerGroups, wider, change)
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
