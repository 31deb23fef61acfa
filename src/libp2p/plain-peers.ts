/**
 * Peers that do not speak the pool protocol, for a pool that admits them: learns from libp2p's identify what each connected peer
 * speaks, and makes a link of each connection with one that speaks what is required, no matter who opened it. One link per
 * peer. Called by `network.ts`, which loads this file for such pools only; needs the node's identify service.
 *
 * When the pool gives a peer up, the connection is closed, whatever runs on it: to be connected was all its use. Unless a link
 * with the peer's pool runs on it, or another service keeps the peer alive (libp2p's `keep-alive` tags) and would only dial it again; or
 * the application or another service opened it here, and may be at work with it: then it is theirs, as any connection
 * without a link, and closed once it idles.
 *
 * A peer that dialed us and was refused stays connected for some seconds. If it keeps us alive by a tag of its own, its libp2p dials
 * again as soon as it is closed. And it may have come for our relay: a guest with a reservation is kept.
 */
import type { ComponentLogger, Connection, IdentifyResult, Libp2pEvents, Logger, PeerStore, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Guard } from '../core/flows/guards.ts'
import { type Clock, DialError, type Link } from '../core/values/ports.ts'
import { type ConnectionKeeper, poolTag } from './connection-keeper.ts'
import { naming } from './link-address.ts'
import { PlainKeepAlive } from './plain-keep-alive.ts'
import { PlainLink } from './plain-link.ts'
import { parsePeerId } from './point.ts'

/** The value that libp2p's own services give to their tags. With it libp2p's pruner takes others first; pool links need none, since it spares connections with streams. */
const poolTagValue = 50
/** Points of one peer that are taken from its identify message, as many as a Hello holds; the rest is dropped. */
const maxPoints = 32

/** How long a peer that dialed us stays connected when the pool refused it, ms. A dial and its upgrade cost both sides some 6 ms of work. */
const refusedStayMs = 5_000

/** What a peer said of itself. */
interface Profile {
  readonly protocols: readonly string[]
  readonly points: readonly string[]
}

/** Stands for a peer whose identify message cannot be read: it speaks nothing. */
const unknownProfile: Profile = { protocols: [], points: [] }

export interface PlainPeersOptions {
  readonly components: {
    readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
    readonly peerStore: Pick<PeerStore, 'get' | 'merge'>
    readonly logger: ComponentLogger
    readonly events: TypedEventTarget<Libp2pEvents>
  }
  readonly keeper: ConnectionKeeper
  readonly guard: Guard
  readonly clock: Clock
  /** A peer that speaks it is no plain peer. */
  readonly poolProtocol: string
  /** Protocols that a plain peer must speak. */
  readonly required: readonly string[]
  readonly offer: (link: Link) => void
}

export class PlainPeers {
  readonly #options: PlainPeersOptions
  /** Filled by identify; goes with the connection. */
  readonly #profiles = new WeakMap<Connection, Profile>()
  /** Made by dials of the pool, hence closed with their links. */
  readonly #dialed = new WeakSet<Connection>()
  /** Those whose dial goes on, and those that the pool has given up: not to be offered to it as news. */
  readonly #dialing = new WeakSet<Connection>()
  readonly #givenUp = new WeakSet<Connection>()
  readonly #links = new WeakMap<Connection, PlainLink>()
  readonly #keepAlive: PlainKeepAlive
  /** Ends the stay of each refused peer: at most as many as libp2p has connections. */
  readonly #stays = new Set<() => void>()
  readonly #log: Logger

  constructor(options: PlainPeersOptions) {
    this.#options = options
    this.#keepAlive = new PlainKeepAlive(options.clock)
    this.#log = options.components.logger.forComponent('p2p-pool:plain-peers')
  }

