/**
 * How many points at one host the pool takes on the word of unknown peers, and how often it dials them: a pool that dials whatever it is
 * told scans ports for whoever asks it to. Owned by `point-table.ts`, which asks before it inserts.
 *
 * The host is one IPv4 address, one IPv6 /64 or one name (`shareGroupOf`), and the one that a dial goes to: for a relayed point the relay.
 * No limit for what the operator brought or trusts, for points where a peer was connected, for relays at such a point, and for hosts
 * on this machine and local networks, where many peers share a host and strangers far away cannot name one.
 */
import { firstHopOf, firstHopPointOf, isLocal, shareGroupOf } from '../values/address.ts'
import type { Host, Point } from '../values/ids.ts'
import { lastMissAt, type PointInfo } from './point-info.ts'
import type { PointRecord } from './point-record.ts'
import { isUncapped } from './point-weight.ts'

/** A peer has one point per transport and address family, seldom more. */
const maxUntriedPoints = 4
/** Dials within the window; enough for a peer's TCP, WebSocket and WebTransport point. */
const maxDials = 3
const dialWindowMs = 600_000
/** Hosts whose dials are remembered; the one dialed least recently goes first. */
const maxHosts = 4_096

export class HostShares {
  /** Bounded by the table of points. */
  readonly #points = new Map<string, Set<PointRecord>>()
  /** Monotonic instants of the last dials to untried points, `maxDials` per host at most, the oldest first. */
  readonly #dials = new Map<string, readonly number[]>()

  add(record: PointRecord): void {
    const key = keyOf(firstHopOf(record.point))
    record.hostKey = key
    if (key === undefined) return
    const beside = this.#points.get(key)
    if (beside === undefined) this.#points.set(key, new Set([record]))
    else beside.add(record)
  }

  remove(record: PointRecord): void {
    const beside = record.hostKey === undefined ? undefined : this.#points.get(record.hostKey)
    beside?.delete(record)
    if (record.hostKey !== undefined && beside?.size === 0) this.#points.delete(record.hostKey)
  }

  /**
   * May the host have one more untried point? At its cap: the one to give for it, if any, where a dial failed. `isOwn`: a peer at that
   * very host names it, so it may have the place of any that others named.
   */
  placeFor(point: Point, { isOwn }: { isOwn: boolean }): PointRecord | 'free' | 'full' {
    const beside = this.#points.get(keyOf(firstHopOf(point)) ?? '')
    if (beside === undefined || beside.size < maxUntriedPoints) return 'free'
    const target = firstHopPointOf(point)
    const untried = new Map<Point, PointRecord[]>()
    for (const record of beside) {
      const theirs = firstHopPointOf(record.point)
      if (theirs === target) return 'free'
      if (!isVouched(record) && !this.#isProven(record)) untried.set(theirs, [...(untried.get(theirs) ?? []), record])
    }
    if (untried.size < maxUntriedPoints) return 'free'
    const idle = [...untried.values()].filter(([one, another]) => another === undefined && one?.state.kind === 'disconnected').flat()
    return idle.find((record) => lastMissAt(record) !== undefined) ?? (isOwn ? idle[0] : undefined) ?? 'full'
  }

  /** Monotonic instant from which on the limit of dials allows one to this point; −∞: it does. */
  freeAt(record: PointRecord): number {
    const dials = isVouched(record) ? undefined : this.#dials.get(record.hostKey ?? '')
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
    const dials = this.#dials.get(key) ?? []
    if (dials.length >= maxDials && (dials[0] ?? 0) + dialWindowMs >= now) return false
    this.#note(key, now)
    return true
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return { points: this.#points, dials: this.#dials, maxDials, maxHosts }
  }

  #note(key: string, now: number): void {
    const dials = [...(this.#dials.get(key) ?? []), now].slice(-maxDials)
    this.#dials.delete(key)
    this.#dials.set(key, dials)
    if (this.#dials.size <= maxHosts) return
    for (const oldest of this.#dials.keys()) {
      this.#dials.delete(oldest)
      return
    }
  }

  /** Is it at a relay whose own point, or another point over it, is good? */
  #isProven(record: PointRecord): boolean {
    const target = firstHopPointOf(record.point)
    if (target === record.point) return false
    for (const other of this.#points.get(record.hostKey ?? '') ?? [])
      if (isVouched(other) && firstHopPointOf(other.point) === target) return true
    return false
  }
}

/** Brought, registered, connected to by hand or trusted by the operator. */
export function isOperators({ trusted, registered, medium }: PointInfo): boolean {
  return trusted || registered || isUncapped(medium)
}

/** The same, or a peer was connected there. */
export function isVouched(info: PointInfo): boolean {
  return isOperators(info) || info.lastEstablished !== undefined
}

function keyOf(host: Host | undefined): string | undefined {
  return host === undefined || isLocal(host) ? undefined : shareGroupOf(host)
}
