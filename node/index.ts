/**
 * Public names of `p2p-pool/node`, and `createNodePeer`: a libp2p node on TCP and WebSockets with a pool that keeps its
 * peers and its identity in files. For other transports make your own node and use `peerPool` of `p2p-pool/libp2p`.
 *
 * @module p2p-pool/node
 */
import { identifyPush } from '@libp2p/identify'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { within } from '../src/core/flows/waits.ts'
import { memoryStorage } from '../src/core/memory-storage.ts'
import { flag, listOf, name, recordOf, type Shape, whole } from '../src/core/values/arguments.ts'
import { checkOptions, maxDurationMs } from '../src/core/values/config.ts'
import type { Host } from '../src/core/values/ids.ts'
import { PoolError } from '../src/core/values/reason.ts'
import { closing } from '../src/libp2p/closing-web-sockets.ts'
import { assemble, type Libp2pParts, type NoServices, partOptions, type WithPool } from '../src/libp2p/libp2p-parts.ts'
import type { NetworkComponents } from '../src/libp2p/network.ts'
import { addresses, libp2pSettings, privateKey as privateKeyOption } from '../src/libp2p/preset.ts'
import { type Libp2pPeerPool, type PeerPoolInit, peerPoolOptions, poolService, serverParts } from '../src/libp2p/service.ts'
import { systemClock } from '../src/libp2p/system.ts'
import { yieldingMuxer } from '../src/libp2p/yielding-muxer.ts'
import { type AutoTlsOptions, autoTlsAddresses, autoTlsOptions, autoTlsService } from './auto-tls.ts'
import { checkedDials } from './checked-dials.ts'
import { loadOrCreateIdentity } from './identity.ts'
import { interfaceAddresses } from './interface-addresses.ts'
import { jsonFileStorage } from './json-file.ts'
import { listenError } from './listen-trouble.ts'
import { type OptionalFeatures, optionalFeatures, optionalParts, optionalServices } from './optional-parts.ts'
import { loadPeerConnection } from './peer-connection.ts'
import { behindProxies } from './proxied-listener.ts'
import { PoolRelay, type Relay, type RelayOptions } from './relay.ts'
import { announcedHosts, inRanges, pageOrigin, proxyRange } from './request-origin.ts'
import { guardingSockets } from './socket-guard.ts'
import { loadCertificate, type TlsOptions, tlsOptions } from './tls-certificate.ts'
import { tlsServerOptions, withCertificate } from './tls-listener.ts'
import { webRtcDirectTransport, withDirectListener } from './webrtc-direct.ts'

export * from '../src/core/index.ts'
export * from '../src/libp2p/index.ts'
export type { AutoTlsOptions } from './auto-tls.ts'
export { type CheckedDials, type CheckedDialsOptions, checkedDials, type TransportFactory } from './checked-dials.ts'
export type { LookUpName } from './checked-names.ts'
export { loadOrCreateIdentity } from './identity.ts'
export { type JsonFileOptions, jsonFileStorage } from './json-file.ts'
export type { OptionalFeatures, WebRtcOptions } from './optional-parts.ts'
export type { Relay, RelayOptions, RelayStatus } from './relay.ts'
export type { TlsOptions } from './tls-certificate.ts'

