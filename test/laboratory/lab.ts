/**
 * One row's laboratory: starts the processes of its roles, asks them, and notices when one dies. All of them end with the row, since
 * they live in its process namespace. Used by `npm run attacks` and `npm run lab`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { execPath as execNode, env as ownEnvironment } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { FromChild, Remote, Role, ToChild, Verbs } from './role.ts'

export interface Actor<V extends Verbs> {
  readonly ask: Remote<V>
  readonly pid: number
  /** What it wrote last to its standard error. */
  readonly lastWords: () => string
  /** False once its process has ended. */
  readonly isAlive: () => boolean
  /** Ends it at once; resolves when it is gone. */
  readonly kill: () => Promise<void>
}

/** A role that does not answer within this is stuck, ms. Verbs that wait by design stay below it. */
const answerDeadlineMs = 120_000
const keptErrorText = 2_000

/** What lives is counted after collections, which otherwise drop some megabytes of code that was not used for a while, too. */
const memoryFlags = ['--expose-gc', '--no-flush-bytecode']

/** Where a role's process runs. */
export interface Place {
  /** A command that starts the command after it, as `nsenter` does. @default none */
  readonly command?: readonly string[]
  /** Set on top of this process's environment. @default nothing */
  readonly env?: Readonly<Record<string, string>>
}

const child = fileURLToPath(new URL('./role-child.ts', import.meta.url))

export class Lab {
  readonly #actors: ChildProcess[] = []

  /** Resolves when the role says that it plays; rejects with what its making threw. */
  async start<Args, V extends Verbs>(role: Role<Args, V>, args: Args, { command = [], env = {} }: Place = {}): Promise<Actor<V>> {
    const [execPath = execNode, ...execArgv] = [...command, execNode, ...memoryFlags]
    const process = fork(child, [], {
      execPath,
      execArgv,
      env: { ...ownEnvironment, ...env },
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc']
    })
    this.#actors.push(process)
    const waiting = new Map<number | undefined, PromiseWithResolvers<unknown>>()
    let errorText = ''
    let calls = 0
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errorText = (errorText + text).slice(-keptErrorText)
    })
    const ended = new Promise<void>((resolve) => {
      process.once('exit', () => {
        for (const { reject } of waiting.values()) reject(new Error(`${role.role} ended: ${errorText.trim() || 'without a word'}`))
        waiting.clear()
        resolve()
      })
    })
    process.on('message', (message: FromChild) => {
      const key = message.kind === 'playing' ? undefined : message.call
      const asked = waiting.get(key)
      waiting.delete(key)
      if (message.kind === 'failed') asked?.reject(new Error(`${role.role}: ${message.message}`))
      else asked?.resolve(message.kind === 'answer' ? message.value : undefined)
    })
    const post = async (key: number | undefined, message: ToChild): Promise<unknown> => {
      const asked = Promise.withResolvers<unknown>()
      if (process.exitCode !== null || process.signalCode !== null) throw new Error(`${role.role} has ended: ${errorText.trim()}`)
      waiting.set(key, asked)
      process.send(message, (error) => error !== null && asked.reject(error))
      return within(answerDeadlineMs, asked.promise, `${role.role} did not answer ${message.kind === 'call' ? message.verb : 'at all'}`)
    }
    await post(undefined, { kind: 'play', file: role.file, role: role.role, args })
    const ask = new Proxy(
      {},
      {
        // Not a promise: an actor may be awaited.
        get: (_, verb) =>
          typeof verb === 'string' && verb !== 'then'
            ? (...given: unknown[]) => post(++calls, { kind: 'call', call: calls, verb, args: given })
            : undefined
      }
    ) as Remote<V>
    return {
      ask,
      pid: process.pid ?? -1,
      lastWords: () => errorText.trim(),
      isAlive: () => process.exitCode === null && process.signalCode === null,
      kill: () => {
        process.kill('SIGKILL')
        return ended
      }
    }
  }

  /** Ends all processes of the row. */
  close(): void {
    for (const actor of this.#actors) actor.kill('SIGKILL')
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** Asks every `everyMs` until the answer is yes; false after the deadline. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  { deadlineMs, everyMs = 100 }: { deadlineMs: number; everyMs?: number }
): Promise<boolean> {
  const end = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() >= end) return false
    await pause(everyMs)
  }
  return true
}

/** Rejects with `what` and the deadline when the promise takes longer. */
export async function within<T>(deadlineMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${deadlineMs / 1_000} s`)), deadlineMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
