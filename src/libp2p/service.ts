/**
 * The pool as a libp2p service, in the form of `@libp2p/*` packages: `peerPool(init)` is a factory that `createLibp2p`
 * calls with its components, and its `gater` goes to `connectionGater`. The instance is the pool itself:
 * `node.services.pool.connect(…)`. The presets of `node` and `web` add transports, storage and identity.
 */
import { type Connection, type Startable, serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { memoryStorage } from '../core/memory-storage.ts'
import { PeerPool } from '../core/peer-pool.ts'
import type { PoolComponents } from '../core/peer-pool-components.ts'
import type { PoolState } from '../core/tables/pool-state.ts'
import { anything, flag, having, listOf, type Shape, whole } from '../core/values/arguments.ts'
import { checkOptions, nodePreset, pagePreset, poolOptions, resolveConfig, wholePreset } from '../core/values/config.ts'
import type { PeerStorage } from '../core/values/ports.ts'
import type { AdmissionCandidate, PoolConfig, PoolOptions, PoolSettings, Preset } from '../core/values/settings.ts'
import type { Recording } from '../recording/recording.ts'
import { type DialRule, dialPolicies, inPage } from './dial-rule.ts'
import { errorLog } from './error-log.ts'
import { type LoggedPool, logEvents } from './event-log.ts'
import { type GaterOptions, hostOfAddress, type InboundGuard, type PageHooks, type PoolGater, pageGater, type RelayGuard } from './gater.ts'
import { ListenerGuard } from './listener-guard.ts'
import { type BudgetSource, Libp2pNetwork, type NetworkComponents } from './network.ts'
import { PeerStoreCleaning } from './peer-store-cleaning.ts'
import { type PointInit, parsePointInit } from './point.ts'
import { maxInboundConnections } from './preset.ts'
import { createGater, isLinkNeeded, isToOurRelay } from './server-gater.ts'
import { systemClock, systemRandom } from './system.ts'

/** The pool's options (`PoolOptions`) and what concerns libp2p. */
export interface PeerPoolInit<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array>
  extends Omit<PoolOptions<Msg, PeerMeta, ConnMeta>, 'trustedPoints' | 'onAdmit'>,
    Partial<DialRule> {
  /** Points to begin with, kept and dialed before others. @default [] */
  readonly trustedPoints?: readonly PointInit[]
  /**
   * `PoolConfig.onAdmit`, with libp2p's connection: `peer.connection.newStream(protocol, { signal })` asks the peer over another protocol. A
   * connection that the pool refuses is closed, unless another service of the node uses it. @default none
   */
  onAdmit?(peer: AdmissionCandidate<ConnMeta, Connection>, signal: AbortSignal): boolean | string | Promise<boolean | string>
  /** Sizes for a server or a page. @default by where this runs */
  readonly preset?: Preset
  /** The port of points written as `host` or `host#peerId`. @default none: such a text is refused */
  readonly defaultPort?: number | undefined
  /**
   * Close libp2p connections on which neither the pool nor anybody else runs a stream for 10 to 20 s and whose peer nobody
   * tagged. False for applications that open connections ahead of need. @default true
   */
  readonly closeIdle?: boolean | undefined
  /**
   * New connections a second from one public IPv4 address or IPv6 /64. A public IPv4 /16 or IPv6 /48 gets five times as many, and a host that
   * is not public ten times as many, since many peers may stand behind a proxy. Raise it where many peers run on one machine.
   * Pages have no use for it. @default 5
   */
  readonly inboundConnectionThreshold?: number | undefined
  /** A `Recording` of `p2p-pool/recording`, which keeps what happens to the pool, to be replayed. @default none */
  readonly recording?: Recording | undefined
}

/** What each option may be. Presets add their own to it. */
export const peerPoolOptions: Shape<PeerPoolInit> = {
  ...poolOptions,
  // Each is read by `parsePointInit`, which needs the default port.
  trustedPoints: listOf(anything),
  preset: wholePreset,
  defaultPort: whole(1, 65_535),
  closeIdle: flag,
  allowPrivate: flag,
  allowInsecure: flag,
  inboundConnectionThreshold: whole(1, 1_000_000),
  recording: having('attach')
}

/** What `createLibp2p` needs of a service, and the gater that belongs to it. */
export interface PeerPoolService<Msg, PeerMeta, ConnMeta> {
  (components: NetworkComponents): Libp2pPeerPool<Msg, PeerMeta, ConnMeta>
  /** For `createLibp2p({ connectionGater })`; without it bans act only once a link reached the pool. */
  readonly gater: PageHooks
  /** The options over the defaults, checked. */
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta>
}

/** What the pool of a node has beside the core. */
interface OwnParts {
  readonly network: Libp2pNetwork
  /** Resolves when the metrics are loaded. */
  readonly measuring: Promise<void> | undefined
}

/**
 * A `PeerPool` that starts and stops with its node. libp2p starts all components side by side, so the pool waits for
 * `afterStart`, when dials are possible, and stops in `beforeStop`, while its goodbyes can still be sent. Between the two
 * it may be stopped and started by hand.
 */
export class Libp2pPeerPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array>
  extends PeerPool<Msg, PeerMeta, ConnMeta>
  implements Startable
{
  /** @internal */
  readonly [Symbol.toStringTag] = 'p2p-pool'
  /** @internal */
  readonly [serviceCapabilities]: string[] = ['p2p-pool']
  /** @internal What plain peers speak is known from identify alone. */
  readonly [serviceDependencies]: string[]
  /** Its network. */
  readonly network: Libp2pNetwork
  /** @internal Runs while the node runs; set where the pool is made. */
  cleaning: PeerStoreCleaning | undefined
  /** Loads the metrics; never rejects. */
  readonly #measuring: Promise<void> | undefined
  #nodeIsStarting = false

  /** @internal Made by the service that `peerPool` returns, of what the core needs and what it does not know. */
  constructor(core: readonly [PoolConfig<Msg, PeerMeta, ConnMeta>, PoolComponents], { network, measuring }: OwnParts) {
    super(...core)
    this.network = network
    this.#measuring = measuring
    this[serviceDependencies] = this.config.plainPeers === 'admit' ? ['@libp2p/identify'] : []
  }

  beforeStart(): Promise<void> | undefined {
    this.#nodeIsStarting = true
    void this.preload()
    this.cleaning?.start()
    return this.#measuring
  }

  override async start(): Promise<void> {
    if (!this.#nodeIsStarting) await this.#begin()
  }

  /** No dial waits for what makes links, but a pool that can make none has not started. */
  async #begin(): Promise<void> {
    await super.start()
    try {
      await this.network.load()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async afterStart(): Promise<void> {
    this.#nodeIsStarting = false
    // A pool that its user destroyed does not keep the node from starting again.
    if (this.status !== 'destroyed') await this.#begin()
  }

  async beforeStop(): Promise<void> {
    this.#nodeIsStarting = false
    this.cleaning?.stop()
    await this.stop()
  }
}

/** The pool of one node. Throws `PoolError` `invalid-config` for options that make no sense, before anything runs. */
export function peerPool<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array>(
  init: PeerPoolInit<Msg, PeerMeta, ConnMeta>
): PeerPoolService<Msg, PeerMeta, ConnMeta> {
  const parts = inPage() ? { preset: pagePreset } : serverParts
  return poolService(checkOptions(init, peerPoolOptions), { ...parts, storage: memoryStorage() })
}

/** The guard of a node that others can dial. */
function listenerGuard(settings: PoolSettings, connectionsPerSecond: number | undefined): InboundGuard {
  return new ListenerGuard({ clock: systemClock, maxConnections: maxInboundConnections(settings), connectionsPerSecond })
}

/** The guard learns which links are of use, the pool which guests its relay holds, and the pool's events are logged. */
function serverMade(
  pool: Pick<Libp2pPeerPool, 'network' | 'gate' | 'cleaning'> & LoggedPool,
  { components, guard, relay }: { components: NetworkComponents; guard: InboundGuard | undefined; relay: RelayGuard | undefined }
): void {
  const { network, gate } = pool
  guard?.bind((link) => isLinkNeeded(network.keeper, link))
  network.keeper.isToOurRelay = isToOurRelay
  if (relay !== undefined) {
    network.holdsReservation = (guest) => relay.holdsReservation(guest)
    network.keeper.maxIdleAgeMs = relay.maxIdleAgeMs ?? network.keeper.maxIdleAgeMs
  }
  // libp2p keeps an entry for every id that ever connected.
  pool.cleaning = new PeerStoreCleaning(components, {
    clock: systemClock,
    isUnknown: (peerId) => gate.isUnknown(peerId),
    isOurs: (connection) => network.keeper.isOurs(connection)
  })
  logEvents(pool, components.logger)
}

/** The dials of a server are checked by the state of its pool: `checked-dials.ts` on Node. */
function serverPolicy(service: object, rule: DialRule): PoolComponents['inspect'] {
  let state: PoolState<unknown> | undefined
  dialPolicies.set(service, { rule, state: () => state })
  return (made) => {
    state = made
  }
}

/** What a node that others can dial adds to a pool, and a page does not load. */
export const serverParts = {
  preset: nodePreset,
  guard: listenerGuard,
  gater: createGater,
  policy: serverPolicy,
  made: serverMade
} satisfies Omit<PoolParts, 'storage'>

/** What a preset adds to a pool. */
export interface PoolParts {
  /** Sizes, unless the options say so. */
  readonly preset: Preset
  /** Where peers are kept unless the options say so. */
  readonly storage: PeerStorage
  /** Of WebRTC links. @default none: they are not counted */
  readonly budget?: BudgetSource
  /** Of incoming connections. @default none: libp2p's own limits alone hold */
  readonly guard?: typeof listenerGuard | undefined
  /** The connection gater. @default that of a page */
  readonly gater?: ((options: GaterOptions) => PoolGater<PageHooks>) | undefined
  /** Called with the service when it is made; what it returns is given the pool's state. */
  readonly policy?: typeof serverPolicy | undefined
  /** Called with the pool when it is made. */
  readonly made?: typeof serverMade | undefined
  /** Of the circuit relay in this node. @default none */
  readonly relay?: RelayGuard | undefined
}

/** `peerPool` with the parts of a preset. The options are checked; those that are not the pool's are left alone. */
export function poolService<Msg, PeerMeta, ConnMeta>(
  init: PeerPoolInit<Msg, PeerMeta, ConnMeta>,
  { preset: defaultPreset, storage, budget, guard: makeGuard, gater: makeGater = pageGater, policy, made, relay }: PoolParts
): PeerPoolService<Msg, PeerMeta, ConnMeta> {
  const {
    trustedPoints = [],
    preset = defaultPreset,
    defaultPort,
    closeIdle,
    inboundConnectionThreshold,
    allowPrivate,
    allowInsecure,
    recording,
    ...others
  } = init
  const options = Object.fromEntries(Object.entries(others).filter(([name]) => name in poolOptions)) as typeof others
  const trusted = trustedPoints.map((point) => parsePointInit(point, defaultPort))
  const config = resolveConfig({ ...options, trustedPoints: trusted }, { preset, storage })
  const guard = makeGuard?.(config, inboundConnectionThreshold)
  const gater = makeGater({ allowPrivate, allowInsecure, guard, relay })
  const make = (components: NetworkComponents): Libp2pPeerPool<Msg, PeerMeta, ConnMeta> => {
    const errors = errorLog(components.logger, 'p2p-pool')
    const network = new Libp2pNetwork(components, {
      clock: systemClock,
      rule: gater.rule,
      deniedAt: gater.deniedAt,
      denies: (peerId, connection) =>
        pool.gate.deniesPeer(peerId, hostOfAddress(connection.remoteAddr), connection.direction === 'inbound' ? 'incoming' : 'outgoing'),
      defaultPort,
      closeIdle,
      budget
    })
    const { metrics } = components
    const measuring: Promise<void> | undefined =
      metrics === undefined
        ? undefined
        : import('./pool-metrics.ts').then(
            ({ measurePool }) => measurePool(pool, { metrics, relay, clock: systemClock, log: errors }),
            (error) => errors.error('no metrics', error)
          )
    const core = [config, { network, clock: systemClock, random: systemRandom, log: errors, inspect }] as const
    const pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta> = new Libp2pPeerPool(recording?.begin(...core) ?? core, {
      network,
      measuring
    })
    recording?.attach(pool)
    gater.bind(pool.gate)
    made?.(pool, { components, guard, relay })
    return pool
  }
  const inspect = policy?.(make, gater.rule)
  return Object.assign(make, { gater: gater.gater, config })
}
