/**
 * Everything a user may set, with its default and its limits, checked once. The one place where a limit is named: others
 * read `PoolConfig` and compare with no number of their own.
 */
import {
  type At,
  type Check,
  callable,
  figure,
  flag,
  having,
  listOf,
  name,
  oneOf,
  orNull,
  recordOf,
  refuse,
  type Shape,
  text,
  whole
} from './arguments.ts'
import { type ConnectionBand, type KindCounts, maxNetworkBytes, maxVersions } from './bounds.ts'
import type { ParsedPoint } from './ids.ts'
import type { PeerStorage } from './ports.ts'

/** When a point is dialed again after a failure or an ended connection. */
export interface Reconnection {
  /** Back-off after the first failure, ms. @default 1000 */
  readonly initialDelayMs: number
  /** Each further failure in a row multiplies the back-off by it. @default 1.2 */
  readonly factor: number
  /** Each back-off is lengthened or shortened at random by up to this share. @default 0.2 */
  readonly jitter: number
  /** Back-off after a running connection ended, ms. @default 60000 */
  readonly afterConnectionMs: number
  /** No back-off is longer, ms. A larger value forgets peers that were away for long. @default 3600000 */
  readonly maxDelayMs: number
}

/** Turns values into bytes and back. */
export interface Codec<T> {
  /** Must not throw: what it throws is logged, and the call rejects with `PoolError` `invalid-argument`. */
  encode(value: T): Uint8Array
  /** May throw: the peer then broke the protocol, and is greylisted and disconnected. The bytes must not be kept or changed. */
  decode(bytes: Uint8Array): T
}

/** What the application keeps about each peer, saved with the pool. */
export interface PeerMetadata<PeerMeta> {
  /** The value for a peer that becomes known. */
  initial(): PeerMeta
  /** Makes a JSON value of it: what `fromJson` gets after a restart. Called for each known peer at a save. */
  toJson(meta: PeerMeta): unknown
  /** Reads what `toJson` made. May throw: the peer then starts with `initial()`. */
  fromJson(value: unknown): PeerMeta
  /** The higher, the longer it is remembered and kept. @default the pool's own, of what it sees of the peer: `docs/scoring.md` */
  score?(meta: PeerMeta): number
}

/** What each side sends about itself when they connect. */
export interface ConnectionMetadata<ConnMeta> {
  /** Ours, asked for at each handshake. At most 4 KiB encoded. */
  own(): ConnMeta
  /** For ours and for theirs. If it cannot decode theirs, the handshake fails with a fault of the peer. */
  readonly codec: Codec<ConnMeta>
}

/** Table sizes: when `max` is reached, entries are collected down to `target`. */
export interface TableSize {
  /** Entries before some are collected; 1 to 10000000. 10000 is the largest table that is measured. */
  readonly max: number
  /** Entries that are left then; 0 to `max`. */
  readonly target: number
}

