/**
 * The pool: wires state, flows and ports together, and is the one thing a program holds. It has a life (start, stop, destroy)
 * and the public verbs; what they do is done elsewhere.
 */
import type { LatePool } from './api/late.ts'
import { LateParts } from './api/late-parts.ts'
import { Registering } from './api/registering.ts'
import { checkPeer, isBarredAt, isShutOut } from './decisions/admission.ts'
import type { Explanation } from './decisions/explain.ts'
import type { BandExplanation } from './decisions/explain-band.ts'
import { scorerOf } from './decisions/score.ts'
import { abortLink } from './flows/closing.ts'
import { type ConnectOptions, Connector } from './flows/connect.ts'
import type { Connection } from './flows/connection.ts'
import type { FlowContext } from './flows/context.ts'
import { EventHub } from './flows/event-hub.ts'
import { Expulsion } from './flows/expulsion.ts'
import { Guard, GuardedNetwork, guardClock, guardPeerMetadata, guardRandom, metadataEncoder } from './flows/guards.ts'
import type { Change } from './tables/access.ts'
import { AccessList } from './tables/access.ts'
import { Band } from './tables/band.ts'
import { Claims } from './tables/claims.ts'
import { PeerTable } from './tables/peer-table.ts'
import { PointTable } from './tables/point-table.ts'
import { PoolState } from './tables/pool-state.ts'
import { Registry } from './tables/registry.ts'
import type { ConnectionBand, SuspendedKeep } from './values/bounds.ts'
import type { PoolConfig } from './values/config.ts'
import { poolEventNames } from './values/events.ts'
import type { PeerId, Point } from './values/ids.ts'
import type { Clock, Gate, Link, LinkBudget, Log, Network, Random } from './values/ports.ts'
import { type DisconnectReason, PoolError } from './values/reason.ts'
import type { PoolSnapshot, PoolStatus } from './values/snapshot.ts'
import { argumentsFor } from './verbs.ts'

export interface PoolComponents {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Is given the state when the pool is made: for tests and debug runs, which hold it against `invariants.ts`, and for an adapter that asks `decisions` more than `gate` tells. */
  readonly inspect?: ((state: PoolState<unknown>) => void) | undefined
}

