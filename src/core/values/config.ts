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
import { type ConnectionBand, maxNetworkBytes, maxVersions } from './bounds.ts'
import type { PeerStorage } from './ports.ts'
import type { Codec, ConnectionMetadata, PeerMetadata, PoolConfig, PoolOptions, PoolSettings, Preset, Reconnection } from './settings.ts'

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
  introductions: flag,
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
  admitTimeoutMs: delay,
  onAdmit: callable,
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
    introductions: false,
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
    admitTimeoutMs: 4_000,
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
