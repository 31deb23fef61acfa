/**
 * The noun `state.access`: who is kept out, and who is trusted. What the operator banned is in `bans.ts`, what the pool greylisted by
 * itself in `greylist.ts`. A question changes nothing: it is answered as of now. `decisions/admission.ts` says what follows.
 */
import { isPublic, shareGroupOf } from '../values/address.ts'
import type { Attempt, RunningConnection } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import { rangeTest } from '../values/ip.ts'
import type { DisconnectReason } from '../values/reason.ts'
import { noBackoff } from './attempt.ts'
import type { BanLists, BanOptions, Bans, Lifted } from './bans.ts'
import { Greylist, type GreylistedHost, type GreylistedPeer } from './greylist.ts'
import { noteReport } from './peer.ts'
import { resetReconnection } from './point.ts'
import { type Block, cancelAttempts, type Parts } from './pool-view.ts'

/** Greylisted hosts kept per KiB of `ipGreylistSizeKiB`: one takes about 128 bytes. */
const hostsPerKiB = 8
/** A peer that was connected for so long in all, ms, is known. */
const goodConnectionMs = 10_000

export interface GreylistRequest {
  readonly peerId?: PeerId | undefined
  readonly host?: Host | undefined
  /** For people. */
  readonly cause: string
  /** The operator asked for it. @default false */
  readonly byOperator?: boolean
}

export interface HostBanOptions extends BanOptions {
  /** Ban those that are connected from there, too. @default true */
  readonly banPeers?: boolean | undefined
}

export class Access<PeerMeta, C extends RunningConnection> {
  readonly #parts: Parts<PeerMeta, C>
  readonly #bans: Bans
  readonly #peers: Greylist<PeerId>
  readonly #hosts: Greylist<Host>

  constructor(parts: Parts<PeerMeta, C>) {
    const { clock, config } = parts
    const { peerGreylistSize, ipGreylistSizeKiB, ipGreylistCleanupDelayMs: cleanupDelayMs } = config
    this.#parts = parts
    this.#bans = parts.bans
    this.#peers = new Greylist({ clock, cleanupDelayMs, max: peerGreylistSize, nameOf: (peerId) => peerId })
    this.#hosts = new Greylist({ clock, cleanupDelayMs, max: ipGreylistSizeKiB * hostsPerKiB, nameOf: shareGroupOf })
  }

  // Questions.

  /** Trusted by id (by itself, or as the peer that a trusted point expects), or trusted at that point. */
  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean {
    const { points, peers } = this.#parts
    if (points.get(point)?.trusted === true || peers.get(peerId)?.trusted === true) return true
    return peerId !== undefined && points.isExpectedAtTrusted(peerId)
  }

  /** See `AccessView`. */
  passesGreylist(peerId: PeerId): boolean {
    if (this.isTrusted(peerId, undefined)) return true
    const { peers, clock } = this.#parts
    const peer = peers.get(peerId)
    if (peer === undefined) return false
    const runsForMs = peer.state.kind === 'running' ? clock.now() - peer.state.connection.startedAt : 0
    return peer.connectedMs + runsForMs >= goodConnectionMs
  }