/** Options of `createNodePeer`. */
export interface NodePeerInit<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>
  extends PeerPoolInit<Msg, PeerMeta, ConnMeta>,
    Libp2pParts<Services>,
    OptionalFeatures {
  /** The JSON file of the peers; `storage` goes before it. @default none: they are forgotten */
  readonly peersFile?: string
  /** The file of the private key, made if it is not there; `privateKey` goes before it. @default none: a new identity each time */
  readonly identityFile?: string
  /** The key of this peer. @default the one in `identityFile` */
  readonly privateKey?: PrivateKey
  /** Multiaddrs. @default all IPv4 and IPv6 interfaces, TCP and WebSockets, on ports the system chooses; IPv6 where the system has it */
  readonly listen?: readonly string[]
  /** Multiaddrs to tell others instead of those we listen on: behind a proxy, a mapped port or a name. @default none */
  readonly announce?: readonly string[]
  /**
   * Reverse proxies in front of the listeners, as addresses or ranges (`127.0.0.1`, `10.0.0.0/8`). Of a WebSocket that comes from one, the
   * last address in `X-Forwarded-For` that is no trusted proxy counts as the peer's host; without such a header, and for plain TCP, the
   * host is unknown. Each must set or append that header. @default none: the host of what a proxy forwards is unknown
   */
  readonly trustedProxies?: readonly string[]
  /**
   * Origins of pages that may connect (`https://app.example.org`); `'*'` is any, an empty list none. Programs send no origin and
   * always may. Others get status 403. @default all, but for pages of public websites that come from this machine or a local network, not by
   * a proxy and not by an announced name: a website in a browser there
   */
  readonly allowedOrigins?: readonly string[]
  /**
   * Speak TLS at the ports of WebSockets, beside plain text: pages that came over https need it. Changed files are used within twenty seconds,
   * without a restart; what is wrong with them is a process warning. Advertised are the names in the certificate, unless `announce` is given.
   * @default no TLS
   */
  readonly tls?: TlsOptions
  /**
   * Ask Let's Encrypt for a certificate for a name under `libp2p.direct`, by `@ipshipyard/libp2p-auto-tls`; nothing but a public address is needed, in
   * `announce` or found by `nat`. It is kept beside `identityFile` and renewed. Not together with `tls`. Needs that package and `@libp2p/http`. @default false
   */
  readonly autoTls?: boolean | AutoTlsOptions
  /**
   * Experimental: let pages dial `/webrtc-direct`, over UDP, without a DNS name and a certificate of an authority, as long as their browser speaks
   * version 1 of its handshake. It listens at the port of the first WebSocket listener, unless `listen` has an address for it. The hash of its
   * certificate is in the address, and the certificate is kept beside `identityFile`. Needs `@libp2p/webrtc`. @default false
   */
  readonly webRtcDirect?: boolean
  /** Be a circuit relay. @default false */
  readonly relay?: boolean | RelayOptions | undefined
}

/** A libp2p node with its pool. */
export interface NodePeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices> {
  /** The node, which has started. Its `services` are yours and the pool. */
  readonly node: Libp2p<WithPool<Services, Msg, PeerMeta, ConnMeta>>
  /** Its pool, which has started. */
  readonly pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>
  /** Set while it is a circuit relay. */
  readonly relay: Relay | undefined
  /**
   * Stops pool and node; both may be started again with `node.start()`. Resolves within six seconds, also when a service, a transport or the
   * runtime's server never says that it has stopped.
   */
  stop(): Promise<void>
}

/** The pool takes five seconds at most. */
const stopWithinMs = 6_000

async function stopInTime(node: Pick<Libp2p, 'stop'>): Promise<void> {
  const late = new Error('a part of the node has not stopped in time')
  try {
    await within(Promise.resolve(node.stop()), { clock: systemClock, ms: stopWithinMs, late })
  } catch (error) {
    if (error !== late) throw error
  }
}

const relayOptions: Shape<RelayOptions> = {
  maxReservations: whole(1, 1_000_000),
  maxDurationMs: whole(1, maxDurationMs),
  maxBytes: whole(1, Number.MAX_SAFE_INTEGER),
  open: flag
}
const relayRecord = recordOf(relayOptions)

/** Names that no service of the user may have. */
const ownServices = ['autoTls', 'identify', 'identifyPush', 'interfaceAddresses', 'ping', 'pool', 'relay', ...optionalServices]

const nodeOptions: Shape<NodePeerInit> = {
  ...peerPoolOptions,
  ...partOptions(...ownServices),
  ...optionalFeatures,
  peersFile: name,
  identityFile: name,
  privateKey: privateKeyOption,
  listen: addresses,
  announce: addresses,
  trustedProxies: listOf(proxyRange),
  allowedOrigins: listOf(pageOrigin),
  tls: tlsOptions,
  autoTls: autoTlsOptions,
  webRtcDirect: flag,
  relay: (value, at) => (typeof value === 'object' ? relayRecord(value, at) : flag(value, { ...at, or: ' or an object with options' }))
}

/** libp2p lets those of IPv6 fail where the system has none. */
const listenEverywhere = ['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0/ws', '/ip6/::/tcp/0', '/ip6/::/tcp/0/ws']