/** The settings that decisions and tables read: all but what depends on the application's own types. */
export interface PoolSettings {
  /** Name of the network; peers of another one are refused. 1 to 64 bytes of UTF-8. */
  readonly network: string
  /** Versions of the application's protocol that we speak, 1 to 16 of them; peers use the highest common one. @default [0] */
  readonly applicationVersions: readonly number[]
  /** Where peers, points and bans are kept between runs. @default memory, which forgets at the end */
  readonly storage: PeerStorage
  /**
   * Points to begin with, kept and dialed before others, never collected nor greylisted. With an id only that peer may answer there, and
   * it is trusted wherever it comes from. What is said here wins over what was saved. @default []
   */
  readonly trustedPoints: readonly ParsedPoint[]
  /**
   * Connect with trusted points and peers only, and ask them not to advertise us. The adapter's gate ends libp2p connections with all
   * others before identify, in both directions, so that they learn no more than our peer id; a relay must be trusted too. An id that
   * is trusted, or named by a trusted point, gets in from anywhere. A trusted point without an id admits any peer that answers our dial there;
   * from its host it admits the peer that was connected there last, or, until there was one, any peer that names the point: a neighbour
   * on that host may be first. Give trusted points an id where that matters. @default false
   */
  readonly privateMode: boolean
  /** Ask peers for points, give them points, and take theirs. @default true */
  readonly discovery: boolean
  /**
   * Peers that do not speak the pool protocol, in a network that has others: `admit` counts and keeps those that speak all of
   * `requiredProtocols` like any other, but for points and messages. @default 'refuse'
   */
  readonly plainPeers: 'admit' | 'refuse'
  /** With `plainPeers: 'admit'`: at most 64 names of libp2p protocols. @default []: any libp2p peer will do */
  readonly requiredProtocols: readonly string[]
  /** Known points; `null`: no bound. A larger table takes memory (about 1 KiB each) and time at start. @default max 400, target 300 */
  readonly maxKnownPoints: TableSize | null
  /** Known peers; `null`: no bound. @default max 400, target 300 */
  readonly maxKnownPeers: TableSize | null
  /** Peers that may be greylisted at once, 0 to 1000000; the oldest goes first. @default 1023 */
  readonly peerGreylistSize: number
  /** Memory for greylisted hosts, KiB, 1 to 8192; it holds the largest power of two of cells that fits. @default 2048 on Node, 256 in pages */
  readonly ipGreylistSizeKiB: number
  /** How long a host stays greylisted, ms, 16 to 2147483647: at least 14/16 of it, at most 15/16. @default 86400000 */
  readonly ipGreylistCleanupDelayMs: number
  /** Below it maintenance is urgent. @default 10 on Node, 3 in pages */
  readonly minConnections: number
  /** The middle of the band, from `minConnections` to `maxConnections`. @default 50 on Node, 5 in pages */
  readonly expectedConnections: number
  /** The upper end of the band, at most 10000. There are never more, dials and accepted handshakes included. @default 100 on Node, 10 in pages */
  readonly maxConnections: number
  /**
   * The band while suspended, where it is the narrower one; `null`: keep what there is and make no more.
   * @default null on Node, 1/2/3 in pages
   */
  readonly suspendedBand: ConnectionBand | null
  /**
   * Connections to keep of each kind of peer: `server`, reached by a direct transport, and `page`, reached by WebRTC. A kind below its minimum
   * is dialed although the count is in the band, and takes the place of a peer of the other kind when the band is full. In a band that expects
   * fewer than both together, servers come first. `null`: kinds do not matter. @default null on Node, 1 of each in pages
   */
  readonly minByKind: KindCounts | null
  /** Incoming handshakes of untrusted peers in progress; those of trusted peers come on top. @default 20 */
  readonly maxIncoming: number
  /** Of these, from one public IPv4 address or IPv6 /64, or of one peer where no public address is seen; 1 to `maxIncoming`. @default 4 */
  readonly maxIncomingPerHost: number
  /** Time for dial and handshake together, ms; 1 to 2147483647. @default 10000 */
  readonly connectionTimeoutMs: number
  /** Time for an incoming handshake, ms; 1 to 2147483647. @default 5000 */
  readonly authenticationTimeoutMs: number
  /** Maintenance looks at the band at least this often, ms; `null`: only when something happens. @default 120000 */
  readonly maintenanceIdleMs: number | null
  /**
   * A connection that brought nothing for so long gets a liveness check, ms; without an answer it ends as lost, at the latest after twice
   * this and 8 s. When a twentieth of it, one second at least, brought nothing from any peer, one peer is asked whether our own network
   * still works. `null`: checked only on `resume`. A smaller value costs more checks. @default 20000
   */
  readonly keepAliveIntervalMs: number | null
  /** Wait between two searches for points, ms, 1 to 2147483647; it grows until a dial succeeds. @default 5000 */
  readonly timeBetweenSearchesMs: number
  /** Dials of maintenance at once, 1 to 1000. @default 10 on Node, 3 in pages */
  readonly maxParallelDials: number
  /** Least time between two swaps of a connection for another, ms, 1 to 2147483647; `null`: never swap. @default 30000 */
  readonly swapCooldownMs: number | null
  /** When a point may be dialed again. Fields that are not given have their defaults. */
  readonly reconnection: Reconnection
  /** Messages that wait for their reader, per connection, 1 to 100000; then the sender has to wait. @default 10 */
  readonly maxUndeliveredMessages: number
  /** Size of one message, bytes, 0 to 104857600. @default 1048576 */
  readonly maxMessageBytes: number
  /** Take points on private, loopback and link-local hosts from any peer, not only from one on such a network. @default false */
  readonly allowPrivatePoints: boolean
}

