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

export interface Ban {
  readonly since: number
  readonly endsAt: number | undefined
}

/** Of an address. */
interface AddressBan extends Ban {
  /** Peers banned along. */
  readonly peers: readonly PeerId[]
}

export type PeerBan = Ban & { readonly peerId: PeerId }
export type HostBan = AddressBan & { readonly host: Host }
/** `range`: its canonical text. */
export type RangeBan = AddressBan & { readonly range: string }

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

/** A ban in force or over. Peers that were banned along with an address hold the ban of the address itself, so that they end with it. */
interface Entry {
  readonly kind: 'peer' | 'host' | 'range'
  readonly since: number
  endsAt: number | undefined
  /** Of a range. */
  readonly range?: CidrRange | undefined
}

const nothingLifted: Lifted = { hosts: [], peers: [], ranges: [] }

export class Bans {
  /** Today, as a date. Not asked while no ban ends. */
  readonly #today: () => number
  /** By peer all bans that keep it out, one at least: its own, and those of addresses. */
  readonly #peers = new Map<PeerId, Set<Entry>>()
  readonly #hosts = new Map<Host, Entry>()
  /** By canonical text. */
  readonly #ranges = new Map<string, Entry>()
  /** No ban ends before. */
  #nextEnd = Number.POSITIVE_INFINITY

  constructor(today: () => number) {
    this.#today = today
  }

