/**
 * What a node of libp2p is assembled from. Each feature of a preset is one part, and what the user adds is the last part. Lists are joined in
 * the order of the parts, so libp2p prefers what the preset brings. Used by the presets of `node` and `web`.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ServiceMap } from '@libp2p/interface'
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p'
import { type Check, callable, having, listOf, recordOf, type Shape } from '../core/values/arguments.ts'
import { PoolError } from '../core/values/reason.ts'
import { boundedMuxer } from './bounded-muxer.ts'
import type { pageSettings } from './preset.ts'
import type { Libp2pPeerPool, PeerPoolService } from './service.ts'

/** No services but those of the preset. */
export type NoServices = Record<never, never>

/** The services of a node with a pool: the user's, and the pool. */
export type WithPool<Services extends ServiceMap, Msg, PeerMeta, ConnMeta> = Services & {
  readonly pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>
}

type ListOf<Name extends keyof Libp2pInit> = Readonly<NonNullable<Libp2pInit[Name]>>

/** Options of `createLibp2p` that the presets take. They are added to what the preset brings. */
export interface Libp2pParts<Services extends ServiceMap = NoServices> {
  /** Transports beside ours. `listen` may name addresses for them. The pool dials with them what their filter takes. @default [] */
  readonly transports?: ListOf<'transports'> | undefined
  /**
   * Services beside ours, as `node.services.NAME`. A name that the preset uses is refused. In a page that shares its pool, a tab calls each
   * factory when the pool begins to run there; other tabs have no services. @default {}
   */
  readonly services?: ServiceFactoryMap<Services> | undefined
  /** What finds peers. The pool dials them as it needs connections. @default [] */
  readonly peerDiscovery?: ListOf<'peerDiscovery'> | undefined
  /** Measures the node. @default none */
  readonly metrics?: Libp2pInit['metrics'] | undefined
  /** Where libp2p's peer store and services keep what they know. The pool has its own storage. @default memory */
  readonly datastore?: Libp2pInit['datastore'] | undefined
  /** Encryption beside noise, which is preferred. @default [] */
  readonly connectionEncrypters?: ListOf<'connectionEncrypters'> | undefined
  /** Muxers beside yamux, which is preferred. @default [] */
  readonly streamMuxers?: ListOf<'streamMuxers'> | undefined
}

const factories = listOf(callable)

/** What each part may be. `taken` are names of the preset's services. */
export function partOptions(...taken: readonly string[]): Shape<Libp2pParts> {
  const service: Check = (value, at) => {
    if (!taken.some((name) => at.name === `services.${name}`)) return callable(value, at)
    throw new PoolError(at.code, `${at.name}: the preset has a service of this name`)
  }
  return {
    transports: factories,
    services: (value, at) => recordOf(Object.fromEntries(Object.keys(Object(value)).map((name) => [name, service])))(value, at),
    peerDiscovery: factories,
    metrics: callable,
    datastore: having('get', 'put'),
    connectionEncrypters: factories,
    streamMuxers: factories
  }
}

/** Options of `createLibp2p`, of which a preset may change these. */
export type Assembled<Services extends ServiceMap> = Libp2pInit<Services> & Required<Pick<Libp2pInit, 'streamMuxers' | 'connectionManager'>>

/** Options for `createLibp2p`. The last part is the user's. */
export function assemble<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  pool: PeerPoolService<Msg, PeerMeta, ConnMeta>,
  { yamux: muxing, ...settings }: ReturnType<typeof pageSettings>,
  ...parts: readonly [...Libp2pParts<ServiceMap>[], Libp2pParts<Services>]
): Assembled<WithPool<Services, Msg, PeerMeta, ConnMeta>> {
  const { metrics, datastore } = parts.at(-1) ?? {}
  return {
    ...settings,
    connectionGater: pool.gater,
    ...(metrics && { metrics }),
    ...(datastore && { datastore }),
    transports: parts.flatMap(({ transports = [] }) => transports),
    peerDiscovery: parts.flatMap(({ peerDiscovery = [] }) => peerDiscovery),
    connectionEncrypters: [noise(), ...parts.flatMap(({ connectionEncrypters = [] }) => connectionEncrypters)],
    streamMuxers: [yamux(muxing), ...parts.flatMap(({ streamMuxers = [] }) => streamMuxers)].map((make) => boundedMuxer(make)),
    services: Object.assign({ identify: identify(), pool }, ...parts.map(({ services }) => services)) as ServiceFactoryMap<
      WithPool<Services, Msg, PeerMeta, ConnMeta>
    >
  }
}
