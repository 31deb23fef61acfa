/** `pool.points`: what is known of points, trust, and bans of hosts. Functions of the original's submodule `Points`. */
import type { FlowContext } from '../flows/context.ts'
import type { GreylistedHost, GreylistFigures } from '../tables/greylist.ts'
import { lastMissAt, lastSeenAt, type PointInfo } from '../tables/point-info.ts'
import { hostOf } from '../values/address.ts'
import type { PoolListener } from '../values/events.ts'
import type { HistoryEvent } from '../values/history.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'

/** A point as plain JSON. Instants are ms since 1970. */
export interface PointDescription {
  readonly point: Point
  readonly state: string
  readonly trusted: boolean
  readonly isPublic: boolean
  /** Its owner named it in a signed record. */
  readonly isSigned: boolean
  readonly expectedPeerId: PeerId | null
  readonly source: PeerId | null
  readonly medium: string
  readonly discoveredAt: number
  readonly lastSeenAt: number | null
  readonly lastMissAt: number | null
  readonly events: readonly { readonly kind: string; readonly at: number; readonly peerId: PeerId | null }[]
}

export interface BanOfHost {
  /** Ban those connected from there too. @default true */
  readonly banPeers?: boolean
  /** Wall clock, ms; none: for good. */
  readonly endsAt?: number
}

export class Points<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
  }

  /** The live record of a known point. */
  info(point: Point): PointInfo | undefined {
    return this.#context.state.point(point)
  }

  /** All known points. Source: `fold_known`, `iter_known`. */
  *known(): IterableIterator<[Point, PointInfo]> {
    for (const info of this.#context.state.points()) yield [info.point, info]
  }

  /** Points with a running connection. Source: `fold_connected`. */
  *connected(): IterableIterator<[Point, PointInfo]> {
    for (const { point } of this.#context.state.connections()) {
      const info = point === undefined ? undefined : this.info(point)
      if (info !== undefined) yield [info.point, info]
    }
  }

  /**
   * Bans the point's host, whatever the port, and ends all connections from there; resolves when they are gone. Saved.
   * Idempotent. Throws `PoolError` `invalid-point` for a point without a host (relayed, memory): ban the peer instead.
   */
  async ban(point: Point, options: BanOfHost = {}): Promise<void> {
    const { banPeers = true, endsAt } = options
    await this.#leave(this.#context.registry.banHost(this.#hostOf(point), { banPeers, endsAt }))
  }

  /** Undoes what `ban` did, its peers included, and a greylisting; once is enough. */
  unban(point: Point): void {
    this.#context.registry.unbanHost(this.#hostOf(point))
  }

  /** `ban` for a host alone. */
  async banHost(host: Host, { banPeers = true, endsAt }: BanOfHost = {}): Promise<void> {
    await this.#leave(this.#context.registry.banHost(host, { banPeers, endsAt }))
  }

  unbanHost(host: Host): void {
    this.#context.registry.unbanHost(host)
  }

  /** `ban` for a range of addresses such as `192.0.2.0/24` or `2001:db8::/32`. Throws `PoolError` `invalid-point` for other texts. */
  async banRange(range: string, { banPeers = true, endsAt }: BanOfHost = {}): Promise<void> {
    await this.#leave(this.#context.registry.banRange(range, { banPeers, endsAt }))
  }

  unbanRange(range: string): void {
    this.#context.registry.unbanRange(range)
  }

  /** Banned or greylisted; false for points without a host. */
  isBanned(point: Point): boolean {
    const known = this.info(point)
    const host = known === undefined ? hostOf(point) : known.host
    return this.#context.state.hostBar(host, known?.trusted === true) !== undefined
  }

  isTrusted(point: Point): boolean {
    return this.info(point)?.trusted === true
  }

  /** Trusted points are never greylisted or collected. Registers the point if it is unknown. Throws `PoolError` `table-full`. */
  trust(point: Point): void {
    this.#context.registry.registerPoint(point, { trusted: true })
  }

  untrust(point: Point): void {
    if (this.info(point) !== undefined) this.#context.registry.registerPoint(point, { trusted: false })
  }

  /** Hosts on the automatic list, as far as it remembers them. Source: `get_greylisted_list`. */
  greylisted(): readonly GreylistedHost[] {
    return this.#context.state.access.greylistedHosts()
  }

  /** Since when `greylisted` may lack some that are (ms since 1970); `undefined`: it is complete. Source: `greylisted_list_not_reliable_since`. */
  get greylistUnreliableSince(): number | undefined {
    return this.#context.state.access.greylistUnreliableSince
  }

  /** Fill and life expectancy of the filter. */
  greylistFigures(): GreylistFigures {
    return this.#context.state.access.greylistFigures()
  }

  /** Tells each line that is added to the history of one point, until the returned function is called. The last 100 are in `info`. Source: `watch`. */
  watch(point: Point, listener: (event: HistoryEvent<PeerId>) => void): () => void {
    const heard: PoolListener<'point-history'> = ({ detail }) => {
      if (detail.point === point) listener(detail.event)
    }
    this.#context.events.addEventListener('point-history', heard)
    return () => this.#context.events.removeEventListener('point-history', heard)
  }

  describe(info: PointInfo): PointDescription {
    return {
      point: info.point,
      state: info.state.kind,
      trusted: info.trusted,
      isPublic: info.isPublic,
      isSigned: info.isSigned,
      expectedPeerId: info.expectedPeerId ?? null,
      source: info.source ?? null,
      medium: info.medium,
      discoveredAt: info.discoveredAt,
      lastSeenAt: lastSeenAt(info) ?? null,
      lastMissAt: lastMissAt(info) ?? null,
      events: info.events.map(({ kind, at, other }) => ({ kind, at, peerId: other ?? null }))
    }
  }

  async #leave(connections: readonly { disconnect(reason: { kind: 'point-banned' }): Promise<void> }[]): Promise<void> {
    await Promise.all(connections.map((connection) => connection.disconnect({ kind: 'point-banned' })))
  }

  #hostOf(point: Point): Host {
    const host = hostOf(point)
    if (host === undefined)
      throw new PoolError('invalid-point', `a point with a host was expected, ${point} has none: ban its peer instead`)
    return host
  }
}
