/** What the words behind `npm run demo --` mean. Read once by demo.ts; nothing is started here. */
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/core/values/reason.ts'

export const demoBrowsers = ['chromium', 'firefox'] as const
export type DemoBrowserName = (typeof demoBrowsers)[number]

export type DemoCommand =
  | { readonly kind: 'help' }
  /** Runs until it is stopped. */
  | { readonly kind: 'run'; readonly port: number }
  | { readonly kind: 'check'; readonly port: number; readonly browser: DemoBrowserName }
  /** `path`: of the main picture; the others lie beside it. */
  | { readonly kind: 'screenshot'; readonly port: number; readonly path: string }

export const demoUsage = `npm run demo [-- options]

Starts five Node peers (one of them relay and bootstrap), a sixth that comes and goes, and a page that joins them; stop it with Ctrl-C.

  --check              without a person: two pages in Chromium, a line per fact; exit status 0 if every fact holds
  --browser NAME       with --check: chromium (default) or firefox
  --screenshot [path]  takes the pictures of the README (default docs/demo.png, and others of more states beside it)
  --port N             the page at port N, the first Node peer at N+1 (TCP) and N+2 (WebSockets); default: free ones
  --help               this text

Everything listens on 127.0.0.1 only and keeps its files in a temporary folder that goes with it.`

const defaultScreenshot = 'docs/demo.png'
/** Three ports in a row are used. */
const maxPort = 65_533

/** Words that mean nothing; the message is for the person who typed them. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Throws `UsageError`. */
export function readCommand(args: readonly string[]): DemoCommand {
  const { values, positionals } = parse(args)
  if (values.help === true) return { kind: 'help' }
  if (values.check === true && values.screenshot === true)
    throw new UsageError('--check and --screenshot are two commands; give one of them')
  const [path, ...rest] = positionals
  if (path !== undefined && (values.screenshot !== true || rest.length > 0)) {
    throw new UsageError(`expected options only, got ${JSON.stringify(rest.at(-1) ?? path)}`)
  }
  const port = readPort(values.port)
  if (values.browser !== undefined && values.check !== true) throw new UsageError('--browser goes with --check')
  if (values.check === true) return { kind: 'check', port, browser: readBrowser(values.browser) }
  if (values.screenshot !== true) return { kind: 'run', port }
  if (path !== undefined && !path.endsWith('.png'))
    throw new UsageError(`--screenshot: expected the path of a .png file, got ${JSON.stringify(path)}`)
  return { kind: 'screenshot', port, path: path ?? defaultScreenshot }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        check: { type: 'boolean' },
        screenshot: { type: 'boolean' },
        port: { type: 'string' },
        browser: { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

function readBrowser(text = 'chromium'): DemoBrowserName {
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
