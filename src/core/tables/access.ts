/**
 * Who is kept out: what the operator banned (`bans.ts`) and what the pool greylisted by itself, together with trust and with what
 * earlier connections showed. `pool-state.ts` owns both classes and passes its questions on to `Doorkeeper`;
 * `decisions/admission.ts` says what follows. Closing connections is the owner's matter.
 */
import { isPublic } from '../values/address.ts'
import type { Attempt } from '../values/attempt.ts'
import { freshLevel } from '../values/bounds.ts'
import type { PoolConfig } from '../values/config.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Clock } from '../values/ports.ts'
import { Bans, type Lifted } from './bans.ts'
import type { AddressGreylist, GreylistedHost, GreylistFigures } from './greylist.ts'
import { noteReport } from './peer.ts'
import type { PeerTable } from './peer-table.ts'
import type { PointTable } from './point-table.ts'

/** Why an address or a peer is kept out. */
export type Bar = 'banned' | 'greylisted'

/** Of what kind a change is. Nothing said: of something that is saved. `operator`: saved at once. `shown`: nothing that is saved changed. */
export type Change = 'operator' | 'shown'

export interface GreylistedPeer {
  readonly peerId: PeerId
  /** When it last gave cause, as a date. */
  readonly since: number
}

/** Peer ids that broke the protocol. Bounded, first in, first out; listing a peer again makes it the newest. Memory only. */
export class PeerGreylist {
  readonly #maxPeers: number
  /** The oldest first, which is also the order of fading. */
  readonly #entries = new Map<PeerId, { readonly since: number; readonly fadesAt: number }>()
  /** Steps of fading so far. */
  #steps = 0

  /** `maxPeers` 0 keeps none. */
  constructor(maxPeers: number) {
    if (!Number.isInteger(maxPeers) || maxPeers < 0)
      throw new RangeError(`peer greylist size: expected a whole number from 0, got ${maxPeers}`)
    this.#maxPeers = maxPeers
  }

  get size(): number {
    return this.#entries.size
  }

  /** Lists the peer, or makes its listing fresh. */
  add(peerId: PeerId, date: number): void {
    this.#entries.delete(peerId)
    this.#entries.set(peerId, { since: date, fadesAt: this.#steps + freshLevel })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxPeers) return
      this.#entries.delete(oldest)
    }
  }

  has(peerId: PeerId): boolean {
    return this.#entries.has(peerId)
  }

  /** Returns false if it was not listed. */
  remove(peerId: PeerId): boolean {
    return this.#entries.delete(peerId)
  }

  /** So many sixteenths of the clean-up delay have passed: a listing lasts as long as that of a host. */
  fade(steps = 1): void {
    this.#steps += steps
    for (const [peerId, { fadesAt }] of this.#entries) {
      if (fadesAt > this.#steps) return
      this.#entries.delete(peerId)
    }
  }

  clear(): void {
    this.#entries.clear()
  }

  /** The newest last. */
  list(): GreylistedPeer[] {
    return Array.from(this.#entries, ([peerId, { since }]) => ({ peerId, since }))
  }
}

/** Steps of fading per clean-up delay, as in the original. */
const stepsPerDelay = freshLevel + 1
/** Hosts that the operator greylists before the pool has started; more are not taken. */
const maxEarly = 1_024

export interface AccessListOptions extends Pick<PoolConfig, 'peerGreylistSize' | 'ipGreylistCleanupDelayMs'> {
  /** Monotonic, ms. */
  readonly now: number
}

/** The lists. Nothing here reads a clock: `advance` is called before questions are asked, and costs two comparisons when nothing is due. */
export class AccessList {
  /** What the operator banned. Lifting a ban is for `unbanPeer` and `unbanHost`, which free from the greylists too. */
  readonly bans = new Bans()
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
    return this.bans.isEndless && this.#hosts?.isEmpty !== false && this.#peers.size === 0
  }

  /** Is the host kept out? A ban counts for everybody, a greylisting for strangers: `spared` says that this is none. */
  hostBar(host: Host, spared: boolean): Bar | undefined {
    if (this.bans.isBannedHost(host)) return 'banned'
    return !spared && (this.#hosts?.has(host) ?? this.#early.has(host)) ? 'greylisted' : undefined
  }

  /** Is the peer kept out? */
  peerBar(peerId: PeerId, trusted: boolean): Bar | undefined {
    if (this.bans.isBannedPeer(peerId)) return 'banned'
    return !trusted && this.#peers.has(peerId) ? 'greylisted' : undefined
  }

  /** Frees the peer of its ban, of bans along with its address, and of the greylist. Returns false if it was free. */
  unbanPeer(peerId: PeerId): boolean {
    const wasGreylisted = this.#peers.remove(peerId)
    return this.bans.unbanPeer(peerId) || wasGreylisted
  }

  /** Frees the host of its ban, of the bans of ranges around it, and of the greylist; and the peers that its ban had taken along. */
  unbanHost(host: Host): Lifted {
    const lifted = this.bans.unbanHost(host)
    return this.ungreylistHost(host) && lifted.hosts.length === 0 ? { ...lifted, hosts: [host] } : lifted
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
    return this.bans.endUntil(date)
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
    const peers = new Set([...this.bans.bannedPeers(), ...this.greylistedPeers().map(({ peerId }) => peerId)])
    const hosts = new Set([...this.bans.bannedHosts(), ...this.greylistedHosts().map(({ host }) => host)])
    const lifted = { peers: [...peers], hosts: [...hosts], ranges: this.bans.bannedRanges() }
    this.bans.clear()
    this.clearGreylist()
    this.#peers.clear()
    return lifted
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

  #fade(steps: number): void {
    this.#hosts?.fade(steps)
    this.#peers.fade(steps)
  }
}

/** A peer that was connected for so long in all, ms, is no stranger. */
const goodConnectionMs = 10_000

/** Which peer and host to greylist, and why. */
export interface GreylistRequest {
  readonly peerId?: PeerId | undefined
  readonly host?: Host | undefined
  /** For people. */
  readonly cause: string
  /** The operator asked for it. @default false */
  readonly byOperator?: boolean
}

/** What it reads and calls; `PoolStateParts` has more. */
interface Parts<PeerMeta> {
  readonly access: AccessList
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly clock: Clock
  readonly emit: <Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]) => void
  readonly changed: (what?: Change) => void
}

