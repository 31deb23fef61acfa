/** A real `p2p-pool node` in a process of its own, and the command in this one. Used by the tests beside it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PeerStatus } from '../../../node/command/peer-status.ts'
import { runCommandLine } from '../../../node/command/program.ts'
import type { Terminal } from '../../../node/command/terminal.ts'

export const bin = fileURLToPath(new URL('../../../node/command/p2p-pool.ts', import.meta.url))

export const loopback = ['--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws']

export interface Started extends PeerStatus {
  readonly pageLines: readonly { readonly line: string; readonly who: string }[]
}

export interface NodeProcess {
  readonly child: ChildProcess
  readonly started: Started
  /** What it wrote to standard error. */
  complaint(): string
}

/** Starts `p2p-pool node` and waits until it says that it runs. */
export async function startNode(folder: string, ...args: readonly string[]): Promise<NodeProcess> {
  const child = spawn(process.execPath, [bin, 'node', '--network', 'test', '--data', folder, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
    if (!/libp2p:|p2p-pool:/.test(String(chunk))) process.stderr.write(chunk)
  })
  const [line] = (await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(25_000) })) as [string]
  return { child, started: JSON.parse(line) as Started, complaint: () => complaint }
}

/** Connections that ask for nothing. */
export function idleSockets(port: number, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1').resume()
      socket.on('error', () => socket.destroy())
      await once(socket, 'connect')
      return socket
    })
  )
}

/** Resolves with the exit status. */
export async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  const ended = once(child, 'exit')
  child.kill(signal)
  return ((await ended) as [number | null])[0]
}

/** Runs the whole command in a process; for what the process itself does. */
export async function spawned(...args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
  let text = ''
  let complaint = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const [status] = (await once(child, 'close')) as [number]
  return { status, text, complaint }
}

export interface Result {
  readonly status: number
  readonly text: string
  readonly complaint: string
}

/** Runs a command line in this process. `signal` ends `events --follow`; `onText` hears what is written. */
export async function command(
  args: readonly string[],
  { signal, onText, terminal }: { signal?: AbortSignal; onText?: (text: string) => void; terminal?: Terminal } = {}
): Promise<Result> {
  let text = ''
  let complaint = ''
  const out = {
    write: (part: string) => {
      text += part
      onText?.(part)
    },
    complain: (part: string) => {
      complaint += part
    },
    hasColors: false
  }
  const status = await runCommandLine(args, { out, untilEnded: () => signal ?? new AbortController().signal, terminal })
  return { status, text, complaint }
}

export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

/** Short: a socket in it must have a short path. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