/** The pool's settings, complete and checked. Frozen: `pool.config`. */
export interface PoolConfig<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> extends PoolSettings {
  /** How messages become bytes. @default bytes are messages */
  readonly messageCodec: Codec<Msg>
  /** What the application keeps about each peer. @default nothing */
  readonly peerMetadata: PeerMetadata<PeerMeta>
  /** What each side sends the other when they connect. @default nothing */
  readonly connectionMetadata: ConnectionMetadata<ConnMeta>
}

/** What a user passes: everything but the network's name has a default. */
export type PoolOptions<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> = Pick<
  PoolConfig<Msg, PeerMeta, ConnMeta>,
  'network'
> &
  Partial<Omit<PoolConfig<Msg, PeerMeta, ConnMeta>, 'network' | 'reconnection'>> & {
    /** When a point may be dialed again. */
    readonly reconnection?: Partial<Reconnection>
  }

/** The options whose defaults differ between a server and a page; the option `preset` takes a whole one. */
export type Preset = Pick<
  PoolSettings,
  'minConnections' | 'expectedConnections' | 'maxConnections' | 'suspendedBand' | 'minByKind' | 'maxParallelDials' | 'ipGreylistSizeKiB'
>

/** Defaults for a Node peer: a band of 10/50/100, no smaller band while suspended, ten dials at once, 2 MiB for greylisted hosts. */
export const nodePreset: Preset = {
  minConnections: 10,
  expectedConnections: 50,
  maxConnections: 100,
  suspendedBand: null,
  minByKind: null,
  maxParallelDials: 10,
  ipGreylistSizeKiB: 2048
}

/**
 * Defaults for a page: a band of 3/5/10, 1/2/3 while suspended, one server and one page at least, three dials at once, 256 KiB for
 * greylisted hosts.
 */
export const pagePreset: Preset = {
  minConnections: 3,
  expectedConnections: 5,
  maxConnections: 10,
  suspendedBand: { min: 1, expected: 2, max: 3 },
  minByKind: { server: 1, page: 1 },
  maxParallelDials: 3,
  ipGreylistSizeKiB: 256
}

const defaultReconnection: Reconnection = {
  initialDelayMs: 1_000,
  factor: 1.2,
  jitter: 0.2,
  afterConnectionMs: 60_000,
  maxDelayMs: 3_600_000
}

const bytesCodec: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes }
const noBytes = new Uint8Array(0)

/** The metadata of a pool whose application keeps none: nothing is stored. */
const noPeerMetadata: PeerMetadata<unknown> = { initial: () => null, toJson: () => null, fromJson: () => null }

/** `setTimeout`'s own limit: longer delays would fire at once. */
export const maxDurationMs = 2_147_483_647

const at = (name: string): At => ({ code: 'invalid-config', name })

const connections = whole(0, 10_000)
const band = recordOf({ min: connections, expected: connections, max: connections }, 'min', 'expected', 'max')
const table = orNull(recordOf({ max: whole(1, 10_000_000), target: whole(0, 10_000_000) }, 'max', 'target'))
const delay = figure(1, maxDurationMs)
const codec = having('encode', 'decode')

const reconnection: Shape<Reconnection> = {
  initialDelayMs: delay,
  factor: figure(1, 10),
  jitter: figure(0, 1),
  afterConnectionMs: figure(0, maxDurationMs),
  maxDelayMs: delay
}

const presetOptions: Shape<Preset> = {
  minConnections: connections,
  expectedConnections: connections,
  maxConnections: connections,
  suspendedBand: orNull(band),
  minByKind: orNull(recordOf({ server: connections, page: connections }, 'server', 'page')),
  maxParallelDials: whole(1, 1_000),
  ipGreylistSizeKiB: whole(1, 8_192)
}

