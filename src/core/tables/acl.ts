/**
 * Who is kept out: what the operator banned and what the pool greylisted by itself. `doorkeeper.ts` asks it, and knows
 * who is trusted; `pool-state.ts` owns it; closing connections and events are its
 * matter too. Nothing here reads a clock: `advance` is called before questions are asked, and costs two comparisons
 * when nothing is due.
 */
import type { PoolConfig } from '../values/config.ts'
import type { Host, PeerId } from '../values/ids.ts'
import { type AddressBanOptions, type BanLists, type BanOptions, Bans, type Lifted } from './bans.ts'
import type { AddressGreylist, GreylistedHost, GreylistFigures } from './greylist.ts'
import { type GreylistedPeer, PeerGreylist } from './peer-greylist.ts'
import type { Bar } from './pool-view.ts'

/** Steps of fading per clean-up delay, as in the original; a listing lives through fifteen of them. */
const stepsPerDelay = 16
/** Hosts that the operator greylists before the pool has started; more are not taken. */
const maxEarly = 1_024

export interface AccessListOptions extends Pick<PoolConfig, 'peerGreylistSize' | 'ipGreylistCleanupDelayMs'> {
  /** Monotonic, ms. */
  readonly now: number
}

export class AccessList {
  readonly #bans = new Bans()
  /** Loaded a little later than the rest (`adopt`). */
  #hosts: AddressGreylist | undefined
  /** Hosts greylisted before, with their dates. */
  readonly #early = new Map<Host, number>()
  readonly #peers: PeerGreylist
  readonly #stepMs: number
  /** When the last step of fading was due, monotonic. */
  #fadedAt: number

  constructor({ peerGreylistSize, ipGreylistCleanupDelayMs, now }: AccessListOptions) {
    if (!(ipGreylistCleanupDelayMs > 0))
      throw new RangeError(`greylist clean-up delay: expected ms above 0, got ${ipGreylistCleanupDelayMs}`)
    this.#peers = new PeerGreylist(peerGreylistSize)
    this.#stepMs = ipGreylistCleanupDelayMs / stepsPerDelay
    this.#fadedAt = now
  }

