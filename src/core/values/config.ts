/**
 * Everything a user may set, with its default and its limits, checked once. The one place where a limit is named: others
 * read `PoolConfig` and compare with no number of their own.
 */
import type { ConnectionBand } from './bounds.ts'
import type { ParsedPoint } from './ids.ts'
import type { PeerStorage } from './ports.ts'
import { PoolError } from './reason.ts'

/** When a point may be dialed again. */
export interface Reconnection {
  /** Bar after the first failure, ms. @default 1000 */
  readonly initialDelayMs: number
  /** Each further failure in a row multiplies the bar by it. @default 1.2 */
  readonly factor: number
  /** Each bar is lengthened or shortened at random by up to this share. @default 0.2 */
  readonly jitter: number
  /** Bar after a connection that had been running ended, ms. @default 60000 */
  readonly afterConnectionMs: number
  /** No bar is longer, ms. A larger value forgets peers that were away for long. @default 3600000 */
  readonly maxDelayMs: number
}

/** Bytes to value and back. `decode` may throw: the peer is then at fault. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** What the application keeps about each peer, saved with the pool. */
export interface PeerMetadata<PeerMeta> {
  initial(): PeerMeta
  /** A JSON value; what `fromJson` gets back after a restart. Asked at a save for peers that changed, and for all whose metadata is an object. */
  toJson(meta: PeerMeta): unknown
  /** Throws if the value is not of its shape: the peer then starts with `initial()`. */
  fromJson(value: unknown): PeerMeta
  /** The higher, the longer it is remembered and kept. @default the pool's own, of what it sees of the peer: `docs/scoring.md` */
  score?(meta: PeerMeta): number
}

/** What each side tells the other when they connect. */
export interface ConnectionMetadata<ConnMeta> {
  /** Ours, asked for at each handshake. At most 4 KiB encoded. */
  own(): ConnMeta
  readonly codec: Codec<ConnMeta>
}

/** Table sizes: when `max` is reached, entries are collected down to `target`. */
export interface TableSize {
  readonly max: number
  readonly target: number
}

/** The settings that decisions and tables read: all but what depends on the application's own types. */
export interface PoolSettings {
  /** Name of the network; peers of another one are refused. 1 to 64 bytes of UTF-8. */
  readonly network: string
  /** Versions of the application's protocol that we speak; the highest common one is used. @default [0] */
  readonly applicationVersions: readonly number[]
  /** @default memory, which forgets at the end */
  readonly storage: PeerStorage
  /**
   * Points to begin with, kept and dialed before others, never collected nor greylisted. With an id only that peer may answer there, and
   * it is trusted wherever it comes from. What is said here wins over what was saved. @default []
   */
  readonly trustedPoints: readonly ParsedPoint[]
  /** Connect with trusted points and peers only, and ask them not to tell of us. @default false */
  readonly privateMode: boolean
  /** Ask for, give and take points. @default true */
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
  /** Peers on the automatic list; the oldest goes first. @default 1023 */
  readonly peerGreylistSize: number
  /** Size of the filter of greylisted hosts, KiB; the largest power of two of cells that fits. @default 2048 on Node, 256 in pages */
  readonly ipGreylistSizeKiB: number
  /** How long a host stays greylisted, ms: at least 14/16 of it, at most 15/16. @default 86400000 */
  readonly ipGreylistCleanupDelayMs: number
  /** Fewer than this and maintenance is urgent. @default 10 on Node, 3 in pages */
  readonly minConnections: number
  /** What maintenance aims around. @default 50 on Node, 5 in pages */
  readonly expectedConnections: number
  /** Never more, dials and accepted handshakes included. @default 100 on Node, 10 in pages */
  readonly maxConnections: number
  /**
   * The band while suspended, where it is the narrower one; `null`: keep what there is and make no more.
   * @default null on Node, 1/2/3 in pages
   */
  readonly suspendedBand: ConnectionBand | null
  /** Incoming handshakes in progress. @default 20 */
  readonly maxIncoming: number
  /** Of these, from one host. @default 4 */
  readonly maxIncomingPerHost: number
  /** Dial and handshake together, ms. @default 10000 */
  readonly connectionTimeoutMs: number
  /** An incoming handshake, ms. @default 5000 */
  readonly authenticationTimeoutMs: number
  /** Maintenance looks at the band at least this often, ms; `null`: only when something happens. @default 120000 */
  readonly maintenanceIdleMs: number | null
  /**
   * A connection that brought nothing between two looks, so far apart, is asked for a sign of life, ms; without one it ends as lost, at
   * the latest after twice this and 8 s. `null`: asked only on `resume`. A smaller value costs more questions. @default 20000
   */
  readonly silenceMs: number | null
  /** Wait between two searches for points, ms; grows until a dial succeeds. @default 5000 */
  readonly timeBetweenSearchesMs: number
  /** Dials of maintenance in progress at once. @default 10 on Node, 3 in pages */
  readonly maxParallelDials: number
  /** At least so long between two swaps of a connection for another, ms; `null`: never swap. @default 30000 */
  readonly swapLingerMs: number | null
  readonly reconnection: Reconnection
  /** Application messages that wait for their reader, per connection; then back-pressure. @default 10 */
  readonly maxUndeliveredMessages: number
  /** Size of one application message, bytes. @default 1048576 */
  readonly maxMessageBytes: number
  /** Take points on private, loopback and link-local hosts from anybody, not only from a peer on such a network. @default false */
  readonly allowPrivatePoints: boolean
}