/** What each option may be. How they go together is checked by `resolveConfig`. */
export const poolOptions: Shape<PoolOptions> = {
  ...presetOptions,
  network: (value, where) => {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value).length : 0
    return bytes >= 1 && bytes <= maxNetworkBytes ? value : refuse(where, `a text of 1 to ${maxNetworkBytes} bytes`, value)
  },
  applicationVersions: listOf(whole(0, 0xffffffff), 1, maxVersions),
  // `quarantine` is called for a broken text alone; a storage without it leaves such a text where it is.
  storage: having(...(['open', 'load', 'save', 'close'] satisfies (keyof PeerStorage)[])),
  trustedPoints: listOf(recordOf({ point: text, expectedPeerId: text }, 'point')),
  privateMode: flag,
  discovery: flag,
  plainPeers: oneOf('admit', 'refuse'),
  requiredProtocols: listOf(name, 0, 64),
  maxKnownPoints: table,
  maxKnownPeers: table,
  peerGreylistSize: whole(0, 1_000_000),
  ipGreylistCleanupDelayMs: figure(16, maxDurationMs),
  maxIncoming: whole(1, 10_000),
  maxIncomingPerHost: whole(1, 10_000),
  connectionTimeoutMs: delay,
  authenticationTimeoutMs: delay,
  maintenanceIdleMs: orNull(delay),
  keepAliveIntervalMs: orNull(delay),
  timeBetweenSearchesMs: delay,
  swapCooldownMs: orNull(delay),
  reconnection: recordOf(reconnection),
  maxUndeliveredMessages: whole(1, 100_000),
  maxMessageBytes: whole(0, 104_857_600),
  allowPrivatePoints: flag,
  messageCodec: codec,
  peerMetadata: (value, where) => {
    const score: unknown = Reflect.get(Object(having('initial', 'toJson', 'fromJson')(value, where)), 'score')
    if (score !== undefined) callable(score, { ...where, name: `${where.name}.score` })
    return value
  },
  connectionMetadata: (value, where) => {
    codec(Reflect.get(Object(having('own')(value, where)), 'codec'), { ...where, name: `${where.name}.codec` })
    return value
  }
}

/** Checks options by themselves: an unknown name or a value that cannot be throws `PoolError` `invalid-config`. */
export function checkOptions<Options>(options: Options, shape: Readonly<Record<string, Check>>): Options {
  return recordOf(shape)(options, at('')) as Options
}

/** Throws `PoolError` `invalid-config` unless it is a whole preset. */
export const wholePreset: Check = recordOf(presetOptions, ...Object.keys(presetOptions))

/**
 * Options over preset over defaults, checked. Throws `PoolError` `invalid-config` naming the option, what was expected and what
 * came; for an unknown option the nearest known one. A default that contradicts what was given takes the nearest value that does not.
 * The three codecs default to bytes and nothing, which is what the type parameters default to.
 */