/** Asks the lists, and knows who is trusted. */
export class Doorkeeper<PeerMeta> {
  readonly #parts: Parts<PeerMeta>

  constructor(parts: Parts<PeerMeta>) {
    this.#parts = parts
  }

  /** Trusted by id (by itself, or as the peer that a trusted point expects), or trusted at that point. */
  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean {
    const { points, peers } = this.#parts
    if (point !== undefined && points.get(point)?.trusted === true) return true
    return peerId !== undefined && (peers.get(peerId)?.trusted === true || points.isExpectedAtTrusted(peerId))
  }

  /** See `PoolView.passesGreylist`. */
  passesGreylist(peerId: PeerId): boolean {
    if (this.isTrusted(peerId, undefined)) return true
    const { peers, clock } = this.#parts
    const peer = peers.get(peerId)
    if (peer === undefined) return false
    const runsForMs = peer.state.kind === 'running' ? clock.now() - peer.state.connection.startedAt : 0
    return peer.connectedMs + runsForMs >= goodConnectionMs
  }

  /** A greylisting never counts on the host of a trusted point: a neighbour in its /64, or the filter's error, may be the cause. */
  hostBar(host: Host | undefined, spared: boolean): Bar | undefined {
    const bar = host === undefined ? undefined : this.#accessToAsk.hostBar(host, spared)
    return bar === 'greylisted' && host !== undefined && this.#parts.points.hasTrustedHost(host) ? undefined : bar
  }

  peerBar(peerId: PeerId): Bar | undefined {
    const bar = this.#accessToAsk.peerBar(peerId, false)
    return bar === 'greylisted' && this.isTrusted(peerId, undefined) ? undefined : bar
  }

  /** `access` without its look at the clock where time changes no answer: this is asked for every point of every message. */
  get #accessToAsk(): AccessList {
    return this.#parts.access.isTimeless ? this.#parts.access : this.access
  }

  /** The access lists as of now: what is due to fade or end has done so. */
  get access(): AccessList {
    const { access, clock, emit, changed } = this.#parts
    const { hosts, peers, ranges } = access.advance({ now: clock.now(), date: clock.date() })
    for (const host of hosts) emit('host-unbanned', { host })
    for (const peerId of peers) emit('peer-unbanned', { peerId })
    for (const range of ranges) emit('range-unbanned', { range })
    if (hosts.length + peers.length + ranges.length > 0) changed()
    return access
  }

  /** Greylists for a fault. A peer that is on the list already was reported, and that report decided about its host. */
  blame({ peerId, host }: Pick<Attempt, 'peerId' | 'host'>, cause: string): void {
    if (peerId !== undefined && this.peerBar(peerId) !== undefined) return
    const { peers, clock, changed } = this.#parts
    const record = peerId === undefined ? undefined : peers.get(peerId)
    if (record !== undefined) {
      noteReport(record, { kind: 'fault', reason: cause, at: clock.date() })
      changed()
    }
    this.greylist({ peerId, host, cause })
  }

  /**
   * Puts a peer and its host on the automatic lists: not a trusted peer, or one that may be it, and never the host of a trusted point.
   * A host that is not public is listed for the operator alone: there may be a proxy, and all its peers would pay for what one of
   * them did.
   */
  greylist({ peerId, host, cause, byOperator = false }: GreylistRequest): void {
    const { points, clock, emit, changed } = this.#parts
    if (this.isTrusted(peerId, undefined) || (host !== undefined && points.isTrustedAt(host, peerId))) return
    const isListed = host !== undefined && (byOperator || isPublic(host)) && !points.hasTrustedHost(host)
    if (peerId === undefined && !isListed) return
    const { access } = this
    const date = clock.date()
    if (peerId !== undefined) access.greylistPeer(peerId, date)
    if (isListed) access.greylistHost(host, date)
    emit('greylisted', { peerId, host: isListed ? host : undefined, cause })
    // Greylists are not saved.
    changed('shown')
  }
}