/** The pool's settings, complete and checked. Frozen: `pool.config`. */
export interface PoolConfig<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> extends PoolSettings {
  readonly messageCodec: Codec<Msg>
  readonly peerMetadata: PeerMetadata<PeerMeta>
  readonly connectionMetadata: ConnectionMetadata<ConnMeta>
}

/** What a user passes: everything but the network's name has a default. */
export type PoolOptions<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> = Pick<
  PoolConfig<Msg, PeerMeta, ConnMeta>,
  'network'
> &
  Partial<Omit<PoolConfig<Msg, PeerMeta, ConnMeta>, 'network' | 'reconnection'>> & {
    readonly reconnection?: Partial<Reconnection>
  }

/** The options that differ between a server and a page. */
export type Preset = Pick<
  PoolSettings,
  'minConnections' | 'expectedConnections' | 'maxConnections' | 'suspendedBand' | 'maxParallelDials' | 'ipGreylistSizeKiB'
>

export const nodePreset: Preset = {
  minConnections: 10,
  expectedConnections: 50,
  maxConnections: 100,
  suspendedBand: null,
  maxParallelDials: 10,
  ipGreylistSizeKiB: 2048
}

export const pagePreset: Preset = {
  minConnections: 3,
  expectedConnections: 5,
  maxConnections: 10,
  suspendedBand: { min: 1, expected: 2, max: 3 },
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

/**
 * Options over preset over defaults, checked. Throws `PoolError` `invalid-config` naming option, value and range.
 * The three codecs default to bytes and nothing, which is what the type parameters default to.
 */
export function resolveConfig<Msg, PeerMeta, ConnMeta>(
  options: PoolOptions<Msg, PeerMeta, ConnMeta>,
  { preset, storage }: { preset: Preset; storage: PeerStorage }
): PoolConfig<Msg, PeerMeta, ConnMeta> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as typeof options
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
    maxIncoming: 20,
    maxIncomingPerHost: 4,
    connectionTimeoutMs: 10_000,
    authenticationTimeoutMs: 5_000,
    maintenanceIdleMs: 120_000,
    silenceMs: 20_000,
    timeBetweenSearchesMs: 5_000,
    swapLingerMs: 30_000,
    maxUndeliveredMessages: 10,
    maxMessageBytes: 1_048_576,
    allowPrivatePoints: false,
    messageCodec: bytesCodec as unknown as Codec<Msg>,
    peerMetadata: noPeerMetadata as PeerMetadata<PeerMeta>,
    connectionMetadata: { own: () => noBytes, codec: bytesCodec } as unknown as ConnectionMetadata<ConnMeta>,
    ...preset,
    ...given,
    reconnection: { ...defaultReconnection, ...given.reconnection }
  }
  check(config)
  return Object.freeze(config)
}