export function resolveConfig<Msg, PeerMeta, ConnMeta>(
  options: PoolOptions<Msg, PeerMeta, ConnMeta>,
  { preset, storage }: { preset: Preset; storage: PeerStorage }
): PoolConfig<Msg, PeerMeta, ConnMeta> {
  const given = checkOptions(options, poolOptions)
  // It alone has no default.
  poolOptions.network(given.network, at('network'))
  const { maxIncoming = 20 } = given
  const initialDelayMs = given.reconnection?.initialDelayMs ?? defaultReconnection.initialDelayMs
  const config: PoolConfig<Msg, PeerMeta, ConnMeta> = {
    applicationVersions: [0],
    storage,
    trustedPoints: [],
    privateMode: false,
    discovery: true,
    plainPeers: 'refuse',
    requiredProtocols: [],
    maxKnownPoints: { max: 400, target: 300 },
    maxKnownPeers: { max: 400, target: 300 },
    peerGreylistSize: 1_023,
    ipGreylistCleanupDelayMs: 86_400_000,
    maxIncoming,
    maxIncomingPerHost: Math.min(4, maxIncoming),
    connectionTimeoutMs: 10_000,
    authenticationTimeoutMs: 5_000,
    maintenanceIdleMs: 120_000,
    keepAliveIntervalMs: 20_000,
    timeBetweenSearchesMs: 5_000,
    swapCooldownMs: 30_000,
    maxUndeliveredMessages: 10,
    maxMessageBytes: 1_048_576,
    allowPrivatePoints: false,
    messageCodec: bytesCodec as unknown as Codec<Msg>,
    peerMetadata: noPeerMetadata as PeerMetadata<PeerMeta>,
    connectionMetadata: { own: () => noBytes, codec: bytesCodec } as unknown as ConnectionMetadata<ConnMeta>,
    ...preset,
    ...fittedBand(given, preset),
    ...given,
    reconnection: {
      ...defaultReconnection,
      maxDelayMs: Math.max(initialDelayMs, defaultReconnection.maxDelayMs),
      ...given.reconnection
    }
  }
  checkTogether(config)
  // Once more, for the copies: what was not given is frozen like what was.
  return checkOptions(config, poolOptions)
}

/** The preset's band, moved as little as what was given makes necessary. */
function fittedBand(given: Partial<Preset>, preset: Preset): Partial<Preset> {
  const { minConnections: min, expectedConnections: expected, maxConnections: max } = given
  const maxConnections = max ?? Math.max(preset.maxConnections, expected ?? 0, min ?? 0)
  const expectedConnections = expected ?? Math.max(min ?? 0, Math.min(preset.expectedConnections, maxConnections))
  return { maxConnections, expectedConnections, minConnections: min ?? Math.min(preset.minConnections, expectedConnections) }
}

function checkTogether(config: PoolSettings): void {
  const { maxIncoming, maxIncomingPerHost, plainPeers, requiredProtocols } = config
  checkOrder(bandOf(config), ['minConnections', 'expectedConnections', 'maxConnections'])
  if (config.suspendedBand !== null) checkOrder(config.suspendedBand, fieldsOf('suspendedBand'))
  for (const option of ['maxKnownPoints', 'maxKnownPeers'] as const) {
    const { max, target } = config[option] ?? { max: 0, target: 0 }
    atMost([`${option}.target`, target], [`${option}.max`, max])
  }
  atMost(['maxIncomingPerHost', maxIncomingPerHost], ['maxIncoming', maxIncoming])
  const { initialDelayMs, maxDelayMs } = config.reconnection
  atLeast(['reconnection.maxDelayMs', maxDelayMs], ['reconnection.initialDelayMs', initialDelayMs])
  if (plainPeers === 'refuse' && requiredProtocols.length > 0)
    refuse(at('requiredProtocols'), "none while plainPeers is 'refuse'", requiredProtocols)
}

type Named = readonly [name: string, value: number]

function atLeast([name, value]: Named, [other, least]: Named): void {
  if (value < least) refuse(at(name), `a number from ${least} on, which is ${other}`, value)
}

function atMost([name, value]: Named, [other, most]: Named): void {
  if (value > most) refuse(at(name), `a number up to ${most}, which is ${other}`, value)
}

/** The band that the settings ask for. */
export function bandOf(config: PoolSettings): ConnectionBand {
  return { min: config.minConnections, expected: config.expectedConnections, max: config.maxConnections }
}

/** A frozen copy. Throws `PoolError` `invalid-config` naming the field, what was expected and what came. */
export function checkBand(name: string, value: unknown): ConnectionBand {
  const checked = band(value, at(name)) as ConnectionBand
  checkOrder(checked, fieldsOf(name))
  return checked
}

const fieldsOf = (name: string) => [`${name}.min`, `${name}.expected`, `${name}.max`] as const

function checkOrder({ min, expected, max }: ConnectionBand, [minName, expectedName, maxName]: readonly [string, string, string]): void {
  atLeast([maxName, max], [minName, min])
  atLeast([expectedName, expected], [minName, min])
  atLeast([maxName, max], [expectedName, expected])
}
