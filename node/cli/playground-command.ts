/** What the words behind `npm run playground --` mean. Read once by playground.ts; nothing is started here. */
import { type DemoBrowserName, parseOptions, readBrowser, UsageError } from './demo-command.ts'

export type PlaygroundCommand =
  | { readonly kind: 'help' }
  /** Serves the page until it is stopped. `port` 0: a free one. */
  | { readonly kind: 'run'; readonly port: number }
  /** `out`: the folder of the page. */
  | { readonly kind: 'build'; readonly out: string }
  | { readonly kind: 'check'; readonly browser: DemoBrowserName }
  | { readonly kind: 'screenshot'; readonly path: string }

export const playgroundUsage = `npm run playground [-- options]

Up to 1,000 simulated pools in a page. Nothing but this page is served, on 127.0.0.1; stop it with Ctrl-C.

  --port N             where the page is served; 0: a free port (default 4190)
  --out FOLDER         only build the page into that folder, for any web host
  --check              without a person: the page in Chromium, a line per fact; exit status 0 if every fact holds
  --browser NAME       with --check: chromium (default) or firefox
  --screenshot [path]  takes the picture of the docs (default docs/playground.jpg)
  --help               this text`

const defaultPort = '4190'
const defaultScreenshot = 'docs/playground.jpg'

const options = {
  port: { type: 'string' },
  out: { type: 'string' },
  check: { type: 'boolean' },
  browser: { type: 'string' },
  screenshot: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

/** Throws `UsageError`. */
export function readPlaygroundCommand(args: readonly string[]): PlaygroundCommand {
  const { values, positionals } = parseOptions(args, options)
  if (values.help === true) return { kind: 'help' }
  const [path, ...rest] = positionals
  if (path !== undefined && (values.screenshot !== true || rest.length > 0))
    throw new UsageError(`expected options only, got ${JSON.stringify(rest.at(-1) ?? path)}`)
  const tasks = (['check', 'out', 'screenshot', 'port'] as const).filter((name) => values[name] !== undefined)
  if (tasks.length > 1) throw new UsageError(`${tasks.map((name) => `--${name}`).join(' and ')} are different commands; give one of them`)
  if (values.browser !== undefined && values.check !== true) throw new UsageError('--browser goes with --check')
  if (values.check === true) return { kind: 'check', browser: readBrowser(values.browser) }
  if (values.out !== undefined) return { kind: 'build', out: values.out }
  if (values.screenshot !== true) return { kind: 'run', port: readPort(values.port ?? defaultPort) }
  if (path !== undefined && !path.endsWith('.jpg'))
    throw new UsageError(`--screenshot: expected the path of a .jpg file, got ${JSON.stringify(path)}`)
  return { kind: 'screenshot', path: path ?? defaultScreenshot }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`--port: expected a whole number from 0 to 65535, got ${JSON.stringify(text)}`)
  return port
}
