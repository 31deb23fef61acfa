/**
 * The core's `Network` on libp2p: points in, links out. It dials through libp2p's connection manager, speaks the pool
 * protocol on the connection that comes of it, takes the streams that others open, and tells which points are ours.
 * `service.ts` makes it from libp2p's components. It keeps no state of peers: that is the core's.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Guard } from '../core/flows/guards.ts'
import { deadline, loaded } from '../core/flows/waits.ts'
import { isIntroduction, transportOf } from '../core/values/address.ts'
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'
import {
  type Clock,
  type CopiedSignalling,
  DialError,
  type DialOptions,
  type Link,
  type LinkBudget,
  type Network,
  type NetworkHandlers,
  type Transport
} from '../core/values/ports.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import type { SignallingParts } from './copied-signalling.ts'
import { type DialRule, dialRule, ruleAllows } from './dial-rule.ts'
import { Discoveries } from './discoveries.ts'
import { errorLog } from './error-log.ts'
import { type LateIntroductions, lateIntroductions } from './late-introductions.ts'
import { addressOf } from './link-address.ts'
import { dialErrorOf, type Late, loadLate } from './load-late.ts'
import type { BudgetSource, NetworkComponents, NetworkOptions } from './network-options.ts'
import { OwnPoints } from './own-points.ts'
import { Libp2pRecords } from './peer-records.ts'
import type { PlainPeers } from './plain-peers.ts'
import { parsePeerId, parsePoint, pointOf, relayAddressOf, targetOf, toMultiaddr, tryParsePeerId, tryParsePoint } from './point.ts'
import { DialableForms } from './transports.ts'

export type { BudgetSource, NetworkComponents, NetworkOptions }

/** The name of the pool protocol on libp2p. */
export const poolProtocol = '/p2p-pool/1.0.0'

/** Below libp2p's default of 50 and its users' 75: what the application dials goes first. */
const dialPriority = 25
/** A live connection opens a stream within a round trip. */
const reuseDeadlineMs = 2_000
/** Of the first WebRTC handshakes of a dial; on one machine they take half a second. The last one has what is left. */
const webRtcPatienceMs = [1_500, 3_000] as const
/** Another dial to the same peer may have been joined, and its connection is not the one we asked for: ask again. */
const maxDialTries = 3
/** One pool stream per connection is right; a closing one may be open beside its successor. */
const maxStreams = 4

/** The port `Network` of the core on a libp2p node. `peerPool` makes one; make it yourself for a `PeerPool` with other parts. */
export class Libp2pNetwork implements Network {
  /** Who we are. */
  readonly peerId: PeerId
  /** @internal Which libp2p connections are in use. */
  readonly keeper: ConnectionKeeper
  /** @internal Signed peer records of libp2p. */
  readonly records: Libp2pRecords
  /** Whether the relay in this node holds a reservation of a peer; set by the code that runs one. */
  holdsReservation: Network['holdsReservation']
  /** @internal Makes connections of WebRTC where `globalThis` does not. */
  declare loadPeerConnection?: () => Promise<typeof RTCPeerConnection>
  /** @internal How peers reach each other through a common peer. */
  readonly introductions: LateIntroductions
  readonly #discoveries: Discoveries
  #late: Late | undefined
  /** Set while plain peers are taken. */
  #plain: PlainPeers | undefined
  readonly #components: Omit<NetworkComponents, 'upgrader'>
  /** For what is loaded later. */
  readonly #parts: SignallingParts & Parameters<typeof lateIntroductions>[0]
  readonly #rule: DialRule
  readonly #budget: BudgetSource | undefined
  #unwatch: (() => void) | undefined
  readonly #defaultPort: number | undefined
  readonly #deniedAt: (point: Point) => PeerId | undefined
  #handlers: NetworkHandlers | undefined
  readonly #clock: Clock
  readonly #guard: Guard
  readonly #ownPoints: OwnPoints
  readonly #forms: DialableForms

