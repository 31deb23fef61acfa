/**
 * How much of the point table each source, address group and host may hold, and which untried points go first when room is needed. Owned
 * by `point-table.ts`, which asks before it inserts and reports every change; nothing is removed here.
 *
 * The rules, all in parts of the table's `max` (in brackets: of 400):
 * - one source: a twentieth of the known points [20], 1/40 of `max` [10] while few are known. Untried points and, tried or
 *   not, those that it said are its own; so a source whose points prove good may advertise more. All peers that are seen in one
 *   address group are one source, under the name of the first: new ids cost a liar nothing, and neither does coming back;
 * - one address group: 3/64 [18] untried and 1/64 [6] tried points: `docs/security.md` says what an eclipse costs then. Four times
 *   that for the group of a relay, which stands for many peers; no quota for groups on private and loopback addresses, since a
 *   whole local network is one;
 * - tried points keep half of the table [200]: no point from an unknown peer pushes one of these out (`bounded-table.ts`).
 * Points of the operator and the storage have no quota and go last; the local discovery counts for five sources.
 *
 * Each quota is the size of a set.
 */
import { isLocal, type PointAddress, shareGroupOf } from '../values/address.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import { isCollectable, isTried } from './bounded-table.ts'
import { type DiscoverySource, lastFailureAt, lastSeenAt, type PointInfo, type PointRecord } from './point.ts'

/** A source may replace a point of its own that nobody tried for so long; younger ones stay: a message names its best first. */
const staleAfterMs = 3_600_000

/** So many failed dials in a row are chance. After them the source's other untried points wait for `firstHoldMs`, then twice as long each time. */
const maxFailedDials = 8
const firstHoldMs = 1_000
const maxHoldMs = 60_000

/** A discovery of libp2p (DHT, mDNS, bootstrap list) brings the points of many peers as one source. */
const discoveryWeight = 5
const relayWeight = 4

/** The points of one source. Peers of one address group, or a source without a peer: operator, storage, discovery. */
interface PointSource {
  /** The first of the peers, which its records name, or the discovery source. */
  readonly key: string
  /** Where these peers are seen, as `sourceGroupOf` has it; none: not known yet, or counted by id. */
  group: string | undefined
  /** How many ordinary sources it counts for; infinite: it has no quota and is collected last. */
  readonly weight: number
  /** Those that its quota counts, in any state, in order of insertion. */
  readonly points: Set<PointRecord>
  /** Failed dials to untried points of a peer, in a row but for those during a hold; halved by one that proves good. */
  failures: number
  /** Monotonic instant up to which maintenance dials no untried point of it. */
  heldUntil: number
}

/** The points of one address group that quotas count. */
interface PointGroup {
  /** Those that operator and storage did not bring, in any state. */
  readonly untried: Set<PointRecord>
  readonly tried: Set<PointRecord>
}

export class PointQuota {
  readonly #max: number
  readonly sources = new Map<string, PointSource>()
  /** The source of an address group; as many as sources at most. */
  readonly #byGroup = new Map<string, PointSource>()
  readonly groups = new Map<string, PointGroup>()

  /** `max` is infinite for a table without bound: nothing has a quota then, and nothing is ever collected. */
  constructor(max: number) {
    this.#max = max
  }

  /** The name under which the points of a peer in this address group are counted: its own, if nobody there is known as a source. */
  nameOf(peerId: PeerId | undefined, group: string | undefined): PeerId | undefined {
    const source = peerId === undefined || group === undefined ? undefined : this.#byGroup.get(group)
    return source === undefined ? peerId : (source.key as PeerId)
  }

