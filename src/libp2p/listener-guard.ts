/**
 * Keeps unknown peers from filling what a listening node has only so much of: handshakes in progress, connections, and new connections
 * a second. Each address group has a share of them, and some connections are kept for trusted ids. The gater asks it before and
 * after libp2p's handshake. For nodes that others can dial; pages have no listener and do not load it.
 *
 * libp2p has limits of its own for these, which know neither groups nor trust. `libp2pSettings` sets them above the ones here.
 */
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Host, PeerId } from '../core/values/ids.ts'
import type { Clock } from '../core/values/ports.ts'
import { mend } from './closing-web-sockets.ts'
import type { InboundGuard } from './gater.ts'
import { GroupRate } from './group-rate.ts'
import { handshakeShares, type Rival, Shares } from './place-shares.ts'

/** Incoming connections in the middle of libp2p's handshake. */
const maxHandshakes = 100
/** A handshake that is older has had its time: it takes a few round trips. */
const handshakeGraceMs = 3_000
/** A connection that is older should carry something: the pool's handshake is over by then. */
const connectionGraceMs = 10_000
/** New connections a second from one public address; libp2p's own default. */
export const defaultConnectionsPerSecond = 5

export interface ListenerGuardOptions {
  readonly clock: Clock
  /** Incoming connections, those for trusted ids included. */
  readonly maxConnections: number
  /** New connections a second from one public IPv4 address or IPv6 /64. @default 5 */
  readonly connectionsPerSecond?: number | undefined
}

export class ListenerGuard implements InboundGuard {
  readonly #clock: Clock
  readonly #handshakes: Shares<MultiaddrConnection>
  readonly #connections: Shares<MultiaddrConnection>
  readonly #rate: GroupRate
  #isNeeded: (link: MultiaddrConnection) => Promise<boolean> = () => Promise.resolve(true)

  constructor({ clock, maxConnections, connectionsPerSecond = defaultConnectionsPerSecond }: ListenerGuardOptions) {
    this.#clock = clock
    this.#rate = new GroupRate(clock, connectionsPerSecond)
    this.#handshakes = new Shares(handshakeShares(maxHandshakes))
    this.#connections = new Shares({
      max: maxConnections,
      reserve: Math.floor(maxConnections / 10),
      // Many people may share one address, behind a provider's NAT.
      perGroup: Math.ceil(maxConnections / 10),
      perWiderGroup: Math.ceil(maxConnections / 4),
      perLocalHost: Math.ceil(maxConnections / 2),
      // One, and one that takes its place before we noticed that the first is gone.
      perPeer: 2
    })
  }

  /** Until it is called, no open connection makes room for another. */
  bind(isNeeded: (link: MultiaddrConnection) => Promise<boolean>): void {
    this.#isNeeded = isNeeded
  }

  /** Incoming connections that are open. */
  get connections(): number {
    return this.#connections.size
  }

  /** May a connection from this host begin its handshake? It has a place then until `admitsConnection` settles or it closes. */
  admitsHandshake(link: MultiaddrConnection, host: Host | undefined): boolean {
    // Also for nodes whose WebSockets are not mended.
    mend(link)
    if (link.status !== 'open' || !this.#rate.takes(host)) return false
    for (;;) {
      const now = this.#clock.now()
      const rivals = this.#handshakes.take(link, { host }, now)
      if (rivals === undefined) break
      const rival = rivals.find(({ because, since }) => because !== 'equal' || now - since >= handshakeGraceMs)
      if (rival === undefined) return false
      this.#end(rival.holder, this.#handshakes)
    }
    this.#watch(link)
    return true
  }

  /** One listener for both places. */
  #watch(link: MultiaddrConnection): void {
    const gone = (): void => {
      this.#handshakes.leave(link)
      this.#connections.leave(link)
    }
    link.addEventListener('close', gone, { once: true })
  }

  /** May the connection open, now that its peer is known? It has a place then until it closes. */
  async admitsConnection(
    link: MultiaddrConnection,
    newcomer: { readonly peerId: PeerId; readonly host: Host | undefined; readonly trusted: boolean }
  ): Promise<boolean> {
    try {
      for (;;) {
        if (link.status !== 'open') return false
        const rivals = this.#connections.take(link, newcomer, this.#clock.now())
        if (rivals === undefined) break
        const rival = await this.#firstUnneeded(rivals)
        if (rival === undefined) return false
        // The wait may have made room, or taken it.
        if (this.#connections.has(rival)) this.#end(rival, this.#connections)
      }
      if (!this.#handshakes.has(link)) this.#watch(link)
      return true
    } finally {
      this.#handshakes.leave(link)
    }
  }

  async #firstUnneeded(rivals: readonly Rival<MultiaddrConnection>[]): Promise<MultiaddrConnection | undefined> {
    for (const { holder, because, since } of rivals) {
      if (because === 'equal' && this.#clock.now() - since < connectionGraceMs) continue
      if (!(await this.#isNeeded(holder))) return holder
    }
    return undefined
  }

  #end(link: MultiaddrConnection, places: Shares<MultiaddrConnection>): void {
    places.leave(link)
    link.abort(new Error('it made room for another'))
  }
}
