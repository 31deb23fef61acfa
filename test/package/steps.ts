/** Commands with a deadline, each in a process group of its own, so that nothing that it started outlives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'

export interface StepOptions {
  readonly cwd: string
  /** Then the command and all that it started are killed, ms. */
  readonly deadlineMs: number
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Kept of what a command prints: its end says what went wrong. npm lists a thousand files in 120 kB. */
const maxOutput = 1_000_000

const running = new Set<ChildProcess>()
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129]
] as const) {
  process.once(signal, () => {
    for (const child of running) killGroup(child)
    process.exit(status)
  })
}

/** What it printed on standard output. Rejects with all that it printed if it failed or took too long. */
export async function runStep(words: readonly string[], { cwd, deadlineMs, env }: StepOptions): Promise<string> {
  const { child, texts, closed } = start(words, { cwd, env })
  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child)
  }, deadlineMs)
  try {
    const status = await closed
    if (late) throw new Error(`${words.join(' ')} took longer than ${deadlineMs / 1_000} s:\n${texts.all}`)
    if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}:\n${texts.all}`)
    return texts.out
  } finally {
    clearTimeout(timer)
    killGroup(child)
  }
}

/** A command that goes on until it is stopped. */
export interface LongStep {
  /** Resolves with what `pattern` found in what it has printed so far and prints from now on. Rejects if it ends before, or at the deadline. */
  find(pattern: RegExp): Promise<RegExpExecArray>
  stop(): Promise<void>
}

/** Each `find` has the deadline. */
export function startStep(words: readonly string[], { cwd, deadlineMs, env }: StepOptions): LongStep {
  const { child, texts, closed } = start(words, { cwd, env })
  let ended = false
  void closed.then(
    () => {
      ended = true
    },
    () => {
      ended = true
    }
  )
  return {
    async find(pattern) {
      const until = performance.now() + deadlineMs
      for (;;) {
        const found = pattern.exec(texts.all)
        if (found !== null) return found
        if (ended) throw new Error(`${words.join(' ')} ended before it printed ${pattern}:\n${texts.all}`)
        if (performance.now() > until)
          throw new Error(`${words.join(' ')} did not print ${pattern} within ${deadlineMs / 1_000} s:\n${texts.all}`)
        await new Promise((resolve) => {
          setTimeout(resolve, 50)
        })
      }
    },
    async stop() {
      killGroup(child)
      await closed.catch(() => undefined)
    }
  }
}

function start(words: readonly string[], { cwd, env }: Pick<StepOptions, 'cwd' | 'env'>) {
  const [command = '', ...args] = words
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  running.add(child)
  const texts = { out: '', all: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.out = (texts.out + text).slice(-maxOutput)
    texts.all = (texts.all + text).slice(-maxOutput)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.all = (texts.all + text).slice(-maxOutput)
  })
  const closed = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'nothing'))
  }).finally(() => running.delete(child))
  return { child, texts, closed }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // It has ended, and all that it started.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
