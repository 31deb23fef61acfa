/**
 * Finds a Chromium that starts on this machine, or installs one. Called by `npm test` before vitest, by vite.config.ts for
 * the browser tests, and by the demo. Starting pages in it is left to them.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'

/** For tests and the demo only: no sandbox because containers run as root, the rest keeps Chromium from calling home. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** In this order: Debian's name first, since that is what we install. */
const commandNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** A healthy Chromium prints its version in well under a second; a first start from a cold disk took three. */
const versionDeadlineMs = 20_000

/** A package manager that hangs must not hold up a test run for ever; 90 MB came in 40 s here. */
const installDeadlineMs = 300_000

/** How a command ended. `output` holds its standard output, or what kept it from running. */
export interface Ran {
  readonly ok: boolean
  readonly output: string
}

export interface RunOptions {
  readonly deadlineMs: number
  /** Let the user watch it, on standard error. */
  readonly visible: boolean
}

/** What the search asks of the machine; tests give their own. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  isExecutable(path: string): Promise<boolean>
  /** Where Playwright would keep its own Chromium, whether it is there or not. */
  playwrightPath(): Promise<string>
  /** The Playwright command line, for the running Node. */
  playwrightCli(): string
  /** May we install Debian packages: root, on Debian or one of its kin? */
  mayUseApt(): Promise<boolean>
  /** Never rejects. */
  run(command: string, args: readonly string[], options: RunOptions): Promise<Ran>
}

/** The one there is, or what was looked at in vain, one sentence each. */
export type ChromiumSearch =
  | { readonly path: string; readonly version: string }
  | { readonly path: undefined; readonly tried: readonly string[] }

/**
 * Looks without changing anything: `CHROME_PATH`, the path, Playwright's own. Throws if `CHROME_PATH` is set to something
 * that does not run: the user wants that one, not another.
 */
export async function findChromium(machine: Machine = thisMachine): Promise<ChromiumSearch> {
  const chosen = machine.env.CHROME_PATH
  if (chosen !== undefined && chosen !== '') {
    const version = await versionOf(chosen, machine)
    if (version === undefined) throw new Error(`CHROME_PATH is ${JSON.stringify(chosen)}; expected an executable that answers --version`)
    return { path: chosen, version }
  }

  const tried = ['CHROME_PATH is not set']
  for (const name of commandNames) {
    for (const folder of (machine.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      if (folder === '' || !(await machine.isExecutable(path))) continue
      const version = await versionOf(path, machine)
      if (version !== undefined) return { path, version }
      tried.push(`${path} does not start`)
    }
  }
  tried.push(`none of ${commandNames.join(', ')} on the path`)

  const path = await machine.playwrightPath()
  const version = await versionOf(path, machine)
  if (version !== undefined) return { path, version }
  tried.push(`no Chromium of Playwright at ${path}`)
  return { path: undefined, tried }
}

/**
 * The path of a Chromium that starts; installs one if none is found. Rejects with an error that lists everything tried.
 * May be repeated.
 */
export async function findOrInstallChromium({
  log,
  machine = thisMachine
}: {
  log(line: string): void
  machine?: Machine
}): Promise<string> {
  const first = await findChromium(machine)
  if (first.path !== undefined) return first.path
  const tried = [...first.tried]

  for (const way of await waysToInstall(machine)) {
    log(`no Chromium found; installing it: ${way.map((step) => step.join(' ')).join(' && ')}`)
    const failure = await runAll(way, machine)
    if (failure !== undefined) {
      tried.push(failure)
      continue
    }
    const search = await findChromium(machine)
    if (search.path !== undefined) {
      log(`installed ${search.version} at ${search.path}`)
      return search.path
    }
    tried.push(`after the installation: ${search.tried.join(', ')}`)
  }
  throw new Error(
    `no Chromium found and none could be installed:\n${tried.map((line) => `  - ${line}`).join('\n')}\nInstall Chromium or Chrome, or set CHROME_PATH.`
  )
}

type Step = readonly [command: string, ...args: string[]]

async function waysToInstall(machine: Machine): Promise<readonly (readonly Step[])[]> {
  const playwright: Step = [process.execPath, machine.playwrightCli(), 'install', '--no-shell', 'chromium']
  const apt: readonly Step[] = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', 'chromium']
  ]
  return (await machine.mayUseApt()) ? [apt, [playwright]] : [[playwright]]
}

/** Runs the steps in turn; says which one failed, and how. */
async function runAll(steps: readonly Step[], machine: Machine): Promise<string | undefined> {
  for (const [command, ...args] of steps) {
    const { ok, output } = await machine.run(command, args, { deadlineMs: installDeadlineMs, visible: true })
    if (!ok) return `${[command, ...args].join(' ')} failed: ${output.trim() || 'see its output above'}`
  }
}

/** Only one that answers counts: Ubuntu's `chromium-browser` is a script that asks for a snap. */
async function versionOf(path: string, machine: Machine): Promise<string | undefined> {
  if (!(await machine.isExecutable(path))) return undefined
  const { ok, output } = await machine.run(path, ['--version'], { deadlineMs: versionDeadlineMs, visible: false })
  return ok ? output.trim() : undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function run(command: string, args: readonly string[], { deadlineMs, visible }: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      // A visible command writes to standard error, so that the caller's output stays clean.
      stdio: ['ignore', visible ? 2 : 'pipe', visible ? 2 : 'ignore'],
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    })
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000)
    })
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (code, signal) => resolve({ ok: code === 0, output: output || (code === 0 ? '' : `exit status ${code ?? signal}`) }))
  })
}

const require = createRequire(import.meta.url)

/** The machine we run on. */
export const thisMachine: Machine = {
  env: process.env,
  isExecutable,
  run,
  playwrightPath: async () => (await import('playwright-core')).chromium.executablePath(),
  playwrightCli: () => join(dirname(require.resolve('playwright-core/package.json')), 'cli.js'),
  mayUseApt: async () => process.getuid?.() === 0 && (await isExecutable('/usr/bin/apt-get'))
}

if (import.meta.main) {
  try {
    const path = await findOrInstallChromium({ log: (line) => console.error(line) })
    console.log(`Chromium: ${path}`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
