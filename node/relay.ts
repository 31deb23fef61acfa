/**
 * The circuit relay of a Node peer: libp2p's relay server, and who may use it. A reservation is for peers of this pool; each address
 * group has a share of them, some are kept for trusted peers, and one is free again as soon as its guest is gone. Circuits
 * are counted by the address group of the peer that asks for them. Asked by the gater, made by `createNodePeer`.
 *
 * A page asks for its reservation as soon as it is connected, often before the pool's handshake is over. So the reservation is
 * given at once, and taken back from a peer that has not turned out to be of this pool.
 */
import { type CircuitRelayServerComponents, type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { ComponentLogger, Connection, Libp2pEvents, Logger, PeerStore, Startable, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Host, PeerId } from '../src/core/values/ids.ts'
import type { PoolSettings } from '../src/core/values/settings.ts'
import { type ConnectionKeeper, relayGuestTag } from '../src/libp2p/connection-keeper.ts'
import { hostOfAddress, type RelayGuard } from '../src/libp2p/gater.ts'
import { type Rival, Shares } from '../src/libp2p/place-shares.ts'
import { probe } from '../src/libp2p/probe.ts'
import type { Libp2pPeerPool } from '../src/libp2p/service.ts'
import { systemClock } from '../src/libp2p/system.ts'
import { CircuitAllowance } from './relay-circuits.ts'
import { RelayMembers } from './relay-members.ts'

/** What the node lends to pages that cannot be dialed: they meet over it and then go on directly. */
export interface RelayOptions {
  /** Peers that may be reachable over us at once; each keeps one connection. @default 256 */
  readonly maxReservations?: number
  /** How long one relayed connection may last, ms; making a WebRTC connection takes about one second. @default 120000 */
  readonly maxDurationMs?: number
  /** Bytes that one relayed connection may carry, both ways together; making a WebRTC connection takes about 10 kB. @default 131072 */
  readonly maxBytes?: number
  /**
   * Serve libp2p peers that are not of this pool, too. Otherwise a peer loses its reservation after ten seconds unless it has shown that it
   * speaks the pool protocol in this network, runs as a plain peer, or is trusted. In private mode only trusted peers are served. @default false
   */
  readonly open?: boolean
}

/** How many peers are reachable over the relay now, and how many more may be. */
export interface RelayStatus {
  /** Connected peers that hold a reservation. */
  readonly used: number
  /** `maxReservations`. */
  readonly max: number
  /** Reservations that are free for any peer of this pool. An eighth of `max` is kept for trusted peers and is not counted here. */
  readonly left: number
}

/** The relay of a Node peer, to look at. */
export interface Relay {
  /** How many places it has, and how many are free, now. */
  status(): RelayStatus
}

/** How long things take, ms. */
export interface RelayTiming {
  /** Between two looks at the guests. */
  readonly sweepMs: number
  /** A guest of this age has shown that it is of this pool, or loses its reservation. */
  readonly provingMs: number
  /** A peer that did not show it the last time waits for so long until it is refused. libp2p's client gives up after five seconds. */
  readonly waitMs: number
  /** A guest that has not shown it yet and is older makes room for any other. */
  readonly graceMs: number
  /** Between two liveness checks of guests without a running connection of the pool. */
  readonly probeMs: number
  /** For the answer to such a check. */
  readonly answerMs: number
}

const defaultTiming: RelayTiming = { sweepMs: 5_000, provingMs: 10_000, waitMs: 4_000, graceMs: 3_000, probeMs: 30_000, answerMs: 10_000 }
/** To say goodbye to a guest that made room. */
const goodbyeMs = 1_000

/** Streams on one connection to the relay: a request, and circuits. */
const maxHopStreams = 16
/** Circuits that come to one guest at a time. A page of ours takes 32 streams on a connection, and needs some of them for the pool. */
const maxStopStreams = 24

interface Guest {
  readonly since: number
  probedAt: number
}

/** What the relay needs of its node. */
export interface RelayComponents {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly peerStore: Pick<PeerStore, 'has' | 'merge'>
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly logger: ComponentLogger
}

/** What the relay needs of the pool whose peers it serves. */
export interface RelayPool extends Pick<Libp2pPeerPool, 'gate' | 'disconnect' | 'addEventListener'> {
  readonly config: Pick<PoolSettings, 'privateMode'>
  readonly network: { readonly keeper: Pick<ConnectionKeeper, 'carriesLink' | 'closeUnused'> }
}

interface Home extends RelayComponents {
  readonly pool: RelayPool
  readonly members: RelayMembers
  readonly log: Logger
}

export class PoolRelay implements Relay, RelayGuard {
  readonly #options: Required<RelayOptions>
  readonly #timing: RelayTiming
  readonly #shares: Shares<PeerId>
  /** One for each place in `#shares`. */
  readonly #guests = new Map<PeerId, Guest>()
  /** Connected peers that have lost their reservation and do not know it yet. Swept as the members are. */
  readonly #dismissed = new Set<PeerId>()
  readonly #circuits = new CircuitAllowance(systemClock)
  #server: CircuitRelayService | undefined
  #home: Home | undefined
  #sweep: NodeJS.Timeout | undefined

  constructor({ maxReservations = 256, maxDurationMs = 120_000, maxBytes = 131_072, open = false }: RelayOptions, timing = defaultTiming) {
    this.#options = { maxReservations, maxDurationMs, maxBytes, open }
    this.#timing = timing
    this.#shares = new Shares({
      max: maxReservations,
      reserve: Math.floor(maxReservations / 8),
      perGroup: Math.max(2, Math.ceil(maxReservations / 8)),
      perWiderGroup: Math.max(4, Math.ceil(maxReservations / 4)),
      // Behind a proxy all pages seem to be at one host.
      perLocalHost: maxReservations,
      perPeer: 1
    })
  }

  /** For `createLibp2p({ services })`. */
  readonly service = (components: CircuitRelayServerComponents): CircuitRelayService => {
    const { maxReservations, maxDurationMs, maxBytes } = this.#options
    const server = circuitRelayServer({
      // A request comes at once.
      hopTimeout: 10_000,
      maxInboundHopStreams: maxHopStreams,
      maxOutboundStopStreams: maxStopStreams,
      reservations: { maxReservations, defaultDurationLimit: maxDurationMs, defaultDataLimit: BigInt(maxBytes) }
    })(components)
    const stop = (server as unknown as Startable).stop
    this.#server = Object.assign(server, {
      stop: async (): Promise<void> => {
        await stop.call(server)
        await this.#stopped(server)
      }
    })
    return this.#server
  }

  /**
   * When a node stops, libp2p says of nobody that it left. Its relay server aborts all circuits by a signal that it uses again after the next
   * start, when circuits that begin on it would have no time limit (@libp2p/circuit-relay-v2 4.2.13).
   */
  async #stopped(server: object): Promise<void> {
    Object.assign(server, { shutdownController: new AbortController() })
    this.#dismissed.clear()
    await Promise.all(Array.from(this.#guests.keys(), (guest) => this.#free(guest)))
  }

  /** From now on it serves the peers of this pool; before, none. */
  bind(pool: RelayPool, { connectionManager, peerStore, events, logger }: RelayComponents): void {
    const members = new RelayMembers(pool, { proved: () => this.#planSweep(), waitMs: this.#timing.waitMs })
    this.#home = { pool, members, connectionManager, peerStore, events, logger, log: logger.forComponent('p2p-pool:relay') }
    events.addEventListener('peer:disconnect', ({ detail }) => this.#left(detail.toString() as PeerId))
  }

  status(): RelayStatus {
    const used = [...this.#guests.keys()].filter((guest) => this.holdsReservation(guest)).length
    return { used, max: this.#options.maxReservations, left: this.#shares.leftForUntrusted }
  }

  /** The age from which streams to the relay keep a connection open no longer, ms: the longest circuit, and the time to begin it. */
  get maxIdleAgeMs(): number {
    return this.#options.maxDurationMs + 30_000
  }

  async admitsReservation(peerId: PeerId): Promise<boolean> {
    const home = this.#home
    if (home === undefined) return false
    const { pool, members } = home
    const isServed = this.#options.open || (await members.mayAsk(peerId, systemClock.now()))
    if (!isServed || pool.gate.deniesPeer(peerId, this.#hostOf(peerId))) return false
    return this.#connectionsOf(peerId).length > 0 && this.#give(peerId, home)
  }

  #give(peerId: PeerId, { pool }: Home): boolean {
    if (this.#guests.has(peerId)) return true
    const trusted = pool.gate.isTrusted(peerId)
    if (pool.config.privateMode && !trusted) return false
    const now = systemClock.now()
    for (;;) {
      const rivals = this.#shares.take(peerId, { host: this.#hostOf(peerId), peerId, trusted }, now)
      if (rivals === undefined) break
      const rival = this.#choose(rivals, now)
      if (rival === undefined) return false
      void this.#revoke(rival, 'its relay reservation was given to another peer')
    }
    this.#guests.set(peerId, { since: now, probedAt: now })
    this.#planSweep()
    return true
  }

  admitsCircuit(source: PeerId): boolean {
    const home = this.#home
    if (home === undefined) return false
    if (home.pool.gate.isTrusted(source)) return true
    if (home.pool.config.privateMode) return false
    this.#planSweep()
    return this.#circuits.take(this.#hostOf(source), { asMember: this.#options.open || this.#isMember(source) })
  }

  /** Peers that have not shown yet that they are of this pool go first, then the newest of the largest group. */
  #choose(rivals: readonly Rival<PeerId>[], now: number): PeerId | undefined {
    const larger = rivals.filter(({ because }) => because === 'larger-group')
    const late = this.#options.open ? [] : rivals.filter(({ since }) => now - since >= this.#timing.graceMs)
    return ([...larger, ...late].find(({ holder }) => !this.#isMember(holder)) ?? larger[0])?.holder
  }

  #isMember(peerId: PeerId): boolean {
    return this.#home?.members.has(peerId) === true
  }

  #left(peerId: PeerId): void {
    this.#home?.members.left(peerId)
    void this.#free(peerId)
  }

  /** Its reservation ends at once; resolves when nothing else is left of it. The guest is not notified. */
  async #free(peerId: PeerId): Promise<void> {
    this.#shares.leave(peerId)
    const reservations = this.#server?.reservations
    const id = peerIdFromString(peerId)
    const reservation = reservations?.get(id)
    if (!this.#guests.delete(peerId) && reservation === undefined) return
    // Else libp2p would end a later reservation of the same peer when this one's time is over.
    reservation?.signal.clear()
    reservations?.delete(id)
    await this.#untag(peerId)
  }

  /** The tag keeps the guest's connection open; libp2p leaves it for two hours. */
  async #untag(peerId: PeerId): Promise<void> {
    const home = this.#home
    const id = peerIdFromString(peerId)
    try {
      if (await home?.peerStore.has(id)) await home?.peerStore.merge(id, { tags: { [relayGuestTag]: undefined } })
    } catch (error) {
      home?.log.error('could not untag a former guest, %p - %e', id, error)
    }
  }

  /** Ends its reservation, then its connection once nobody needs it: from that, and nothing else, a guest learns what happened. */
  async #revoke(peerId: PeerId, why: string): Promise<void> {
    this.#dismissed.add(peerId)
    this.#planSweep()
    await Promise.all([this.#free(peerId), this.#home?.pool.disconnect(peerId, why)])
    await this.#dismiss(peerId)
  }

  async #dismiss(peerId: PeerId): Promise<void> {
    const connections = this.#guests.has(peerId) ? [] : this.#connectionsOf(peerId)
    if (connections.length === 0) this.#dismissed.delete(peerId)
    const within = AbortSignal.timeout(goodbyeMs)
    await Promise.all(connections.map((connection) => this.#home?.pool.network.keeper.closeUnused(connection, within)))
  }

  #planSweep(): void {
    if (this.#sweep !== undefined || this.#guests.size + (this.#home?.members.size ?? 0) + this.#dismissed.size + this.#circuits.size === 0)
      return
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined
      this.#look(systemClock.now())
      this.#planSweep()
    }, this.#timing.sweepMs)
    this.#sweep.unref()
  }

  #look(now: number): void {
    const { provingMs, probeMs } = this.#timing
    this.#circuits.sweep()
    this.#home?.members.sweep((peerId) => this.#connectionsOf(peerId).length > 0, now)
    for (const peerId of this.#dismissed) void this.#dismiss(peerId)
    for (const [peerId, guest] of this.#guests) {
      if (now - guest.since >= this.#timing.graceMs && !this.holdsReservation(peerId)) void this.#free(peerId)
      else if (!this.#options.open && now - guest.since >= provingMs && !this.#isMember(peerId)) {
        this.#home?.members.refuse(peerId, now)
        void this.#revoke(peerId, 'the relay serves peers of its own pool')
      } else if (now - guest.probedAt >= probeMs) {
        guest.probedAt = now
        for (const connection of this.#connectionsOf(peerId)) void this.#ask(connection)
      }
    }
  }

  holdsReservation(peerId: PeerId): boolean {
    return this.#connectionsOf(peerId).length > 0 && this.#server?.reservations.has(peerIdFromString(peerId)) === true
  }

  /** The pool asks the peers that it runs with by itself. */
  async #ask(connection: Connection): Promise<void> {
    if (this.#home?.pool.network.keeper.carriesLink(connection) !== false) return
    try {
      await probe(connection, AbortSignal.timeout(this.#timing.answerMs))
    } catch {
      connection.abort(new Error('no answer to a liveness check'))
    }
  }

  #connectionsOf(peerId: PeerId): Connection[] {
    const connections = this.#home?.connectionManager.getConnections(peerIdFromString(peerId)) ?? []
    return connections.filter(({ limits, status }) => limits === undefined && status === 'open')
  }

  #hostOf(peerId: PeerId): Host | undefined {
    const [connection] = this.#connectionsOf(peerId)
    return connection === undefined ? undefined : hostOfAddress(connection.remoteAddr)
  }
}