  /** Takes over the greylist of hosts, with those that were listed before. Called once. */
  adopt(hosts: AddressGreylist): void {
    this.#hosts = hosts
    for (const [host, date] of this.#early) hosts.add(host, date)
    this.#early.clear()
  }

  /** Nothing is listed that time would take off, so that a question needs no `advance` before it, nor a look at the clock. */
  get isTimeless(): boolean {
    return this.#bans.isEndless && this.#hosts?.isEmpty !== false && this.#peers.size === 0
  }

  /** Is the host kept out? A ban counts for everybody, a greylisting for strangers: `spared` says that this is none. */
  hostBar(host: Host, spared: boolean): Bar | undefined {
    if (this.#bans.isBannedHost(host)) return 'banned'
    return !spared && (this.#hosts?.has(host) ?? this.#early.has(host)) ? 'greylisted' : undefined
  }

  /** Is the peer kept out? */
  peerBar(peerId: PeerId, trusted: boolean): Bar | undefined {
    if (this.#bans.isBannedPeer(peerId)) return 'banned'
    return !trusted && this.#peers.has(peerId) ? 'greylisted' : undefined
  }

  /** Bans the peer until `endsAt` or for good; again: changes the end only. Throws `PoolError` `table-full`, `RangeError` for an end in the past. */
  banPeer(peerId: PeerId, options: BanOptions): void {
    this.#bans.banPeer(peerId, options)
  }

  /** Frees the peer of its ban, of bans along with its address, and of the greylist. Returns false if it was free. */
  unbanPeer(peerId: PeerId): boolean {
    const wasGreylisted = this.#peers.remove(peerId)
    return this.#bans.unbanPeer(peerId) || wasGreylisted
  }

  /** Bans the host, and `peers` as long as it is. Throws as `banPeer` does. */
  banHost(host: Host, options: AddressBanOptions): void {
    this.#bans.banHost(host, options)
  }

  /** Frees the host of its ban, of the bans of ranges around it, and of the greylist; and the peers that its ban had taken along. */
  unbanHost(host: Host): Lifted {
    const lifted = this.#bans.unbanHost(host)
    return this.ungreylistHost(host) && lifted.hosts.length === 0 ? { ...lifted, hosts: [host] } : lifted
  }

  /** Bans all addresses of a range such as `192.0.2.0/24`; returns its canonical text. Throws also `PoolError` `invalid-point`. */
  banRange(range: string, options: AddressBanOptions): string {
    return this.#bans.banRange(range, options)
  }

  /** Lifts the ban of exactly that range. Throws `PoolError` `invalid-point`. */
  unbanRange(range: string): Lifted {
    return this.#bans.unbanRange(range)
  }

  /** For hosts that gave cause and are not trusted: the caller has looked. */
  greylistHost(host: Host, date: number): void {
    if (this.#hosts !== undefined) this.#hosts.add(host, date)
    else if (this.#early.size < maxEarly) this.#early.set(host, date)
  }

  /** For peers that gave cause and are not trusted: the caller has looked. */
  greylistPeer(peerId: PeerId, date: number): void {
    this.#peers.add(peerId, date)
  }

  /** Takes a host that became trusted off the greylist; bans stay. */
  ungreylistHost(host: Host): boolean {
    return this.#hosts?.remove(host) ?? this.#early.delete(host)
  }

  /** Takes a peer that became trusted off the greylist; bans stay. */
  ungreylistPeer(peerId: PeerId): boolean {
    return this.#peers.remove(peerId)
  }

  /**
   * Lets time pass: greylistings fade by what went by on the monotonic clock since the last call, in one go also after
   * days asleep, and bans end by their date. Returns what bans ended.
   */
  advance({ now, date }: { readonly now: number; readonly date: number }): Lifted {
    const steps = Math.floor((now - this.#fadedAt) / this.#stepMs)
    if (steps > 0) {
      this.#fadedAt += steps * this.#stepMs
      this.#fade(Math.min(steps, stepsPerDelay))
    }
    return this.#bans.endUntil(date)
  }

  /** One step of fading now, whatever the clock says: the original's `gc_greylist`. */
  gcGreylist(): void {
    this.#fade(1)
  }

  /** Forgets all greylisted hosts. Greylisted peers and bans stay, as in the original. */
  clearGreylist(): void {
    this.#early.clear()
    this.#hosts?.clear()
  }

  /** Forgets everything; returns what was listed. */
  clear(): Lifted {
    const peers = new Set([...this.bannedPeers(), ...this.greylistedPeers().map(({ peerId }) => peerId)])
    const hosts = new Set([...this.bannedHosts(), ...this.greylistedHosts().map(({ host }) => host)])
    const lifted = { peers: [...peers], hosts: [...hosts], ranges: this.ranges() }
    this.#bans.clear()
    this.clearGreylist()
    this.#peers.clear()
    return lifted
  }

  bannedPeers(): PeerId[] {
    return this.#bans.bannedPeers()
  }

  /** Without the ranges. */
  bannedHosts(): Host[] {
    return this.#bans.bannedHosts()
  }

  /** Canonical texts. */
  ranges(): string[] {
    return this.#bans.bannedRanges()
  }

  greylistedPeers(): GreylistedPeer[] {
    return this.#peers.list()
  }

  greylistedHosts(): GreylistedHost[] {
    return this.#hosts?.list() ?? Array.from(this.#early, ([host, since]) => ({ host, since }))
  }

  /** Date since which `greylistedHosts` lacks hosts that may still be greylisted; `undefined` while it is complete. */
  get greylistUnreliableSince(): number | undefined {
    return this.#hosts?.unreliableSince
  }

  /** `undefined` before the first start. */
  greylistFigures(): GreylistFigures | undefined {
    return this.#hosts?.figures()
  }

  /** The bans, to be saved. */
  export(): BanLists {
    return this.#bans.export()
  }

  #fade(steps: number): void {
    this.#hosts?.fade(steps)
    this.#peers.fade(steps)
  }
}
