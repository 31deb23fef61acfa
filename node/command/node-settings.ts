/** The settings of `p2p-pool node`: its options over those of a JSON file. Nothing is started here; `createNodePeer` checks the rest. */
import { shown } from '../../src/core/values/arguments.ts'
import { messageOf, PoolError } from '../../src/core/values/reason.ts'
import { parsePoint } from '../../src/libp2p/point.ts'
import type { NodePeerInit } from '../index.ts'
import { readSmallFile } from '../regular-file.ts'
import { CommandError } from './command-error.ts'
import { readControlAddress } from './control-port.ts'
import { defaultDataFolder } from './data-folder.ts'
import { type HttpAddress, readHttpAddress } from './http-health.ts'

/** As the command line gives them. */
export interface NodeOptions {
  readonly network?: string
  readonly relay?: boolean
  readonly nat?: boolean
  readonly mdns?: boolean
  readonly webrtc?: boolean
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly peer?: readonly string[]
  readonly band?: string
  readonly tlsKey?: string
  readonly tlsCert?: string
  readonly http?: string
  readonly control?: string
  readonly record?: boolean
  readonly data?: string
  readonly config?: string
}

export interface NodeSettings {
  readonly init: NodePeerInit
  readonly folder: string
  readonly http: HttpAddress | undefined
  /** Where to listen for control over TCP, beside the socket. */
  readonly control: HttpAddress | undefined
  /** Keep what happens, to be saved and replayed. @default false */
  readonly record?: boolean
  /** The words of the command line behind options of `createNodePeer`, by the beginning of an error about them. */
  readonly typed: ReadonlyMap<string, string>
}

/** Fixed ports: the line that a page needs stays true after a restart. */
const defaultListen = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws', '/ip6/::/tcp/4001', '/ip6/::/tcp/4002/ws']
const maxConfigBytes = 1024 * 1024

/** Options of the command line win over the file. Throws `CommandError` `usage` naming what was expected and what came. */
export async function readNodeSettings({ data, config, http, control, record, ...options }: NodeOptions): Promise<NodeSettings> {
  const {
    data: fileData,
    http: fileHttp,
    control: fileControl,
    record: fileRecord = false,
    ...file
  } = config === undefined ? {} : await readConfig(config)
  // What a word overrules is checked, too.
  const written = { data: textIn('data', fileData), http: textIn('http', fileHttp), control: textIn('control', fileControl) }
  if (typeof fileRecord !== 'boolean')
    throw new CommandError('usage', `record in the file: expected true or false, got ${shown(fileRecord)}`)
  for (const text of options.peer ?? []) mustBePoint(text)
  const peers = [...listIn(file, 'trustedPoints'), ...(options.peer ?? [])]
  const init = {
    listen: defaultListen,
    ...file,
    ...(options.network === undefined ? {} : { network: options.network }),
    ...(options.relay === undefined ? {} : { relay: typeof file.relay === 'object' ? file.relay : options.relay }),
    ...(options.nat === undefined ? {} : { nat: options.nat }),
    ...(options.mdns === undefined ? {} : { mdns: options.mdns }),
    ...(options.webrtc === undefined ? {} : { webRtc: typeof file.webRtc === 'object' ? file.webRtc : options.webrtc }),
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.announce === undefined ? {} : { announce: options.announce }),
    ...(options.band === undefined ? {} : readBand(options.band)),
    ...readTls(options),
    ...(peers.length === 0 ? {} : { trustedPoints: peers })
  }
  if (!('network' in init))
    throw new CommandError('usage', '--network: expected the name of the network, as the pages have it, got nothing')
  const httpText = http ?? written.http
  const controlText = control ?? written.control
  return {
    // Of a JSON file nobody knows the types: createNodePeer checks each option, and refuses unknown ones.
    init: init as unknown as NodePeerInit,
    folder: data ?? written.data ?? defaultDataFolder(),
    http: httpText === undefined ? undefined : readHttpAddress(httpText),
    control: controlText === undefined ? undefined : readControlAddress(controlText),
    record: record ?? fileRecord,
    typed: typedOptions(options)
  }
}

