/** What the words behind `npm run demo --` mean. Read once by demo.ts; nothing is started here. */
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { messageOf } from '../../src/core/values/reason.ts'

export const demoBrowsers = ['chromium', 'firefox'] as const
export type DemoBrowserName = (typeof demoBrowsers)[number]

export type DemoCommand =
  | { readonly kind: 'help' }
  /** Runs until it is stopped. */
  | { readonly kind: 'run'; readonly port: number; readonly host: string | undefined }
  | { readonly kind: 'check'; readonly port: number; readonly browser: DemoBrowserName }
  /** `path`: of the main picture; the others lie beside it. */
  | { readonly kind: 'screenshot'; readonly port: number; readonly path: string }

export const demoUsage = `npm run demo [-- options]

Starts five Node peers (one of them relay and bootstrap), a sixth that comes and goes, and a page that joins them; stop it with Ctrl-C.

  --check              without a person: two pages in Chromium, a line per fact; exit status 0 if every fact holds
  --browser NAME       with --check: chromium (default) or firefox
  --screenshot [path]  takes the pictures of the README (default docs/demo.png, and others of more states beside it)
  --host [ADDRESS]     for phones: the page and the Node peers are at this IPv4 address of this machine, too (default: the one in the local
                       network), and a QR code leads there; everybody in that network can open the page and use the peers
  --port N             the page at port N, the first Node peer at N+1 (TCP) and N+2 (WebSockets); default: free ones
  --help               this text

Without --host everything listens on 127.0.0.1 only. The demo keeps its files in a temporary folder that goes with it.`

const defaultScreenshot = 'docs/demo.png'
/** Three ports in a row are used. */
const maxPort = 65_533

/** Words that mean nothing; the message is for the person who typed them. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const options = {
  check: { type: 'boolean' },
  screenshot: { type: 'boolean' },
  port: { type: 'string' },
  host: { type: 'string' },
  browser: { type: 'string' },
  help: { type: 'boolean', short: 'h' }
} as const

/** Throws `UsageError`. */
export function readCommand(args: readonly string[]): DemoCommand {
  const { values, positionals } = parseOptions(withHost(args), options)
  if (values.help === true) return { kind: 'help' }
  if (values.check === true && values.screenshot === true)
    throw new UsageError('--check and --screenshot are two commands; give one of them')
  const [path, ...rest] = positionals
  if (path !== undefined && (values.screenshot !== true || rest.length > 0)) {
    throw new UsageError(`expected options only, got ${JSON.stringify(rest.at(-1) ?? path)}`)
  }
  const port = readPort(values.port)
  if (values.browser !== undefined && values.check !== true) throw new UsageError('--browser goes with --check')
  if (values.host !== undefined && (values.check === true || values.screenshot === true))
    throw new UsageError('--host goes without --check and --screenshot')
  if (values.check === true) return { kind: 'check', port, browser: readBrowser(values.browser) }
  if (values.screenshot !== true) return { kind: 'run', port, host: values.host === undefined ? undefined : readHost(values.host) }
  if (path !== undefined && !path.endsWith('.png'))
    throw new UsageError(`--screenshot: expected the path of a .png file, got ${JSON.stringify(path)}`)
  return { kind: 'screenshot', port, path: path ?? defaultScreenshot }
}

/** The options and the words beside them. Throws `UsageError`. */
export function parseOptions<const Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

/** `--host` may stand alone, which `parseArgs` does not know. */
function withHost(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const next = args[index + 1]
    return arg === '--host' && (next === undefined || next.startsWith('-')) ? '--host=' : arg
  })
}

/** The empty text: the address in the local network. */
function readHost(text: string): string {
  if (text === '') {
    const found = lanAddress()
    if (found === undefined) throw new UsageError('--host: this machine has no address in a local network; is it connected to one?')
    return found
  }
  if (!isIPv4(text))
    throw new UsageError(`--host: expected an IPv4 address of this machine, such as 192.168.1.20, got ${JSON.stringify(text)}`)
  if (text === '0.0.0.0') throw new UsageError('--host: 0.0.0.0 is no address that a phone can open; give one of this machine, or none')
  return text
}

/** Private addresses are those of home and office networks; others come after them. */
const isPrivateHost = (address: string): boolean => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)

/** The first IPv4 address of this machine that others may reach. */
export function lanAddress(interfaces = networkInterfaces()): string | undefined {
  const addresses = Object.values(interfaces).flatMap((list = []) =>
    list.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address)
  )
  return addresses.find(isPrivateHost) ?? addresses[0]
}

/** Chromium where none is named. Throws `UsageError`. */
export function readBrowser(text = 'chromium'): DemoBrowserName {
  const browser = demoBrowsers.find((name) => name === text)
  if (browser === undefined) throw new UsageError(`--browser: expected ${demoBrowsers.join(' or ')}, got ${JSON.stringify(text)}`)
  return browser
}

/** 0: any free one. */
function readPort(text: string | undefined): number {
  if (text === undefined) return 0
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 1 || port > maxPort) throw new UsageError(`--port: expected a whole number from 1 to ${maxPort}, got ${JSON.stringify(text)}`)
  return port
}