  /** Peers that are connected already are offered, too. */
  async start(): Promise<void> {
    const { events, connectionManager } = this.#options.components
    events.addEventListener('peer:identify', this.#identified)
    await Promise.all(connectionManager.getConnections().map((connection) => this.#recall(connection)))
  }

  stop(): void {
    this.#options.components.events.removeEventListener('peer:identify', this.#identified)
    this.#keepAlive.rest(true)
    for (const cancel of this.#stays) cancel()
    this.#stays.clear()
  }

  /** Nothing keeps the connections open while the pool is suspended. */
  rest(resting: boolean): void {
    this.#keepAlive.rest(resting)
  }

  /** A dial of the pool made this connection, and will ask for its link if it is of use. */
  dialed(connection: Connection): void {
    this.#dialed.add(connection)
    this.#dialing.add(connection)
  }

  /** That dial is over. */
  settled(connection: Connection): void {
    this.#dialing.delete(connection)
  }

  /** The link of a connection whose peer turned out not to speak the pool protocol, once it is identified. Rejects with the signal's reason, or `DialError`. */
  async linkOn(connection: Connection, signal: AbortSignal): Promise<Link> {
    const profile = this.#profiles.get(connection) ?? (await this.#identify(connection, signal))
    if (!this.#isTaken(profile))
      throw new DialError('no-pool', `it speaks neither the pool protocol nor ${this.#options.required.join(', ')}`)
    return this.#links.get(connection) ?? this.#linkOf(connection, profile)
  }

  readonly #identified = ({ detail }: CustomEvent<IdentifyResult>): void =>
    this.#options.guard.call('an identified peer', () => this.#learn(detail), undefined)

  #learn(detail: IdentifyResult): void {
    const { connection } = detail
    const profile = profileOf(detail)
    this.#profiles.set(connection, profile)
    this.#consider(connection, profile)
    // Its pool was started since: it is left, to be met as a pool.
    if (profile.protocols.includes(this.#options.poolProtocol)) this.#links.get(connection)?.end(undefined)
  }

  /** A connection that was there before us: libp2p stored what its peer said. */
  async #recall(connection: Connection): Promise<void> {
    try {
      const { protocols, addresses } = await this.#options.components.peerStore.get(connection.remotePeer)
      const profile = {
        protocols,
        points: pointsOf(
          connection,
          addresses.map(({ multiaddr }) => multiaddr)
        )
      }
      if (this.#profiles.get(connection) !== undefined || protocols.length === 0) return
      this.#profiles.set(connection, profile)
      this.#consider(connection, profile)
    } catch {
      // Not stored, hence not identified yet: it will be.
    }
  }

  #consider(connection: Connection, profile: Profile): void {
    const { keeper, components } = this.#options
    if (connection.status !== 'open' || connection.limits !== undefined || !this.#isTaken(profile)) return
    if (this.#dialing.has(connection) || this.#givenUp.has(connection)) return
    if (components.connectionManager.getConnections(connection.remotePeer).some((one) => keeper.carriesLink(one))) return
    this.#options.offer(this.#linkOf(connection, profile))
  }

  #isTaken({ protocols }: Profile): boolean {
    return !protocols.includes(this.#options.poolProtocol) && this.#options.required.every((name) => protocols.includes(name))
  }

  #linkOf(connection: Connection, { points }: Profile): PlainLink {
    const link: PlainLink = new PlainLink(
      connection,
      { points },
      { ended: (within) => this.#release(connection, link, within), components: this.#options.components }
    )
    this.#links.set(connection, link)
    this.#options.keeper.hold(connection, link)
    this.#keepAlive.add(connection)
    void this.#tag(connection, { value: poolTagValue })
    return link
  }

  async #release(connection: Connection, link: PlainLink, within: AbortSignal): Promise<void> {
    const { keeper, components } = this.#options
    const wasGone = connection.status !== 'open'
    this.#links.delete(connection)
    this.#keepAlive.remove(connection)
    this.#givenUp.add(connection)
    keeper.drop(connection, link)
    await this.#tag(connection, undefined)
    if (!wasGone) {
      if (link.hasRun || connection.direction === 'outbound' || keeper.isDenied(connection)) await this.#close(connection, within)
      else this.#closeLater(connection)
      return
    }
    for (const other of components.connectionManager.getConnections(connection.remotePeer)) {
      const profile = this.#profiles.get(other)
      if (profile !== undefined) this.#consider(other, profile)
    }
  }

  async #close(connection: Connection, within?: AbortSignal): Promise<void> {
    const { keeper, poolProtocol } = this.#options
    // After the wait: its pool may have been started, and a dial of ours may have taken the connection for it.
    if (connection.status !== 'open' || (await this.#isTheirs(connection)) || keeper.carriesLink(connection)) return
    const isTaken = connection.streams.some(
      ({ protocol, direction }) => protocol === poolProtocol || (protocol === '' && direction === 'outbound')
    )
    if (!isTaken) await keeper.close(connection, within)
  }

  #closeLater(connection: Connection): void {
    const cancel = this.#options.clock.schedule(refusedStayMs, () => {
      this.#stays.delete(cancel)
      void this.#close(connection)
    })
    this.#stays.add(cancel)
  }

  async #isTheirs(connection: Connection): Promise<boolean> {
    const { keeper } = this.#options
    if (keeper.isDenied(connection)) return false
    if (connection.direction === 'outbound' && !this.#dialed.has(connection)) return true
    return keeper.isKeptAlive(connection)
  }

  async #tag({ remotePeer }: Connection, tag: { value: number } | undefined): Promise<void> {
    try {
      await this.#options.components.peerStore.merge(remotePeer, { tags: { [poolTag]: tag } })
    } catch (error) {
      this.#log.error('could not tag %p - %e', remotePeer, error)
    }
  }

  #identify(connection: Connection, signal: AbortSignal): Promise<Profile> {
    const { events } = this.#options.components
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        events.removeEventListener('peer:identify', identified)
        signal.removeEventListener('abort', aborted)
        connection.removeEventListener('close', closed)
        end()
      }
      const identified = ({ detail }: CustomEvent<IdentifyResult>): void => {
        if (detail.connection === connection)
          settle(() => resolve(this.#options.guard.call('an identified peer', () => profileOf(detail), unknownProfile)))
      }
      const aborted = (): void => settle(() => reject(signal.reason))
      const closed = (): void => settle(() => reject(new DialError('refused', 'it closed the connection')))
      if (signal.aborted) return aborted()
      if (connection.status !== 'open') return closed()
      events.addEventListener('peer:identify', identified)
      signal.addEventListener('abort', aborted)
      connection.addEventListener('close', closed)
    })
  }
}

function profileOf({ connection, protocols, listenAddrs, signedPeerRecord }: IdentifyResult): Profile {
  return { protocols, points: pointsOf(connection, signedPeerRecord?.addresses ?? listenAddrs) }
}

function pointsOf({ remotePeer }: Connection, addresses: readonly Multiaddr[]): string[] {
  const peerId = parsePeerId(remotePeer)
  return addresses.slice(0, maxPoints).map((address) => naming(address, peerId).toString())
}