/**
 * Makes and starts a node with a pool. Rejects with `PoolError` `invalid-config` for options that make no sense, `StorageError` for an identity
 * file that cannot be used, `PoolError` `cannot-listen` for an address that it cannot have. Then nothing is left running.
 */
export async function createNodePeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>(
  init: NodePeerInit<Msg, PeerMeta, ConnMeta, Services>
): Promise<NodePeer<Msg, PeerMeta, ConnMeta, Services>> {
  const options = checkOptions(init, nodeOptions)
  const {
    peersFile,
    identityFile,
    privateKey,
    listen = listenEverywhere,
    announce = [],
    trustedProxies = [],
    allowedOrigins,
    tls,
    autoTls = false,
    webRtcDirect = false,
    relay: relayOptions = false
  } = options
  const storage = peersFile === undefined ? memoryStorage() : jsonFileStorage(peersFile)
  const relay = relayOptions === false ? undefined : new PoolRelay(relayOptions === true ? {} : relayOptions)
  const service = poolService<Msg, PeerMeta, ConnMeta>(options, { ...serverParts, storage, relay })
  const pool = Object.assign((components: NetworkComponents): Libp2pPeerPool<Msg, PeerMeta, ConnMeta> => {
    const made = service(components)
    relay?.bind(made, components)
    return made
  }, service)
  if (tls !== undefined && autoTls !== false) throw new PoolError('invalid-config', 'autoTls: expected tls or autoTls, got both')
  const certificate = tls === undefined ? undefined : await loadCertificate({ ...tls, isElsewhere: announce.length > 0 })
  const named = announcedHosts(announce)
  const announced = { has: (host: Host) => named.has(host) || certificate?.current.hosts.includes(host) === true }
  const rules = { isTrustedProxy: inRanges(trustedProxies), allowedOrigins, announced }
  const dials = checkedDials(service)
  const sockets = dials.webSockets(webSockets({ https: tlsServerOptions(certificate) }))
  const secured = withCertificate(sockets, certificate, { clock: systemClock, warn })
  const guarding = { clock: systemClock, connectionsPerSecond: options.inboundConnectionThreshold }
  // One part for each feature. What is optional brings its own, so that nothing of it is loaded without being asked for.
  const parts: Libp2pParts<ServiceMap>[] = [
    {
      transports: [
        behindProxies(dials.tcp(tcp()), rules),
        guardingSockets(behindProxies(closing(secured), rules), { ...guarding, isShared: rules.isTrustedProxy })
      ],
      services: { identifyPush: identifyPush(), ping: ping() }
    },
    webRtcDirect ? { transports: [await webRtcDirectTransport({ identityFile, ...guarding })] } : {},
    autoTls === false ? {} : { services: { autoTls: await autoTlsService(autoTls === true ? {} : autoTls, identityFile) } },
    relay === undefined ? {} : { services: { relay: relay.service } },
    options.nat === true ? {} : { services: { interfaceAddresses: interfaceAddresses(listen) } },
    ...(await optionalParts(options))
  ]
  const assembled = assemble(pool, libp2pSettings(service.config), ...parts, options)
  const key = privateKey ?? (identityFile === undefined ? undefined : await loadOrCreateIdentity(identityFile))
  const node = await createLibp2p({
    ...assembled,
    ...(key === undefined ? {} : { privateKey: key }),
    addresses: {
      listen: [...(webRtcDirect ? withDirectListener(listen) : listen)],
      announce: [...announce],
      ...(autoTls === false ? {} : autoTlsAddresses(announce))
    },
    streamMuxers: assembled.streamMuxers.map((make) => yieldingMuxer(make)),
    connectionManager: { ...assembled.connectionManager, resolvers: dials.resolvers }
  }).catch((error: unknown) => {
    throw listenError(error)
  })
  if (options.webRtc !== undefined && options.webRtc !== false) node.services.pool.network.loadPeerConnection = loadPeerConnection
  return { node, pool: node.services.pool, relay, stop: () => stopInTime(node) }
}

/** For what an operator should hear of and no call can tell: it goes to standard error, and to the process event `warning`. */
function warn(text: string): void {
  process.emitWarning(text, 'P2pPoolWarning')
}