  constructor(
    components: NetworkComponents,
    { clock, rule = dialRule(), denies = () => false, deniedAt = () => undefined, defaultPort, closeIdle = true, budget }: NetworkOptions
  ) {
    // libp2p's components are a slow proxy: taken out once.
    const { peerId, privateKey, connectionManager, registrar, addressManager, transportManager, peerStore, events, logger } = components
    this.#components = { peerId, privateKey, connectionManager, registrar, addressManager, transportManager, peerStore, events, logger }
    this.peerId = parsePeerId(peerId)
    this.records = new Libp2pRecords(this.#components, logger.forComponent('p2p-pool:records'))
    this.#clock = clock
    this.#rule = rule
    this.#budget = budget
    this.#defaultPort = defaultPort
    this.#deniedAt = deniedAt
    this.#forms = new DialableForms((address) => transportManager.dialTransportForMultiaddr(address) !== undefined)
    this.#guard = new Guard(errorLog(logger, 'p2p-pool:network'), clock)
    this.#discoveries = new Discoveries(this.#components, this.#guard)
    const isReachable = (relayed: Point): boolean => this.#hasWayTo(relayed) && this.budget?.state !== 'spent'
    this.#ownPoints = new OwnPoints(this.#components, { guard: this.#guard, isReachable })
    this.keeper = new ConnectionKeeper(this.#components, { clock, denies, closeIdle })
    this.#parts = { network: this, components, clock }
    this.introductions = lateIntroductions(this.#parts, this.#guard)
  }

  get budget(): LinkBudget | undefined {
    return this.#budget?.status
  }

  get transports(): readonly Transport[] {
    return this.#forms.transports.filter((transport) => transport !== 'ws' || this.#rule.allowInsecure)
  }

  async copiedSignalling(): Promise<CopiedSignalling | undefined> {
    const { copiedSignalling } = await loaded(import('./copied-signalling.ts'))
    return copiedSignalling(this.#parts)
  }

  ownPoints(): readonly Point[] {
    return this.#ownPoints.points
  }

  parsePoint(text: string): ParsedPoint {
    return parsePoint(text, { defaultPort: this.#defaultPort })
  }

  tryParsePoint(text: string): ParsedPoint | undefined {
    return tryParsePoint(text, { defaultPort: this.#defaultPort })
  }

  readonly parsePeerId: Network['parsePeerId'] = parsePeerId
  readonly tryParsePeerId: Network['tryParsePeerId'] = tryParsePeerId

  canDial(point: Point): boolean {
    return (
      this.#hasWayTo(point) &&
      !(transportOf(point).startsWith('webrtc') && this.#budget?.allows === false) &&
      (this.introductions.loaded?.canReach(point) ?? !isIntroduction(point))
    )
  }

  #hasWayTo(point: Point): boolean {
    if (transportOf(point) === 'circuit' || !ruleAllows(this.#rule, point) || !this.#forms.has(point)) return false
    const circuit = point.indexOf('/p2p-circuit')
    return circuit < 0 || isIntroduction(point) || this.#forms.has(point.slice(0, circuit))
  }

  async dial(point: Point, { expectedPeerId = targetOf(point), signal }: DialOptions): Promise<Link> {
    let connection: Connection | undefined
    try {
      signal.throwIfAborted()
      if (!this.canDial(point)) throw new DialError('no-transport', `nothing can dial ${point}`)
      const target = targetOf(point) ?? expectedPeerId
      if (target !== expectedPeerId) throw new DialError('wrong-peer-id', `expected ${expectedPeerId}, the point names ${target}`)
      const existing = this.#reusable(point, expectedPeerId)
      const reused = existing === undefined ? undefined : await this.#reuse(existing, signal)
      if (reused !== undefined) return reused
      connection = await this.#connect(point, { expectedPeerId, signal })
      return await this.linkOn(connection, signal)
    } catch (error) {
      if (connection !== undefined) void this.keeper.closeUnused(connection)
      const deniedPeerId = this.#deniedAt(point)
      throw await dialErrorOf(error, { expectsPeerId: expectedPeerId !== undefined, signal, deniedPeerId, ownPeerId: this.peerId })
    } finally {
      if (connection !== undefined) this.#plain?.settled(connection)
    }
  }

  async start(handlers: NetworkHandlers): Promise<void> {
    this.#load().catch(() => undefined) // reported where it is waited for
    this.#ownPoints.start((points, isFirst) => {
      void this.records.sign(points)
      if (!isFirst) handlers.ownPointsChanged()
    })
    this.#forms.forget()
    this.#handlers = handlers
    this.#unwatch = this.#budget?.watch(() => {
      handlers.budgetChanged?.()
      this.#ownPoints.look()
    })
    this.keeper.start()
    try {
      await this.#components.registrar.handle(poolProtocol, this.#incoming, {
        maxInboundStreams: maxStreams,
        maxOutboundStreams: maxStreams
      })
      this.#discoveries.start(handlers.discovered)
      await this.#takePlain(handlers)
    } catch (error) {
      this.#detach()
      throw error
    }
  }

  endOlder(link: Link): void {
    const late = this.#late
    if (late === undefined || !(link instanceof late.StreamLink)) return
    const all = this.#components.connectionManager.getConnections(link.connection.remotePeer)
    late.endOlder(link.connection, { all, poolProtocol })
  }

  readonly endDenied = (): void => this.keeper.endDenied()

  rest(resting: boolean): void {
    this.#plain?.rest(resting)
    if (resting) this.keeper.rest()
    else if (this.#handlers !== undefined) this.keeper.start()
  }

  async stop(): Promise<void> {
    if (this.#handlers === undefined) return
    this.#detach()
    await this.#components.registrar.unhandle(poolProtocol)
  }

  #detach(): void {
    this.#handlers = undefined
    this.#ownPoints.stop()
    this.#discoveries.stop()
    this.#unwatch?.()
    this.keeper.stop()
    this.introductions.loaded?.stop()
    this.#plain?.stop()
    this.#plain = undefined
  }

  /** Most pools take no plain peers: their pages do not load what it needs. */
  async #takePlain(handlers: NetworkHandlers): Promise<void> {
    const { plainProtocols: required, incoming: offer } = handlers
    if (required === undefined) return
    const { PlainPeers } = await import('./plain-peers.ts')
    if (this.#handlers !== handlers) return
    const parts = { components: this.#components, keeper: this.keeper, guard: this.#guard, clock: this.#clock }
    this.#plain = new PlainPeers({ ...parts, poolProtocol, required, offer })
    await this.#plain.start()
  }

  /**
   * A connection that runs to this very point. One that leads to the same peer another way proves nothing of the point: a peer could name any.
   */
  #reusable(point: Point, expectedPeerId: PeerId | undefined): Connection | undefined {
    return this.#components.connectionManager.getConnections().find((connection) => this.#leadsTo(connection, point, expectedPeerId))
  }

  /** A link on a connection that was there. None if the connection takes no stream: it is dead then, for all. */
  async #reuse(connection: Connection, signal: AbortSignal): Promise<Link | undefined> {
    const patience = deadline(this.#clock, reuseDeadlineMs, { given: [signal] })
    try {
      return await this.linkOn(connection, signal, patience.signal)
    } catch (error) {
      if (!patience.isOver() || signal.aborted || error instanceof DialError) throw error
      connection.abort(new Error('dead'))
      return undefined
    } finally {
      patience.cancel()
    }
  }

  /**
   * @internal With a peer that does not speak the pool protocol the connection itself is the link, if such peers are taken. `until`: for the stream.
   */
  async linkOn(connection: Connection, signal: AbortSignal, until = signal): Promise<Link> {
    try {
      const stream = await connection.newStream(poolProtocol, { signal: until })
      return this.#linkOf(this.#late ?? (await this.#load()), stream, connection)
    } catch (error) {
      if (this.#plain === undefined || (await dialErrorOf(error, { expectsPeerId: true, signal })).failure !== 'no-pool') throw error
      return this.#plain.linkOn(connection, signal)
    }
  }

  /**
   * In one WebRTC dial of six libp2p 6.0.33 waits for ever for its first channel, which the other side has opened and closed already. So the
   * dial is begun anew, within one attempt. A listener with our gater does not make us wait; others do.
   */
  async #openWebRtc(address: Multiaddr, to: PeerId, signal: AbortSignal): Promise<Connection> {
    for (const withinMs of webRtcPatienceMs) {
      const patience = deadline(this.#clock, withinMs, { given: [signal] })
      try {
        this.keeper.abortStaleWebRtc(to)
        return await this.#open(address, patience.signal)
      } catch (error) {
        if (!patience.isOver() || signal.aborted) throw error
      } finally {
        patience.cancel()
      }
    }
    this.keeper.abortStaleWebRtc(to)
    return this.#open(address, signal)
  }

  async #connect(point: Point, { expectedPeerId, signal }: DialOptions): Promise<Connection> {
    const address = toMultiaddr(point, expectedPeerId)
    // libp2p dials a relay by its id, at every address in its peer store, which unknown peers fill: so the relay is dialed at the checked one first.
    const relay = relayAddressOf(point)
    if (relay !== undefined) await this.#open(relay, signal, false)
    const target = transportOf(point) === 'webrtc' ? targetOf(point) : undefined
    for (let tries = 1; ; tries++) {
      const connection = await (target === undefined ? this.#open(address, signal) : this.#openWebRtc(address, target, signal))
      if (expectedPeerId !== undefined && connection.remotePeer.toString() !== expectedPeerId) {
        void this.keeper.closeUnused(connection)
        throw new DialError('wrong-peer-id', `expected ${expectedPeerId}, ${connection.remotePeer} answered`)
      }
      // `/dnsaddr` is looked up by libp2p and stands for other addresses.
      if (point.startsWith('/dnsaddr/') || this.#leadsTo(connection, point, expectedPeerId)) {
        this.#plain?.dialed(connection)
        return connection
      }
      void this.keeper.closeUnused(connection)
      if (connection.limits !== undefined) throw new DialError('other', 'only a relayed connection came of it')
      if (tries === maxDialTries) throw new DialError('other', 'the connection leads elsewhere')
    }
  }

  /** `force`: a connection of its own, even if there is one to the peer. */
  async #open(address: Multiaddr, signal: AbortSignal, force = true): Promise<Connection> {
    return this.keeper.made(await this.#components.connectionManager.openConnection(address, { priority: dialPriority, force, signal }))
  }

  #leadsTo(connection: Connection, point: Point, expectedPeerId: PeerId | undefined): boolean {
    if (connection.status !== 'open' || connection.limits !== undefined || connection.direction !== 'outbound') return false
    if (expectedPeerId !== undefined && connection.remotePeer.toString() !== expectedPeerId) return false
    return pointOf(connection.remoteAddr)?.point === point
  }

  /** Resolves when links can be made; no dial waits for it. Rejects with `PoolError` `not-started` if that code cannot be loaded. */
  async load(): Promise<void> {
    await this.#load()
  }

  /** Begun beside the start; a failure is tried again. What comes on a stream meanwhile waits in it. */
  async #load(): Promise<Late> {
    this.#late ??= await loadLate()
    return this.#late
  }

  #linkOf({ StreamLink }: Late, stream: Stream, connection: Connection): Link {
    const address = addressOf(connection)
    const reach = async (signal: AbortSignal) => this.keeper.close(await this.#open(connection.remoteAddr, signal))
    const link = new StreamLink(stream, address, {
      connection,
      keeper: this.keeper,
      reach: connection.direction === 'outbound' && address.transport !== 'webrtc' ? reach : undefined
    })
    this.keeper.hold(connection, link)
    return link
  }

  readonly #incoming = (stream: Stream, connection: Connection): void => {
    const handlers = this.#handlers
    if (handlers === undefined || connection.limits !== undefined) stream.abort(new Error('no pool'))
    else if (this.#late !== undefined) handlers.incoming(this.#linkOf(this.#late, stream, connection))
    else
      this.#load().then(
        () => this.#incoming(stream, connection),
        (error: Error) => stream.abort(error)
      )
  }
}
