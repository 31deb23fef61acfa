/** What the search for a browser asks of the machine: which files run, what a command says, and whether packages may be installed. */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'

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

/** Tests give their own. */
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