  /** A greylisting never counts on the host of a trusted point: a neighbour in its /64 may be the cause. */
  hostBlock(host: Host | undefined, spared: boolean): Block | undefined {
    if (host === undefined) return undefined
    if (this.#bans.isBannedHost(host)) return 'banned'
    return !spared && this.#hosts.has(host) && !this.#parts.points.hasTrustedHost(host) ? 'greylisted' : undefined
  }

  peerBlock(peerId: PeerId): Block | undefined {
    if (this.#bans.isBannedPeer(peerId)) return 'banned'
    return this.#peers.has(peerId) && !this.isTrusted(peerId, undefined) ? 'greylisted' : undefined
  }

  /** When the next ban ends, as a date; infinite: none does. */
  get nextBanEnd(): number {
    return this.#bans.nextEnd
  }

  bans(): BanLists {
    return this.#bans.export()
  }

  greylistedPeers(): GreylistedPeer[] {
    return this.#peers.list().map(({ item, since }) => ({ peerId: item, since }))
  }

  greylistedHosts(): GreylistedHost[] {
    return this.#hosts.list().map(({ item, since }) => ({ host: item, since }))
  }

  /** Date since which `greylistedHosts` lacks hosts that had to make room; `undefined` while it is complete. */
  get greylistUnreliableSince(): number | undefined {
    return this.#hosts.unreliableSince
  }

  // Bans. Each cancels the attempts that it concerns, closes the connections, and returns those that are closing. Octez: `Peers.ban`, `Points.ban`.

  /** Bans a peer, until `endsAt` (wall clock) or for good. Idempotent. Throws as `Bans` does. */
  banPeer(peerId: PeerId, options: BanOptions = {}): C[] {
    this.expireBans()
    this.#bans.banPeer(peerId, options)
    const { emit, running } = this.#parts
    emit('peer-banned', { peerId })
    const connection = running.get(peerId)?.connection
    const concerns = (attempt: Attempt): boolean => isWith([peerId], attempt)
    return this.#shutOut(connection === undefined ? [] : [connection], { concerns, who: `peer ${peerId}`, reason: { kind: 'peer-banned' } })
  }

  /** Bans a host, whatever the port. */
  banHost(host: Host, options: HostBanOptions): C[] {
    return this.#banAddress(options, {
      who: `host ${host}`,
      isThere: (one) => one === host,
      ban: (peers) => {
        this.#bans.banHost(host, { ...options, peers })
        this.#parts.emit('host-banned', { host })
      }
    })
  }