  /** May this source advertise one more point, when so many are known? At its quota: the point of its own to give for it, if any. */
  placeFor(
    source: PeerId | undefined,
    discoverySource: DiscoverySource,
    { known, at }: { known: number; at: number }
  ): PointRecord | 'free' | 'full' {
    const holder = this.sources.get(source ?? discoverySource)
    if (holder === undefined) return 'free'
    const quota = Math.max(1, Math.floor(this.#max / 40), Math.floor((known + 1) / 20)) * holder.weight
    if (holder.points.size < quota) return 'free'
    const first = firstToGo(holder.points)
    return first !== undefined && (hasFailed(first) || at - first.discoveredAt >= staleAfterMs) ? first : 'full'
  }

  /** May the group hold one more untried point, at this host? At its quota: the failed point to give for it, if any. */
  placeIn(key: string, host: Host | undefined): PointRecord | 'free' | 'full' {
    const untried = this.groups.get(key)?.untried
    if (untried === undefined || untried.size < this.#groupQuota(host, 3)) return 'free'
    const first = firstToGo(untried)
    return first !== undefined && hasFailed(first) ? first : 'full'
  }

  /** `sourceGroup`: the address group where its source is seen, if any. */
  add(record: PointRecord, sourceGroup: string | undefined): void {
    const { source: peerId, discoverySource } = record
    const source = this.#sourceOf(peerId ?? discoverySource, peerId === undefined ? weightOf(discoverySource) : 1)
    source.points.add(record)
    record.holder = source
    if (sourceGroup !== undefined && peerId !== undefined && source.group === undefined && !this.#byGroup.has(sourceGroup)) {
      source.group = sourceGroup
      this.#byGroup.set(sourceGroup, source)
    }
    if (!isUncapped(discoverySource)) this.#groupOf(record).untried.add(record)
    this.refresh(record)
  }

  remove(record: PointRecord): void {
    this.#uncount(record)
    const group = this.#groupOf(record)
    group.untried.delete(record)
    group.tried.delete(record)
    if (group.untried.size + group.tried.size === 0) this.groups.delete(record.group)
  }

  /** To be called after each change of a record. True: it has just become a tried one. */
  refresh(record: PointRecord): boolean {
    if (!isTried(record)) return false
    const group = this.#groupOf(record)
    if (group.tried.has(record)) return false
    group.untried.delete(record)
    group.tried.add(record)
    if (record.discoverySource !== 'hello') {
      const source = this.#uncount(record)
      if (source !== undefined) {
        source.failures >>= 1
        source.heldUntil = Number.NEGATIVE_INFINITY
      }
    }
    return true
  }

  /**
   * A dial failed. While that goes on with the untried points of one peer, all of them wait: otherwise a peer could have us dial
   * hosts of its choice as fast as we can, by advertising bogus points. Dials that had begun before the wait make it no longer.
   */
  failed(record: PointRecord, now: number): void {
    const source = record.source === undefined || isTried(record) ? undefined : this.sources.get(record.source)
    if (source === undefined || now < source.heldUntil) return
    source.failures++
    const beyond = source.failures - maxFailedDials
    if (beyond > 0) source.heldUntil = now + Math.min(firstHoldMs * 2 ** (beyond - 1), maxHoldMs)
  }

  /**
   * The untried points that may be collected, in the order in which they go: each of the source that has most then, over its weight.
   * So large sources share the loss, and small ones keep what they have; among equals the newest source goes first.
   */
  untried(): PointRecord[] {
    const ranked: { readonly record: PointRecord; readonly load: number }[] = []
    for (const { points, weight } of [...this.sources.values()].reverse()) {
      const order = [...points].filter(mayGo).sort(byFailure)
      for (const [i, record] of order.entries()) ranked.push({ record, load: Math.ceil((order.length - i) / weight) })
    }
    return ranked.sort((a, b) => b.load - a.load).map(({ record }) => record)
  }

  /** The tried points to give up because the record's group holds more than its quota, the least recently seen ones; never the record. */
  surplusBeside(record: PointRecord): PointRecord[] {
    const { tried } = this.#groupOf(record)
    const surplus = Math.max(0, tried.size - this.#groupQuota(record.host, 1))
    if (surplus === 0) return []
    const others = [...tried].filter((other) => other !== record && isCollectable(other))
    return others.sort((a, b) => (lastSeenAt(a) ?? 0) - (lastSeenAt(b) ?? 0)).slice(0, surplus)
  }

  /** So many 64ths of the table. `host`: one of the group; none: the group of a relay, or of one point alone. */
  #groupQuota(host: Host | undefined, parts: number): number {
    const weight = host === undefined ? relayWeight : isLocal(host) ? Number.POSITIVE_INFINITY : 1
    return Math.max(1, Math.floor((this.#max * parts) / 64)) * weight
  }

  #sourceOf(key: string, weight: number): PointSource {
    const known = this.sources.get(key)
    if (known !== undefined) return known
    const source = { key, group: undefined, weight, points: new Set<PointRecord>(), failures: 0, heldUntil: Number.NEGATIVE_INFINITY }
    this.sources.set(key, source)
    return source
  }

  /** Made if there is none. */
  #groupOf({ group: key }: PointRecord): PointGroup {
    const known = this.groups.get(key)
    if (known !== undefined) return known
    const group = { untried: new Set<PointRecord>(), tried: new Set<PointRecord>() }
    this.groups.set(key, group)
    return group
  }

  /** Its source's quota counts it no longer. Returns the source, if it was counted. */
  #uncount(record: PointRecord): PointSource | undefined {
    const source = this.sources.get(record.source ?? record.discoverySource)
    record.holder = undefined
    if (source?.points.delete(record) !== true) return undefined
    if (source.points.size === 0) {
      this.sources.delete(source.key)
      if (source.group !== undefined) this.#byGroup.delete(source.group)
    }
    return source
  }
}

/** Brought by the operator, now or in an earlier run. */
export function isUncapped(discoverySource: DiscoverySource): boolean {
  return discoverySource === 'operator' || discoverySource === 'storage'
}

/** Of a source that is no peer. */
function weightOf(discoverySource: DiscoverySource): number {
  return isUncapped(discoverySource) ? Number.POSITIVE_INFINITY : discoverySource === 'discovery' ? discoveryWeight : 1
}

function mayGo(record: PointRecord): boolean {
  return isCollectable(record) && !isTried(record)
}

/** Those where a dial failed come first, the oldest failure first; then the longest known. */
function byFailure(a: PointRecord, b: PointRecord): number {
  return failedAt(a) - failedAt(b)
}

function failedAt(record: PointRecord): number {
  return lastFailureAt(record) ?? Number.MAX_VALUE
}

function firstToGo(points: ReadonlySet<PointRecord>): PointRecord | undefined {
  let first: PointRecord | undefined
  for (const record of points) if (mayGo(record) && (first === undefined || byFailure(record, first) < 0)) first = record
  return first
}

function hasFailed(record: PointRecord): boolean {
  return lastFailureAt(record) !== undefined
}

/** A peer has one point per transport and address family, seldom more. */
const maxUntriedPoints = 4
/** Dials within the window; enough for a peer's TCP, WebSocket and WebTransport point. */
export const maxDials = 3
const dialWindowMs = 600_000
/** Hosts whose dials are remembered; the one dialed least recently goes first. */
export const maxHosts = 4_096

/**
 * How many points at one host the pool takes on the word of unknown peers, and how often it dials them: otherwise anybody could have us
 * scan ports, by advertising bogus points.
 *
 * The host is one IPv4 address, one IPv6 /64 or one name (`shareGroupOf`), and the one that a dial goes to: for a relayed point the relay.
 * No limit for what the operator brought or trusts, for points where a peer was connected, for relays at such a point, and for hosts
 * on this machine and local networks, where many peers share a host and unknown peers far away cannot name one.
 */
export class HostQuota {
  /** Bounded by the table of points. */
  readonly points = new Map<string, Set<PointRecord>>()
  /** Monotonic instants of the last dials to untried points, `maxDials` per host at most, the oldest first. */
  readonly dials = new Map<string, readonly number[]>()

  add(record: PointRecord): void {
    const key = keyOf(record.hop.host)
    record.hostKey = key
    if (key === undefined) return
    const beside = this.points.get(key)
    if (beside === undefined) this.points.set(key, new Set([record]))
    else beside.add(record)
  }

  remove(record: PointRecord): void {
    const beside = record.hostKey === undefined ? undefined : this.points.get(record.hostKey)
    beside?.delete(record)
    if (record.hostKey !== undefined && beside?.size === 0) this.points.delete(record.hostKey)
  }

  /**
   * May the host have one more untried point? At its cap: the one to give for it, if any, where a dial failed. `isOwn`: a peer at that
   * very host names it, so it may have the place of any that others named.
   */
  placeFor({ hop }: PointAddress, { isOwn }: { isOwn: boolean }): PointRecord | 'free' | 'full' {
    const beside = this.points.get(keyOf(hop.host) ?? '')
    if (beside === undefined || beside.size < maxUntriedPoints) return 'free'
    const untried = new Map<Point, PointRecord[]>()
    for (const record of beside) {
      if (record.hop.point === hop.point) return 'free'
      if (!isVouched(record) && !this.#isProven(record)) untried.set(record.hop.point, [...(untried.get(record.hop.point) ?? []), record])
    }
    if (untried.size < maxUntriedPoints) return 'free'
    const idle = [...untried.values()].filter(([one, another]) => another === undefined && one?.state.kind === 'disconnected').flat()
    return idle.find((record) => lastFailureAt(record) !== undefined) ?? (isOwn ? idle[0] : undefined) ?? 'full'
  }

  /** Monotonic instant from which on the limit of dials allows one to this point; −∞: it does. */
  freeAt(record: PointRecord): number {
    const dials = isVouched(record) ? undefined : this.dials.get(record.hostKey ?? '')
    if (dials === undefined || dials.length < maxDials || this.#isProven(record)) return Number.NEGATIVE_INFINITY
    return (dials[0] ?? 0) + dialWindowMs
  }

  /** A dial to the point begins. */
  dialed(record: PointRecord, now: number): void {
    if (record.hostKey !== undefined && !isVouched(record) && !this.#isProven(record)) this.#note(record.hostKey, now)
  }

  /** The same for an address that the name of an untried point stands for. False: no dial goes there now. */
  dialAddress(address: Host, now: number): boolean {
    const key = keyOf(address)
    if (key === undefined) return true
    const dials = this.dials.get(key) ?? []
    if (dials.length >= maxDials && (dials[0] ?? 0) + dialWindowMs >= now) return false
    this.#note(key, now)
    return true
  }

  #note(key: string, now: number): void {
    const dials = [...(this.dials.get(key) ?? []), now].slice(-maxDials)
    this.dials.delete(key)
    this.dials.set(key, dials)
    if (this.dials.size <= maxHosts) return
    for (const oldest of this.dials.keys()) {
      this.dials.delete(oldest)
      return
    }
  }

  /** Is it at a relay whose own point, or another point over it, is good? */
  #isProven(record: PointRecord): boolean {
    if (!record.isRelayed) return false
    for (const other of this.points.get(record.hostKey ?? '') ?? [])
      if (isVouched(other) && other.hop.point === record.hop.point) return true
    return false
  }
}

/** The operator brought it, registered it, connected to it or trusts it. */
export function isOperators({ trusted, registered, discoverySource }: PointInfo): boolean {
  return trusted || registered || isUncapped(discoverySource)
}

/** The same, or a peer was connected there. */
export function isVouched(info: PointInfo): boolean {
  return isOperators(info) || info.lastEstablished !== undefined
}

function keyOf(host: Host | undefined): string | undefined {
  return host === undefined || isLocal(host) ? undefined : shareGroupOf(host)
}