function check(config: PoolSettings): void {
  const bytes = new TextEncoder().encode(config.network).length
  if (typeof config.network !== 'string' || bytes < 1 || bytes > 64) refuse('network', config.network, 'a text of 1 to 64 bytes')
  checkFigures(bandOf(config), ['minConnections', 'expectedConnections', 'maxConnections'])
  if (config.suspendedBand !== null) checkBand('suspendedBand', config.suspendedBand)
  table('maxKnownPoints', config.maxKnownPoints)
  table('maxKnownPeers', config.maxKnownPeers)
  integer('peerGreylistSize', config.peerGreylistSize, 0, 1_000_000)
  integer('ipGreylistSizeKiB', config.ipGreylistSizeKiB, 1, 8_192)
  duration('ipGreylistCleanupDelayMs', config.ipGreylistCleanupDelayMs, 16)
  integer('maxIncoming', config.maxIncoming, 1, 10_000)
  integer('maxIncomingPerHost', config.maxIncomingPerHost, 1, config.maxIncoming)
  duration('connectionTimeoutMs', config.connectionTimeoutMs, 1)
  duration('authenticationTimeoutMs', config.authenticationTimeoutMs, 1)
  if (config.maintenanceIdleMs !== null) duration('maintenanceIdleMs', config.maintenanceIdleMs, 1)
  if (config.silenceMs !== null) duration('silenceMs', config.silenceMs, 1)
  duration('timeBetweenSearchesMs', config.timeBetweenSearchesMs, 1)
  if (config.swapLingerMs !== null) duration('swapLingerMs', config.swapLingerMs, 1)
  integer('maxParallelDials', config.maxParallelDials, 1, 1_000)
  integer('maxUndeliveredMessages', config.maxUndeliveredMessages, 1, 100_000)
  integer('maxMessageBytes', config.maxMessageBytes, 0, 104_857_600)
  duration('reconnection.initialDelayMs', config.reconnection.initialDelayMs, 1)
  duration('reconnection.afterConnectionMs', config.reconnection.afterConnectionMs, 0)
  duration('reconnection.maxDelayMs', config.reconnection.maxDelayMs, config.reconnection.initialDelayMs)
  between('reconnection.factor', config.reconnection.factor, 1, 10)
  between('reconnection.jitter', config.reconnection.jitter, 0, 1)
  checkPlain(config)
  const versions = config.applicationVersions
  if (!Array.isArray(versions) || versions.length < 1 || versions.length > 16)
    refuse('applicationVersions', versions, 'an array of 1 to 16 versions')
  for (const version of versions) integer('applicationVersions', version, 0, 0xffffffff)
}

/** The band that the settings ask for. */
export function bandOf(config: PoolSettings): ConnectionBand {
  return { min: config.minConnections, expected: config.expectedConnections, max: config.maxConnections }
}

/** Throws `PoolError` `invalid-config` naming the field, the value and the range. */
export function checkBand(name: string, band: ConnectionBand): void {
  if (typeof band !== 'object' || band === null) refuse(name, band, '{ min, expected, max }')
  checkFigures(band, [`${name}.min`, `${name}.expected`, `${name}.max`])
}

function checkFigures({ min, expected, max }: ConnectionBand, [minName, expectedName, maxName]: readonly [string, string, string]): void {
  integer(minName, min, 0, 10_000)
  integer(expectedName, expected, min, 10_000)
  integer(maxName, max, expected, 10_000)
}

function checkPlain({ plainPeers, requiredProtocols }: PoolSettings): void {
  if (plainPeers !== 'admit' && plainPeers !== 'refuse') refuse('plainPeers', plainPeers, "'admit' or 'refuse'")
  const areNames = Array.isArray(requiredProtocols) && requiredProtocols.every((name) => typeof name === 'string' && name !== '')
  if (!areNames || requiredProtocols.length > 64) refuse('requiredProtocols', requiredProtocols, 'an array of at most 64 names')
  if (plainPeers === 'refuse' && requiredProtocols.length > 0)
    refuse('requiredProtocols', requiredProtocols, "none while plainPeers is 'refuse'")
}

/** setTimeout's own limit; longer delays would fire at once. */
const maxDurationMs = 2_147_483_647

function duration(option: string, value: number, min: number): void {
  between(option, value, min, maxDurationMs)
}

function table(option: string, size: TableSize | null): void {
  if (size === null) return
  if (typeof size !== 'object') refuse(option, size, '{ max, target } or null')
  integer(`${option}.max`, size.max, 1, 10_000_000)
  integer(`${option}.target`, size.target, 0, size.max)
}

function integer(option: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) refuse(option, value, `a whole number from ${min} to ${max}`)
}

function between(option: string, value: number, min: number, max: number): void {
  if (typeof value !== 'number' || !(value >= min && value <= max)) refuse(option, value, `a number from ${min} to ${max}`)
}

function refuse(option: string, value: unknown, expected: string): never {
  throw new PoolError(
    'invalid-config',
    `${option}: expected ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`
  )
}