  /** Bans an address range such as `192.0.2.0/24`. Throws as `Bans` does. */
  banRange(text: string, options: HostBanOptions): C[] {
    return this.#banAddress(options, {
      who: `the range ${text}`,
      isThere: rangeTest([text]),
      ban: (peers) => {
        const range = this.#bans.banRange(text, { ...options, peers })
        this.#parts.emit('range-banned', { range })
      }
    })
  }

  /** Frees the peer of its ban, of bans along with its address, and of the greylist. */
  unbanPeer(peerId: PeerId): void {
    const wasGreylisted = this.#peers.remove(peerId)
    if (this.#bans.unbanPeer(peerId) || wasGreylisted) this.#lifted({ peers: [peerId], hosts: [], ranges: [] })
  }

  /** Frees the host of its ban and of the greylist, and the peers that its ban had taken along. Throws as `Bans.unbanHost`. */
  unbanHost(host: Host): void {
    const lifted = this.#bans.unbanHost(host)
    this.#lifted(this.ungreylistHost(host) && lifted.hosts.length === 0 ? { ...lifted, hosts: [host] } : lifted)
  }

  unbanRange(range: string): void {
    this.#lifted(this.#bans.unbanRange(range))
  }

  /** Lifts all bans and greylistings. Octez: `acl_clear`. */
  clear(): void {
    this.clearGreylist()
    this.#lifted(this.#bans.clear())
  }

  /** Removes bans that have ended, with the events of it. Such a ban keeps nobody out, but is listed until then. */
  expireBans(): void {
    const { hosts, peers, ranges } = this.#bans.expire()
    if (hosts.length + peers.length + ranges.length === 0) return
    this.#tellLifted({ hosts, peers, ranges })
    this.#parts.changed()
  }

  // Greylists.

  /** Greylists for a fault. A peer that is on the list already was reported, and that report decided about its host. */
  blame({ peerId, host }: Pick<Attempt, 'peerId' | 'host'>, cause: string): void {
    if (peerId !== undefined && this.peerBlock(peerId) !== undefined) return
    const { peers, clock, save } = this.#parts
    const record = peers.get(peerId)
    if (record !== undefined) {
      noteReport(record, { kind: 'fault', reason: cause, at: clock.date() })
      save()
    }
    this.greylist({ peerId, host, cause })
  }

  /**
   * Puts a peer and its host on the greylists: not a trusted peer, or one that may be it, and never the host of a trusted point. A host
   * that is not public is listed for the operator alone: there may be a proxy, and all its peers would pay for what one of them did.
   */
  greylist({ peerId, host, cause, byOperator = false }: GreylistRequest): void {
    const { points, emit, shown } = this.#parts
    if (this.isTrusted(peerId, undefined) || (host !== undefined && points.isTrustedAt(host, peerId))) return
    const isListed = host !== undefined && (byOperator || isPublic(host)) && !points.hasTrustedHost(host)
    if (peerId === undefined && !isListed) return
    if (peerId !== undefined) this.#peers.add(peerId)
    if (isListed) this.#hosts.add(host)
    emit('greylisted', { peerId, host: isListed ? host : undefined, cause })
    shown()
  }

  /** Takes a host that became trusted off the greylist; bans stay. */
  ungreylistHost(host: Host): boolean {
    return this.#hosts.remove(host)
  }

  /** Takes a peer that became trusted off the greylist; bans stay. */
  ungreylistPeer(peerId: PeerId): boolean {
    return this.#peers.remove(peerId)
  }

  /** Lifts all greylistings. Bans stay, and no event says that a banned one is free. Nothing of it is saved. */
  clearGreylist(): void {
    const peers = this.greylistedPeers().flatMap(({ peerId }) => (this.#bans.isBannedPeer(peerId) ? [] : [peerId]))
    const hosts = this.greylistedHosts().flatMap(({ host }) => (this.#bans.isBannedHost(host) ? [] : [host]))
    this.#hosts.clear()
    this.#peers.clear()
    this.#free({ peers, hosts, ranges: [] })
    this.#parts.shown()
  }

  /** Ends all greylistings a sixteenth of the clean-up delay sooner: Octez' `gc_greylist`. */
  fadeGreylist(): void {
    this.#hosts.shorten()
    this.#peers.shorten()
    this.#parts.shown()
  }

  #banAddress(
    { banPeers = true }: HostBanOptions,
    { who, isThere, ban }: { who: string; isThere: (host: Host) => boolean; ban: (peers: readonly PeerId[]) => void }
  ): C[] {
    this.expireBans()
    const { points, running, emit } = this.#parts
    // The host in the address, and the one where its name led.
    const isAt = ({ host, point }: Pick<Attempt, 'host' | 'point'>): boolean =>
      [host, points.get(point)?.address].some((one) => one !== undefined && isThere(one))
    const there = Array.from(running.values(), ({ connection }) => connection).filter((one) => one !== undefined && isAt(one)) as C[]
    const peers = banPeers ? there.map(({ peerId }) => peerId) : []
    ban(peers)
    for (const peerId of peers) emit('peer-banned', { peerId })
    return this.#shutOut(there, { concerns: (attempt) => isAt(attempt) || isWith(peers, attempt), who, reason: { kind: 'point-banned' } })
  }

  #shutOut(
    connections: C[],
    { concerns, who, reason }: { concerns: (attempt: Attempt) => boolean; who: string; reason: DisconnectReason }
  ): C[] {
    cancelAttempts(this.#parts.attempts, concerns, `${who} was banned`)
    this.#parts.changed('now')
    for (const connection of connections) void connection.disconnect(reason)
    return connections
  }

  #lifted(lifted: Lifted): void {
    if (lifted.peers.length + lifted.hosts.length + lifted.ranges.length === 0) return
    this.#free(lifted)
    this.#parts.changed('now')
  }

  /** What kept them out must not stay in the back-offs. */
  #free(lifted: Lifted): void {
    const { peers, hosts, ranges } = lifted
    const free = new Set<string | undefined>([...peers, ...hosts])
    const { points, peers: known } = this.#parts
    const isWithin = rangeTest(ranges)
    for (const record of points) {
      const { host, expectedPeerId, claimedBy, lastDisconnection } = record
      const concerned = host !== undefined && (free.has(host) || isWithin(host))
      if (concerned || free.has(expectedPeerId) || free.has(claimedBy) || free.has(lastDisconnection?.peerId)) resetReconnection(record)
    }
    for (const peerId of peers) {
      const record = known.get(peerId)
      if (record !== undefined) record.asProved().backoff = noBackoff
    }
    this.#tellLifted(lifted)
  }

  #tellLifted({ peers, hosts, ranges }: Lifted): void {
    const { emit } = this.#parts
    for (const host of hosts) emit('host-unbanned', { host })
    for (const peerId of peers) emit('peer-unbanned', { peerId })
    for (const range of ranges) emit('range-unbanned', { range })
  }
}

function isWith(peers: readonly PeerId[], { peerId, expectedPeerId }: Attempt): boolean {
  return peers.some((banned) => banned === peerId || banned === expectedPeerId)
}