  isBannedPeer(peerId: PeerId): boolean {
    for (const ban of this.#peers.get(peerId) ?? []) if (!this.#isOver(ban)) return true
    return false
  }

  isBannedHost(host: Host): boolean {
    const ban = this.#hosts.get(host)
    return (ban !== undefined && !this.#isOver(ban)) || this.#rangeOver(host) !== undefined
  }

  /** Banning again changes the end and nothing else. Throws `PoolError` `table-full`, `invalid-argument` for an end that is past. */
  banPeer(peerId: PeerId, options: BanOptions): void {
    const known = this.#peers.get(peerId)
    if (known === undefined) refuseIfFull('peers', this.#peers.size + 1, maxBans)
    const own = [...(known ?? [])].find(({ kind }) => kind === 'peer')
    this.#peers.set(peerId, (known ?? new Set()).add(this.#pronounce(own, { ...options, kind: 'peer' })))
  }

  /** The peer is free, whatever banned it. Returns false if it was. */
  unbanPeer(peerId: PeerId): boolean {
    return this.#peers.delete(peerId)
  }

  /** Banning again changes the end and adds peers. Throws as `banPeer` does, with nothing changed. */
  banHost(host: Host, options: AddressBanOptions): void {
    const known = this.#hosts.get(host)
    if (known === undefined) refuseIfFull('hosts', this.#hosts.size + 1, maxBans)
    this.#hosts.set(host, this.#pronounceOver(known, { ...options, kind: 'host' }))
  }

  /**
   * The host is free, and the peers that its ban had banned along are. Throws `PoolError` `invalid-argument` where a range around it is
   * banned: that ban must be lifted.
   */
  unbanHost(host: Host): Lifted {
    const range = this.#rangeOver(host)
    if (range !== undefined)
      throw new PoolError('invalid-argument', `unbanHost: ${host} is in the banned range ${range}: lift the ban of the range`)
    const ban = this.#hosts.get(host)
    return this.#hosts.delete(host) ? { hosts: [host], peers: this.#release((one) => one === ban), ranges: [] } : nothingLifted
  }

  /** As `banHost`. Returns the canonical text. Throws also `PoolError` `invalid-point`. */
  banRange(text: string, options: AddressBanOptions): string {
    const range = rangeOf(text)
    const known = this.#ranges.get(range.text)
    if (known === undefined) refuseIfFull('ranges', this.#ranges.size + 1, maxRanges)
    this.#ranges.set(range.text, this.#pronounceOver(known, { ...options, kind: 'range', range }))
    return range.text
  }

  /** Lifts the ban of exactly this range; hosts banned by themselves stay banned. */
  unbanRange(text: string): Lifted {
    const range = rangeOf(text).text
    const ban = this.#ranges.get(range)
    return this.#ranges.delete(range) ? { hosts: [], peers: this.#release((one) => one === ban), ranges: [range] } : nothingLifted
  }

  expire(): Lifted {
    if (!this.#hasEnded(this.#nextEnd)) return nothingLifted
    const lift = <Key>(bans: Map<Key, Entry>): Key[] => {
      const over = [...bans].filter(([, ban]) => this.#isOver(ban)).map(([key]) => key)
      for (const key of over) bans.delete(key)
      return over
    }
    const lifted = { hosts: lift(this.#hosts), ranges: lift(this.#ranges), peers: this.#release((ban) => this.#isOver(ban)) }
    const left = [...this.#hosts.values(), ...this.#ranges.values(), ...Array.from(this.#peers.values(), (bans) => [...bans]).flat()]
    this.#nextEnd = left.reduce((next, { endsAt = next }) => Math.min(next, endsAt), Number.POSITIVE_INFINITY)
    return lifted
  }

  clear(): Lifted {
    const lifted = { peers: [...this.#peers.keys()], hosts: [...this.#hosts.keys()], ranges: [...this.#ranges.keys()] }
    for (const bans of [this.#peers, this.#hosts, this.#ranges]) bans.clear()
    this.#nextEnd = Number.POSITIVE_INFINITY
    return lifted
  }

  get nextEnd(): number {
    return this.#nextEnd
  }

  export(): BanLists {
    const peers: PeerBan[] = []
    const along = new Map<Entry, PeerId[]>([...this.#hosts.values(), ...this.#ranges.values()].map((ban) => [ban, []]))
    for (const [peerId, bans] of this.#peers) {
      for (const { kind, since, endsAt } of bans) if (kind === 'peer') peers.push({ peerId, since, endsAt })
      for (const ban of bans) along.get(ban)?.push(peerId)
    }
    const isInForce = ([, ban]: readonly [unknown, Ban]): boolean => !this.#isOver(ban)
    const listed = (ban: Entry): AddressBan => ({ since: ban.since, endsAt: ban.endsAt, peers: along.get(ban) ?? [] })
    return {
      peers: peers.filter((ban) => !this.#isOver(ban)),
      hosts: [...this.#hosts].filter(isInForce).map(([host, ban]) => ({ host, ...listed(ban) })),
      ranges: [...this.#ranges].filter(isInForce).map(([range, ban]) => ({ range, ...listed(ban) }))
    }
  }

  /** A banned range that holds the host. */
  #rangeOver(host: Host): string | undefined {
    const groups = this.#ranges.size > 0 && host.includes(':') ? parseIp(host) : undefined
    if (groups === undefined) return undefined
    for (const [text, ban] of this.#ranges) if (ban.range !== undefined && isInRange(groups, ban.range) && !this.#isOver(ban)) return text
    return undefined
  }

  #isOver({ endsAt }: Ban): boolean {
    return endsAt !== undefined && this.#hasEnded(endsAt)
  }

  #hasEnded(endsAt: number): boolean {
    return endsAt !== Number.POSITIVE_INFINITY && endsAt <= this.#today()
  }

  /** The known ban with another end, or a new one. */
  #pronounce(known: Entry | undefined, { since = this.#today(), endsAt, kind, range }: BanOptions & Pick<Entry, 'kind' | 'range'>): Entry {
    if (endsAt !== undefined && !(endsAt > since))
      throw new PoolError('invalid-argument', `endsAt: expected a date after now (${since} ms since 1970), got ${endsAt}`)
    this.#nextEnd = Math.min(this.#nextEnd, endsAt ?? this.#nextEnd)
    return Object.assign(known ?? { kind, since, range }, { endsAt })
  }

  /** The same of an address; its peers hold it too. Nothing is changed before all is known to fit. */
  #pronounceOver(known: Entry | undefined, options: AddressBanOptions & Pick<Entry, 'kind' | 'range'>): Entry {
    const peers = new Set(options.peers)
    const newcomers = [...peers].filter((peerId) => !this.#peers.has(peerId)).length
    refuseIfFull('peers', this.#peers.size + newcomers, maxBans)
    const ban = this.#pronounce(known, options)
    for (const peerId of peers) this.#peers.set(peerId, (this.#peers.get(peerId) ?? new Set()).add(ban))
    return ban
  }

  /** Takes such bans from all peers; returns those that none holds any more. */
  #release(isLifted: (ban: Entry) => boolean): PeerId[] {
    const free: PeerId[] = []
    for (const [peerId, bans] of this.#peers) {
      for (const ban of bans) if (isLifted(ban)) bans.delete(ban)
      if (bans.size === 0 && this.#peers.delete(peerId)) free.push(peerId)
    }
    return free
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
