/**
 * What the operator banned: peers, hosts and address ranges, each for good or until a date, and which peers were banned along with an
 * address, so that lifting a ban undoes what it did and no more. A ban that has ended answers no question; `expire` removes it. Owned by
 * `access.ts`.
 */
import type { Host, PeerId } from '../values/ids.ts'
import { type CidrRange, isInRange, parseIp, tryParseRange } from '../values/ip.ts'
import { PoolError } from '../values/reason.ts'

/** Bans of each kind, and peers banned along with one address; an operator who needs more bans a range. */
export const maxBans = 10_000
/** Ranges are looked through one by one for every point and link. */
export const maxRanges = 1_000

export interface BanOptions {
  /** When it began, as a date. @default today */
  readonly since?: number
  /** When the ban ends by itself, as a date; `undefined`: never. */
  readonly endsAt?: number | undefined
}

export interface AddressBanOptions extends BanOptions {
  /** Peers to ban along, for as long as the address is. */
  readonly peers?: readonly PeerId[] | undefined
}

/** A ban as it is listed and saved. */
export interface Ban {
  readonly since: number
  readonly endsAt: number | undefined
}

export interface PeerBan extends Ban {
  readonly peerId: PeerId
}

export interface HostBan extends Ban {
  readonly host: Host
  readonly peers: readonly PeerId[]
}

export interface RangeBan extends Ban {
  /** Canonical text of the range. */
  readonly range: string
  readonly peers: readonly PeerId[]
}

/** Plain data, ready for JSON. `peers` holds only those banned for themselves. */
export interface BanLists {
  readonly peers: readonly PeerBan[]
  readonly hosts: readonly HostBan[]
  readonly ranges: readonly RangeBan[]
}

/** What became free again. A peer that another ban still holds is not in it. */
export interface Lifted {
  readonly peers: readonly PeerId[]
  readonly hosts: readonly Host[]
  readonly ranges: readonly string[]
}

interface AddressEntry {
  ban: Ban
  readonly peers: Set<PeerId>
}

interface RangeEntry extends AddressEntry {
  readonly range: CidrRange
}

interface PeerEntry {
  /** The ban of the peer itself, if there is one. */
  own: Ban | undefined
  /** The address bans that hold it too. Never empty while `own` is `undefined`. */
  readonly along: Set<AddressEntry>
}

export const nothingLifted: Lifted = { hosts: [], peers: [], ranges: [] }

export class Bans {
  /** Today, as a date. Not asked while no ban ends. */
  readonly #today: () => number
  readonly #peers = new Map<PeerId, PeerEntry>()
  readonly #hosts = new Map<Host, AddressEntry>()
  /** By canonical text. */
  readonly #ranges = new Map<string, RangeEntry>()
  /** No ban ends before. */
  #nextEnd = Number.POSITIVE_INFINITY

  constructor(today: () => number) {
    this.#today = today
  }

