/** What a foreign implementation is to the laboratory: how its program is built, and how one peer of it is started. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Built programs and the folders of their peers; outside of git. */
export const cache = fileURLToPath(new URL('../../../.cache/interop/', import.meta.url))
export const strangers = fileURLToPath(new URL('../strangers/', import.meta.url))

/** One peer to be started. */
export interface Seat {
  /** The 32 bytes of its Ed25519 key in hex. */
  readonly seed: string
  /** Multiaddrs that it listens on. */
  readonly listen: readonly string[]
  /** Its own, empty at the first start and kept over a restart. */
  readonly folder: string
}

export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Implementation {
  /** On the command line and in the table. */
  readonly name: string
  readonly title: string
  /** What must be installed to build it. */
  readonly tool: string
  /** Builds it in the cache, or finds it there. Rejects with what went wrong. */
  readonly build: () => Promise<void>
  /** Called once for each seat, before its first start. */
  readonly prepare?: (seat: Seat) => Promise<void>
  readonly invoke: (seat: Seat) => Invocation
  /** The line of its output after which it can be dialed. */
  readonly ready: RegExp
}

/** A build that hangs, ms: a registry that does not answer. */
const buildDeadlineMs = 45 * 60_000

/** Runs a build step at low priority. Gives its output; rejects with the end of it, or with what to install. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {}
): Promise<string> {
  const child = spawn('nice', [command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: buildDeadlineMs
  })
  let output = ''
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes
    said += bytes
  })
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${signal ?? code}: ${said.trim().split('\n').at(-1)}`))
    })
  })
}