export class PeerPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> extends Registering<Msg, PeerMeta, ConnMeta> {
  /** The settings, and who we are. Frozen. Source: `config`. */
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta> & { readonly peerId: PeerId }
  /** The predicate for an adapter's gater. */
  readonly gate: Gate
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #connector: Connector<Msg, PeerMeta, ConnMeta>
  readonly #expulsion: Expulsion<Msg, PeerMeta, ConnMeta>
  /** Loaded a little later than the rest. */
  readonly #late: LateParts<LatePool<Msg, PeerMeta, ConnMeta>>
  /** Before that. */
  #hasUnsaved = false
  #status: PoolStatus = 'created'
  #budgetState: LinkBudget['state'] | undefined = 'plenty'
  /** While suspended. */
  #keep: SuspendedKeep = 'band'
  #version = 0
  #cancelChange: (() => void) | undefined
  /** Grows with each start and stop: whoever waited compares. */
  #turns = 0
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /** Makes a pool that does nothing yet. `given` is of `resolveConfig`, which checked it. Throws `PoolError` for a trusted point that is none. */
  constructor(given: PoolConfig<Msg, PeerMeta, ConnMeta>, components: PoolComponents) {
    const log = new Guard(components.log, components.clock)
    const clock = guardClock(components.clock, log)
    const network = new GuardedNetwork(components.network, clock, log)
    const random = guardRandom(components.random, log)
    const peerMetadata = guardPeerMetadata(given.peerMetadata, log)
    const config = { ...given, peerMetadata }
    const events = new EventHub(poolEventNames, { clock, guard: log })
    const key = random.bytes(32)
    const score = scorerOf(peerMetadata, clock)
    const state = new PoolState<PeerMeta, Connection<Msg, ConnMeta>>({
      config,
      peerId: network.peerId,
      clock,
      random,
      points: new PointTable({ size: config.maxKnownPoints }),
      peers: new PeerTable<PeerMeta>({ size: config.maxKnownPeers, score }),
      score,
      access: new AccessList({ ...config, now: clock.now() }),
      band: new Band(config),
      emit: (type, detail) => {
        events.emit(type, detail)
        this.#parts?.maintenance.told(type)
        this.#expulsion.told(type)
      },
      changed: (what) => this.#changed(what)
    })
    components.inspect?.(state as unknown as PoolState<unknown>)
    const registry = new Registry(state)
    const claims = new Claims(state)
    const ownMetadata = metadataEncoder(config.connectionMetadata, log)
    const take = argumentsFor(network)
    const secrets = { instance: random.bytes(8), sharingSeed: new DataView(key.buffer, key.byteOffset).getUint32(0) }
    const context = { config, network, clock, random, log, state, registry, claims, events, ...secrets, ownMetadata, take }
    super(context)
    this.config = Object.freeze({ ...given, peerId: network.peerId })
    this.#context = context
    this.#expulsion = new Expulsion(this.#context)
    this.#connector = new Connector(this.#context, {
      established: (connection) => this.#parts?.exchange.established(connection),
      received: (connection, message) => this.#parts?.exchange.received(connection, message),
      alternatives: (asker, hello) => this.#parts?.exchange.alternatives(asker, hello) ?? []
    })
    this.gate = {
      deniesIncoming: (host) => state.hostBar(host, true) !== undefined,
      deniesDial: (point, expectedPeerId) => isBarredAt(state, point, { expectedPeerId }),
      deniesPeer: (peerId, host, direction) =>
        checkPeer(state, peerId, host) !== undefined || (direction !== undefined && isShutOut(state, peerId, { host, direction })),
      isStranger: (peerId) => !state.passesGreylist(peerId),
      isTrusted: (peerId) => state.isTrusted(peerId, undefined)
    }
    this.#late = new LateParts(clock, (late) => {
      const parts = new late.LatePool(context, { connector: this.#connector, key, shown: () => this.#shown() })
      if (this.#hasUnsaved) parts.persistence.changed()
      return parts
    })
    for (const { point, expectedPeerId } of config.trustedPoints) take('registerPoint', point, { expectedPeerId })
    registry.configure(config.trustedPoints)
  }

  get peerId(): PeerId {
    return this.#context.state.peerId
  }

  get #parts(): LatePool<Msg, PeerMeta, ConnMeta> | undefined {
    return this.#late.loaded
  }

  get status(): PoolStatus {
    return this.#status
  }

  /**
   * Loads what was saved (at most two seconds; a storage that is slower or broken is reported and tried again), takes
   * incoming links, begins to keep the band. Idempotent: all calls wait for the same start. Rejects with `PoolError`
   * `destroyed`, or with what the network says when it cannot start: the pool is stopped then and may be started again.
   */
  start(): Promise<void> {
    if (this.#status === 'destroyed') return Promise.reject(new PoolError('destroyed', 'start: the pool was destroyed; make a new one'))
    if (this.#status === 'created' || this.#status === 'stopped') {
      const before = Promise.allSettled([this.#starting, this.#stopping])
      this.#setStatus('starting')
      this.#starting = this.#begin(++this.#turns, before)
    }
    return this.#starting ?? Promise.resolve()
  }

  /** Begins to load what `start` waits for, so that it is there by then. A failure shows at the start, which tries again. */
  protected preload(): void {
    this.#late.load().catch(() => undefined)
  }

  /** Gives up silently when the pool was stopped meanwhile: `turn` is over then. */
  async #begin(turn: number, before: Promise<unknown>): Promise<void> {
    const { network, claims } = this.#context
    await before
    if (turn !== this.#turns) return
    try {
      await this.#late.load()
      if (turn !== this.#turns) return
      await this.#parts?.persistence.start()
      if (turn !== this.#turns) return
      this.#context.registry.resetReconnections()
      await network.start({
        plainProtocols: this.config.plainPeers === 'admit' ? this.config.requiredProtocols : undefined,
        incoming: (link) => this.#incoming(link),
        ownPointsChanged: () => this.#ownPointsChanged(),
        budgetChanged: () => this.#budgetChanged(),
        discovered: (found) => claims.discovered(found)
      })
    } catch (error) {
      await this.stop()
      throw error
    }
    if (turn !== this.#turns) {
      await network.stop()
      return
    }
    this.#setStatus('running')
    this.#ownPointsChanged()
    this.#parts?.maintenance.start({ awake: true })
  }

  /** Says goodbye to all, saves, releases storage and network. Idempotent; the pool may be started again. Never rejects. */
  stop(): Promise<void> {
    return this.#end('stopped', { kind: 'going-away' })
  }

  /** Tears all connections down with `pool-destroyed`, saves, and is of no use afterwards. Idempotent. Source: `destroy`. */
  destroy(): Promise<void> {
    return this.#end('destroyed', { kind: 'pool-destroyed' })
  }

  #end(status: 'stopped' | 'destroyed', reason: DisconnectReason): Promise<void> {
    if (this.#status === 'destroyed') return this.#stopping ?? Promise.resolve()
    const idle = this.#status === 'created' || this.#status === 'stopped'
    this.#turns++
    this.#setStatus(status)
    if (!idle) this.#stopping = this.#wind(reason, this.#stopping)
    return this.#stopping ?? Promise.resolve()
  }

  async #wind(reason: DisconnectReason, before: Promise<void> | undefined): Promise<void> {
    this.#parts?.maintenance.stop()
    this.#parts?.persistence.rememberAnchors()
    const { network } = this.#context
    const quiet = network.stop()
    await this.tearDownConnections(reason)
    await Promise.all([quiet, before])
    await this.#parts?.persistence.stop()
    this.#cancelChange?.()
    this.#cancelChange = undefined
  }

  /**
   * The host is hidden, leaves, or is offline: saves, and lives on as `keep` says; another call may say otherwise. `resume` undoes
   * it. Resolves when saved. Does nothing unless the pool runs.
   */
  async suspend(options: { keep?: SuspendedKeep } = {}): Promise<void> {
    const [{ keep = 'band' }] = this.#context.take('suspend', options)
    if (this.#status !== 'running' && this.#status !== 'suspended') return
    this.#keep = keep === 'band' && this.config.suspendedBand === null ? 'all' : keep
    this.#setStatus('suspended')
    this.#context.registry.changeBand({ isSuspended: this.#keep === 'band' })
    if (this.#keep === 'band') {
      this.#parts?.maintenance.start({ awake: false })
      // Whom its first look leaves is saved with the rest.
      await Promise.resolve()
    } else {
      this.#parts?.maintenance.stop()
      this.#cancelAttempts('the pool is suspended')
      if (keep === 'none') void this.tearDownConnections({ kind: 'going-away' })
    }
    await this.#parts?.persistence.save()
  }

  /** Awake, or online again: what failed meanwhile counts for nothing, every link must answer, and the band is looked at now. */
  resume(): void {
    if (this.#status !== 'running' && this.#status !== 'suspended') return
    this.#context.registry.resetReconnections()
    this.#setStatus('running')
    this.#context.registry.changeBand({ isSuspended: false })
    this.#parts?.maintenance.start({ awake: true })
    this.#parts?.maintenance.askAll()
    void this.#parts?.persistence.save()
  }

  /** The band that is kept now; frozen. While suspended it is the narrower one of this and `suspendedBand`. */
  get band(): ConnectionBand {
    return this.#context.state.band
  }

  /**
   * Keeps another band from now on: closes down to a smaller one, fills a larger one. While suspended it counts from `resume` on.
   * Throws `PoolError` `invalid-config` naming field, value and range. libp2p's own limit stays as it was made: three
   * times the `maxConnections` of the config, at least 300.
   */
  setBand(band: ConnectionBand): void {
    const [ordinary] = this.#context.take('setBand', band)
    this.#context.registry.changeBand({ ordinary })
    this.#shown()
  }

  /** Ends all connections and attempts; resolves when they are gone. The pool goes on. Source: `tear_down_connections`. */
  async tearDownConnections(given: DisconnectReason | string): Promise<void> {
    const [reason] = this.#context.take('tearDownConnections', given as DisconnectReason)
    this.#cancelAttempts(`all connections are torn down (${reason.kind})`)
    await Promise.all(this.connections.list().map((connection) => connection.disconnect(reason)))
  }

  #cancelAttempts(detail: string): void {
    for (const attempt of [...this.#context.state.attempts()]) attempt.cancel({ kind: 'cancelled', detail })
  }

  /** Writes what changed now. Resolves when it is stored; a failure is an event, not a rejection. Source: `save_peers`. */
  async savePeers(): Promise<void> {
    await this.#parts?.persistence.save()
  }

  // Connections.

  /**
   * Connects to a point now, whatever its back-off. Resolves with the running connection. Rejects with `PoolError`: `rejected` with
   * a `Rejection`, `table-full`, `not-started`, `destroyed`, or one of a bad argument; or with the signal's reason if it had fired before.
   */
  async connect(point: Point, options: ConnectOptions = {}): Promise<Connection<Msg, ConnMeta>> {
    const [, checked] = this.#context.take('connect', point, options)
    this.#mustRun('connect')
    return this.#connector.connect(point, checked)
  }

  /** Looks at the band now. Resolves when it is kept, or when nothing can be done for it at the moment. Never rejects. */
  maintain(): Promise<void> {
    return this.#parts?.maintenance.maintain() ?? Promise.resolve()
  }

  /**
   * Everything there is to show, as plain JSON. Cheap when nothing changed: only the counters are read again. Throws `PoolError`
   * `not-started` before the first start.
   */
  snapshot(): PoolSnapshot {
    return this.#late.for('snapshot').snapshot({ version: this.#version, status: this.#status })
  }

  /** Connected, or why not and when it will be tried next. Takes a point or a peer id. Throws `PoolError` `not-started` before the first start. */
  explain(what: Point | PeerId): Explanation {
    this.#context.take('explain', what)
    return this.#late.for('explain').explanations.explain(what, this.#status)
  }

  /** What maintenance does now, and why. Throws `PoolError` `not-started` before the first start. */
  explainBand(): BandExplanation {
    return this.#late.for('explainBand').explanations.explainBand(this.#status)
  }

  // What the network tells.

  #incoming(link: Link): void {
    const takes = this.#status === 'running' || this.#status === 'starting' || (this.#status === 'suspended' && this.#keep !== 'none')
    if (takes) this.#connector.accept(link).catch((error: unknown) => this.#context.log.error('an incoming link failed', error))
    else abortLink(link, 'the pool is not running')
  }

  #ownPointsChanged(): void {
    const { state, network, registry, events } = this.#context
    const points = network.ownPoints()
    state.announcedPoints = points
    for (const point of points) registry.unregisterPoint(point)
    events.emit('own-points-changed', { points })
    this.#parts?.exchange.ownPointsChanged()
  }

  #budgetChanged(): void {
    const { budget } = this.#context.network
    if (budget !== undefined && budget.state !== this.#budgetState) this.#context.events.emit('link-budget', budget)
    this.#budgetState = budget?.state
    this.#shown()
  }

  #mustRun(what: string): void {
    if (this.#status === 'destroyed') throw new PoolError('destroyed', `${what}: the pool was destroyed`)
    if (this.#status !== 'running' && this.#status !== 'suspended')
      throw new PoolError('not-started', `${what}: the pool is ${this.#status}, start it first`)
  }

  #setStatus(status: PoolStatus): void {
    this.#status = status
    this.#shown()
  }

  #changed(what?: Change): void {
    if (what !== 'shown') {
      this.#hasUnsaved = true
      this.#parts?.persistence.changed(what)
    }
    this.#shown()
  }

  /** Something that is shown changed: one event for all changes of a turn. */
  #shown(): void {
    this.#version++
    const { events, clock } = this.#context
    if (this.#cancelChange !== undefined || !events.hasListeners('change')) return
    this.#cancelChange = clock.schedule(0, () => {
      this.#cancelChange = undefined
      events.emit('change', { version: this.#version })
    })
  }
}