  isBannedPeer(peerId: PeerId): boolean {
    const entry = this.#peers.get(peerId)
    return (
      entry !== undefined &&
      [entry.own, ...Array.from(entry.along, ({ ban }) => ban)].some((ban) => ban !== undefined && !this.#isOver(ban))
    )
  }

  isBannedHost(host: Host): boolean {
    const entry = this.#hosts.get(host)
    return (entry !== undefined && !this.#isOver(entry.ban)) || this.#rangeOver(host) !== undefined
  }

  /** Banning again changes the end and nothing else. Throws `PoolError` `table-full`, `invalid-argument` for an end that is past. */
  banPeer(peerId: PeerId, options: BanOptions): void {
    const entry = this.#peers.get(peerId)
    const own = this.#pronounce(entry?.own, options)
    if (entry !== undefined) entry.own = own
    else {
      refuseIfFull('peers', this.#peers.size + 1, maxBans)
      this.#peers.set(peerId, { own, along: new Set() })
    }
  }

  /** The peer is free, whatever banned it. Returns false if it was. */
  unbanPeer(peerId: PeerId): boolean {
    const entry = this.#peers.get(peerId)
    for (const address of entry?.along ?? []) address.peers.delete(peerId)
    return this.#peers.delete(peerId)
  }

  /** Banning again changes the end and adds peers. Throws as `banPeer` does, with nothing changed. */
  banHost(host: Host, options: AddressBanOptions): void {
    const known = this.#hosts.get(host)
    if (known === undefined) refuseIfFull('hosts', this.#hosts.size + 1, maxBans)
    const entry = known ?? this.#newEntry(options)
    this.#pronounceOver(entry, options)
    this.#hosts.set(host, entry)
  }

  /**
   * The host is free, and the peers that its ban had banned along are. Throws `PoolError` `invalid-argument` where a range around it is
   * banned: that ban must be lifted.
   */
  unbanHost(host: Host): Lifted {
    const range = this.#rangeOver(host)
    if (range !== undefined)
      throw new PoolError('invalid-argument', `unbanHost: ${host} is in the banned range ${range}: lift the ban of the range`)
    const entry = this.#hosts.get(host)
    this.#hosts.delete(host)
    return entry === undefined ? nothingLifted : { hosts: [host], peers: this.#release(entry), ranges: [] }
  }

  /** As `banHost`. Returns the canonical text. Throws also `PoolError` `invalid-point`. */
  banRange(text: string, options: AddressBanOptions): string {
    const range = rangeOf(text)
    const known = this.#ranges.get(range.text)
    if (known === undefined) refuseIfFull('ranges', this.#ranges.size + 1, maxRanges)
    const entry = known ?? { range, ...this.#newEntry(options) }
    this.#pronounceOver(entry, options)
    this.#ranges.set(range.text, entry)
    return range.text
  }

  /** Lifts the ban of exactly this range; hosts banned by themselves stay banned. */
  unbanRange(text: string): Lifted {
    const range = rangeOf(text).text
    const entry = this.#ranges.get(range)
    this.#ranges.delete(range)
    return entry === undefined ? nothingLifted : { hosts: [], peers: this.#release(entry), ranges: [range] }
  }

  /** Removes what has ended. */
  expire(): Lifted {
    if (!this.#hasEnded(this.#nextEnd)) return nothingLifted
    const peers: PeerId[] = []
    const lift = <Key>(bans: Map<Key, AddressEntry>): Key[] => {
      const over = [...bans].filter(([, { ban }]) => this.#isOver(ban))
      for (const [key, entry] of over) {
        bans.delete(key)
        peers.push(...this.#release(entry))
      }
      return over.map(([key]) => key)
    }
    const hosts = lift(this.#hosts)
    const ranges = lift(this.#ranges)
    for (const [peerId, entry] of this.#peers) {
      if (entry.own === undefined || !this.#isOver(entry.own)) continue
      entry.own = undefined
      if (this.#forgetIfFree(peerId, entry)) peers.push(peerId)
    }
    const addresses = [...this.#hosts.values(), ...this.#ranges.values()].map(({ ban }) => ban)
    const left = [...addresses, ...Array.from(this.#peers.values(), ({ own }) => own)]
    this.#nextEnd = left.reduce((next, ban) => Math.min(next, ban?.endsAt ?? next), Number.POSITIVE_INFINITY)
    return { peers, hosts, ranges }
  }

  /** Lifts all bans. */
  clear(): Lifted {
    const lifted = { peers: [...this.#peers.keys()], hosts: [...this.#hosts.keys()], ranges: [...this.#ranges.keys()] }
    for (const bans of [this.#peers, this.#hosts, this.#ranges]) bans.clear()
    this.#nextEnd = Number.POSITIVE_INFINITY
    return lifted
  }

  /** When the next ban ends, as a date; infinite: none does. */
  get nextEnd(): number {
    return this.#nextEnd
  }

  export(): BanLists {
    const listed = ({ ban, peers }: AddressEntry): Ban & { peers: PeerId[] } => ({ ...ban, peers: [...peers] })
    const holds = (ban: Ban): boolean => !this.#isOver(ban)
    return {
      peers: Array.from(this.#peers)
        .flatMap(([peerId, { own }]) => (own === undefined ? [] : [{ peerId, ...own }]))
        .filter(holds),
      hosts: Array.from(this.#hosts, ([host, entry]) => ({ host, ...listed(entry) })).filter(holds),
      ranges: Array.from(this.#ranges, ([range, entry]) => ({ range, ...listed(entry) })).filter(holds)
    }
  }

  /** A banned range that holds the host. */
  #rangeOver(host: Host): string | undefined {
    const groups = this.#ranges.size > 0 && host.includes(':') ? parseIp(host) : undefined
    if (groups === undefined) return undefined
    for (const [text, { range, ban }] of this.#ranges) if (isInRange(groups, range) && !this.#isOver(ban)) return text
    return undefined
  }

  #isOver({ endsAt }: Ban): boolean {
    return endsAt !== undefined && this.#hasEnded(endsAt)
  }

  #hasEnded(endsAt: number): boolean {
    return endsAt !== Number.POSITIVE_INFINITY && endsAt <= this.#today()
  }

  #pronounce(known: Ban | undefined, { since = this.#today(), endsAt }: BanOptions): Ban {
    if (endsAt !== undefined && !(endsAt > since))
      throw new PoolError('invalid-argument', `endsAt: expected a date after now (${since} ms since 1970), got ${endsAt}`)
    this.#nextEnd = Math.min(this.#nextEnd, endsAt ?? this.#nextEnd)
    return { since: known?.since ?? since, endsAt }
  }

  /** Gives the entry of an address its end, and its peers to it; nothing is changed before all is known to fit. */
  #pronounceOver(entry: AddressEntry, options: AddressBanOptions): void {
    const peers = new Set(options.peers)
    const newcomers = [...peers].filter((peerId) => !this.#peers.has(peerId)).length
    refuseIfFull('peers', this.#peers.size + newcomers, maxBans)
    entry.ban = this.#pronounce(entry.ban, options)
    for (const peerId of peers) {
      const peer = this.#peers.get(peerId) ?? { own: undefined, along: new Set() }
      peer.along.add(entry)
      entry.peers.add(peerId)
      this.#peers.set(peerId, peer)
    }
  }

  /** Undoes what an address ban did to peers; returns those who are free now. */
  #release(entry: AddressEntry): PeerId[] {
    return [...entry.peers].filter((peerId) => {
      const peer = this.#peers.get(peerId)
      peer?.along.delete(entry)
      return peer !== undefined && this.#forgetIfFree(peerId, peer)
    })
  }

  #newEntry({ since = this.#today() }: BanOptions): AddressEntry {
    return { ban: { since, endsAt: undefined }, peers: new Set() }
  }

  #forgetIfFree(peerId: PeerId, { own, along }: PeerEntry): boolean {
    return own === undefined && along.size === 0 && this.#peers.delete(peerId)
  }
}

function rangeOf(text: string): CidrRange {
  const range = tryParseRange(text)
  if (range === undefined)
    throw new PoolError('invalid-point', `expected an address range such as 192.0.2.0/24 or 2001:db8::/32, got ${JSON.stringify(text)}`)
  return range
}

function refuseIfFull(what: string, size: number, max: number): void {
  if (size > max) throw new PoolError('table-full', `ban list of ${what}: expected at most ${max}, got ${size}`)
}