/** How errors about the options of a word begin; the longer beginnings come first. */
const namesOfWords: Readonly<Partial<Record<keyof NodeOptions, readonly (readonly [beginning: string, word: string])[]>>> = {
  network: [['network', '--network']],
  listen: [['listen', '--listen']],
  announce: [['announce', '--announce']],
  band: (['minConnections', 'expectedConnections', 'maxConnections'] as const).map((name) => [name, `--band: ${name}`] as const),
  tlsKey: [
    ['tls: key and cert', '--tls-key and --tls-cert'],
    ...['tls: key', 'tls.key'].map((beginning) => [beginning, '--tls-key'] as const),
    ...['tls: cert', 'tls.cert'].map((beginning) => [beginning, '--tls-cert'] as const),
    ['tls', '--tls-key and --tls-cert']
  ],
  nat: [['nat', '--nat']],
  mdns: [['mdns', '--mdns']],
  webrtc: [['webRtc', '--webrtc']]
}

function typedOptions(options: NodeOptions): ReadonlyMap<string, string> {
  const given = (Object.keys(namesOfWords) as (keyof NodeOptions)[]).filter((name) => options[name] !== undefined)
  return new Map(given.flatMap((name) => namesOfWords[name] ?? []))
}

/** An error about an option names it as the person typed it. Other errors stay as they are. */
export function namedAsTyped(error: unknown, { typed }: Pick<NodeSettings, 'typed'>): unknown {
  if (!(error instanceof PoolError) || error.code !== 'invalid-config') return error
  const { code, message } = error
  for (const [name, word] of typed) {
    // `listen[0]: expected …`: the sentence shows the value itself, and the file may have had others before.
    const rest = message.slice(name.length).replace(/^\[\d+\]/, '')
    if (message.startsWith(name) && /^[: ]/.test(rest)) return new CommandError(code, `${word}${rest}`, error)
  }
  return error
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  let value: unknown
  try {
    const { text } = await readSmallFile(path, { maxBytes: maxConfigBytes })
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandError('usage', `--config: cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>
  throw new CommandError('usage', `--config: expected ${path} to hold an object with options, got ${shown(value)}`)
}

function listIn(file: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = file[name]
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new CommandError('usage', `${name} in the file: expected an array, got ${shown(value)}`)
}

function textIn(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  if (typeof value === 'number' && name !== 'data') return String(value)
  throw new CommandError('usage', `${name} in the file: expected a text, got ${shown(value)}`)
}

function mustBePoint(text: string): void {
  try {
    parsePoint(text)
  } catch (error) {
    throw new CommandError('usage', `--peer: ${messageOf(error)}`, error)
  }
}

function readBand(text: string): Pick<NodePeerInit, 'minConnections' | 'expectedConnections' | 'maxConnections'> {
  const [, min, expected, max] = /^(\d{1,5}),(\d{1,5}),(\d{1,5})$/.exec(text) ?? []
  if (max === undefined) throw new CommandError('usage', `--band: expected MIN,EXPECTED,MAX such as 10,50,100, got ${shown(text)}`)
  const band = { minConnections: Number(min), expectedConnections: Number(expected), maxConnections: Number(max) }
  if (band.minConnections > band.expectedConnections || band.expectedConnections > band.maxConnections)
    throw new CommandError('usage', `--band: expected MIN,EXPECTED,MAX, none smaller than the one before, got ${shown(text)}`)
  return band
}

function readTls({ tlsKey: key, tlsCert: cert }: NodeOptions): Pick<NodePeerInit, 'tls'> {
  if (key === undefined && cert === undefined) return {}
  if (key === undefined || cert === undefined)
    throw new CommandError('usage', `--tls-key and --tls-cert: expected both, got ${key === undefined ? '--tls-cert' : '--tls-key'} alone`)
  return { tls: { key, cert } }
}
