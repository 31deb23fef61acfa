/** `pool.points`: what is known of points, trust, and bans of hosts. Functions of Octez' submodule `Points`. */
import type { FlowContext } from '../flows/context.ts'
import type { GreylistedHost } from '../tables/greylist.ts'
import type { PointInfo } from '../tables/point.ts'
import { hostOf } from '../values/address.ts'
import { liveRecord } from '../values/arguments.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import { type Ending, PoolError } from '../values/reason.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { PointDescription } from './snapshot.ts'

/** How a host or range is banned. */
export interface BanOfHost {
  /** Ban those connected from there too. @default true */
  readonly banPeers?: boolean
  /** When the ban ends, ms since 1970. @default never */
  readonly endsAt?: number | undefined
}

/**
 * `pool.points`: what is known of points, trust, and bans of hosts. Methods throw, or reject with, `PoolError` `invalid-point` or
 * `invalid-argument` for a bad argument.
 */
export class Points {
  readonly #context: FlowContext
  readonly #lifecycle: Lifecycle

  constructor(context: FlowContext, lifecycle: Lifecycle) {
    this.#context = context
    this.#lifecycle = lifecycle
  }

  /** The live record of a known point. */
  info(point: Point): PointInfo | undefined {
    this.#context.take('points.info', point)
    return this.#context.state.points.get(point)
  }

  /** All known points. Octez: `fold_known`, `iter_known`. */
  *known(): IterableIterator<[Point, PointInfo]> {
    for (const info of this.#context.state.points) yield [info.point, info]
  }

  /** Points with a running connection. Octez: `fold_connected`. */
  *connected(): IterableIterator<[Point, PointInfo]> {
    for (const { point } of this.#context.state.connections()) {
      const info = this.#context.state.points.get(point)
      if (info !== undefined) yield [info.point, info]
    }
  }

  /**
   * Bans the point's host, whatever the port, and ends all connections from there; resolves when they are gone. Saved.
   * Idempotent. Rejects with `PoolError` `invalid-point` for a point without a host (relayed, memory): ban the peer instead.
   */
  async ban(point: Point, options: BanOfHost = {}): Promise<void> {
    const [, checked] = this.#context.take('points.ban', point, options)
    await allClosed(this.#context.state.access.banHost(this.#hostOf(point), checked))
  }

  /** Undoes what `ban` did, its peers included, and a greylisting; once is enough. */
  unban(point: Point): void {
    this.#context.take('points.unban', point)
    this.#context.state.access.unbanHost(this.#hostOf(point))
  }

  /** `ban` for a host alone, in any spelling: `127.0.0.1`, `::1`, `example.org`. Rejects with `PoolError` `invalid-argument` for other texts. */
  async banHost(host: Host | string, options: BanOfHost = {}): Promise<void> {
    await allClosed(this.#context.state.access.banHost(...this.#context.take('points.banHost', host as Host, options)))
  }

  /** Takes the spellings that `banHost` takes. */
  unbanHost(host: Host | string): void {
    this.#context.state.access.unbanHost(...this.#context.take('points.unbanHost', host as Host))
  }

  /** `ban` for a range of addresses such as `192.0.2.0/24` or `2001:db8::/32`. Rejects with `PoolError` `invalid-argument` for other texts. */
  async banRange(range: string, options: BanOfHost = {}): Promise<void> {
    await allClosed(this.#context.state.access.banRange(...this.#context.take('points.banRange', range, options)))
  }

  /** Throws `PoolError` `invalid-argument` for a text that is no range. */
  unbanRange(range: string): void {
    this.#context.state.access.unbanRange(...this.#context.take('points.unbanRange', range))
  }

  /** Banned or greylisted; false for points without a host. */
  isBanned(point: Point): boolean {
    this.#context.take('points.isBanned', point)
    const known = this.#context.state.points.get(point)
    const host = known === undefined ? hostOf(point) : known.host
    return this.#context.state.access.hostBlock(host, known?.trusted === true) !== undefined
  }

  /** The operator trusts it. */
  isTrusted(point: Point): boolean {
    return this.info(point)?.trusted === true
  }

  /** Trusted points are never greylisted or collected. Registers the point if it is unknown. Throws `PoolError` `table-full`. */
  trust(point: Point): void {
    this.#context.take('points.trust', point)
    this.#context.state.points.register(point, { trusted: true })
  }

  /** Takes trust back; does nothing for an unknown point. Saved. */
  untrust(point: Point): void {
    this.#context.take('points.untrust', point)
    this.#context.state.points.untrust(point)
  }

  /** Hosts on the automatic list, as far as it remembers them. Octez: `get_greylisted_list`. */
  greylisted(): readonly GreylistedHost[] {
    return this.#context.state.access.greylistedHosts()
  }

  /** Since when `greylisted` lacks some that had to make room (ms since 1970); `undefined`: it is complete. Octez: `greylisted_list_not_reliable_since`. */
  get greylistUnreliableSince(): number | undefined {
    return this.#context.state.access.greylistUnreliableSince
  }

  /** Tells each line that is added to the history of one point, until the returned function is called. The last 100 are in `info`. Octez: `watch`. */
  watch(point: Point, listener: (event: HistoryEvent<PeerId>) => void): () => void {
    this.#context.take('points.watch', point, listener)
    return this.#context.events.subscribe('point-history', ({ detail }) => {
      if (detail.point === point) listener(detail.event)
    })
  }

  /**
   * A point as plain JSON. Takes what `info` returned; throws `PoolError` `invalid-argument` for anything else, `not-started` before the
   * first start.
   */
  describe(info: PointInfo): PointDescription {
    liveRecord(info, { code: 'invalid-argument', name: 'points.describe' })
    return this.#lifecycle.lateFor('points.describe').descriptions.point(info)
  }

  #hostOf(point: Point): Host {
    const host = hostOf(point)
    if (host === undefined)
      throw new PoolError('invalid-point', `a point with a host was expected, ${point} has none: ban its peer instead`)
    return host
  }
}

/** Resolves when the links of all are closed. */
export async function allClosed(connections: readonly { readonly closed: Promise<Ending> }[]): Promise<void> {
  await Promise.all(connections.map(({ closed }) => closed))
}
