/**
 * How the demo ends: the parts that were started, stopped in turn from the last to the first, whatever the reason to end
 * was. demo.ts makes one and ends the process; each part of the demo is started through `own`, so that none is forgotten.
 */
import process from 'node:process'
import { messageOf } from '../../src/core/values/reason.ts'

/** All parts together; a part that hangs must not hold the others, nor the person, for ever. */
const stopDeadlineMs = 8_000

/** Why the demo ends before its work is done. */
export interface EndRequest {
  /** Exit status; of a signal 128 and its number. */
  readonly status: number
  /** For people; nothing if they asked for it themselves. */
  readonly message: string | undefined
}

interface OwnedPart {
  readonly name: string
  stop(): Promise<void>
}

export class Shutdown {
  readonly #parts: OwnedPart[] = []
  readonly #controller = new AbortController()
  readonly #requested = Promise.withResolvers<EndRequest>()
  readonly #deadlineMs: number
  #endIsGood = false
  #isRequested = false

  constructor({ deadlineMs = stopDeadlineMs }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs
  }

  /** Fires when the end was asked for. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Settles when the end was asked for, with the first request. */
  get requested(): Promise<EndRequest> {
    return this.#requested.promise
  }

  get isRequested(): boolean {
    return this.#isRequested
  }

  /** From now on an end without a message, such as Ctrl-C, is the good end: status 0. */
  expectEnd(): void {
    this.#endIsGood = true
  }

  /** The first request counts. */
  request({ status, message }: EndRequest): void {
    this.#isRequested = true
    this.#requested.resolve({ status: this.#endIsGood && message === undefined ? 0 : status, message })
    this.#controller.abort(new Error(message ?? 'the demo was stopped'))
  }

  /** A part ended by itself: so does everything. */
  crashed(name: string, error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.request({ status: 1, message: `${name} broke, so everything stops: ${detail}` })
  }

  /**
   * Starts a part that `stopAll` stops. Rejects with what `start` rejects with, or with the signal's reason if the end has
   * come already; a part that is still starting when the end comes is stopped once it has started.
   */
  async own<T>(name: string, { start, stop }: { start(): Promise<T>; stop(part: T): Promise<void> }): Promise<T> {
    this.signal.throwIfAborted()
    const starting = start()
    this.#parts.push({
      name,
      async stop() {
        const part = await starting.then(
          (started) => ({ started }),
          () => undefined
        )
        if (part !== undefined) await stop(part.started)
      }
    })
    return starting
  }

  /** Stops all parts, the last one first. Never rejects; returns a sentence for each that failed or took too long. */
  async stopAll(): Promise<string[]> {
    // Nothing is started any more; but whether the work was done well is not for us to say.
    this.#controller.abort(new Error('the demo is over'))
    const problems: string[] = []
    const until = performance.now() + this.#deadlineMs
    for (const { name, stop } of this.#parts.splice(0).reverse()) {
      const problem = await ended(stop(), until - performance.now())
      if (problem !== undefined) problems.push(`${name} ${problem}`)
    }
    return problems
  }
}

/** What kept it from ending in time; the process's last act must not depend on it. */
function ended(stopping: Promise<void>, withinMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('did not stop in time'), Math.max(0, withinMs))
    void stopping
      .then(() => undefined)
      .catch((error: unknown) => `failed to stop: ${messageOf(error)}`)
      .then(resolve)
      .finally(() => clearTimeout(timer))
  })
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** npm's shell does not pass a signal on: stopping npm alone would leave us behind. */
const parentLookMs = 1_000

/**
 * Ctrl-C, kill, a closed terminal, errors that nobody caught, and the end of the npm that started us. A second signal ends
 * the process at once; what must not be left behind even then belongs into its `exit` event.
 */
export function listenForEnds(shutdown: Shutdown): void {
  let asked = false
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const status = 128 + signalNumbers[name]
      if (asked) process.exit(status)
      asked = true
      shutdown.request({ status, message: undefined })
    })
  }
  process.on('uncaughtException', (error) => shutdown.crashed('The demo', error))
  process.on('unhandledRejection', (reason) => shutdown.crashed('The demo', reason))
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) shutdown.request({ status: 128 + signalNumbers.SIGHUP, message: undefined })
  }, parentLookMs).unref()
}
