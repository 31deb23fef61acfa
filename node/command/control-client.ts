/** The other end of the control socket: asks the peer that runs on a data folder. Used by every verb of the command but `node`. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { PoolError } from '../../src/core/values/reason.ts'
import { codeOf } from '../system-error.ts'
import { CommandError } from './command-error.ts'
import { type ControlAnswer, type ControlEvent, lineOf, maxAnswerBytes, readAnswer, readLines } from './control-lines.ts'
import { connectToControlPort } from './control-port.ts'
import { mustBeOurs, socketPathOf, tokenFileOf } from './data-folder.ts'
import type { HttpAddress } from './http-health.ts'

export interface ControlClientOptions {
  /** For connecting, and for each answer, ms. */
  readonly timeoutMs: number
  /** Where the peer listens for control over TCP. @default its socket */
  readonly port?: HttpAddress | undefined
}

const absent: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

export class ControlClient {
  readonly #socket: Socket
  readonly #answers: AsyncGenerator<string>
  readonly #timeoutMs: number
  #asked = 0

  /** Rejects with `CommandError`: `not-running`, `no-answer`, `failed` (mostly: no permission). */
  static async connect(folder: string, { timeoutMs, port }: ControlClientOptions): Promise<ControlClient> {
    try {
      const socket = await (port === undefined
        ? connectToSocket(socketPathOf(folder), timeoutMs)
        : connectToControlPort(port, tokenFileOf(folder), timeoutMs))
      return new ControlClient(socket, timeoutMs)
    } catch (error) {
      if (error instanceof CommandError) throw error
      const where = port === undefined ? `on ${folder}` : `at ${port.host.includes(':') ? `[${port.host}]` : port.host}:${port.port}`
      if (absent.has(codeOf(error))) throw notRunning(where, { overTcp: port !== undefined, cause: error })
      throw unanswered(error, `cannot reach the peer ${where}`, timeoutMs)
    }
  }

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#answers = readLines(socket, maxAnswerBytes)
    this.#timeoutMs = timeoutMs
    // Callers that wait for an answer get the end of the socket.
    socket.on('error', () => socket.destroy())
  }

  /** Calls a verb of the peer. Rejects with `CommandError`: with the code of the `PoolError` if the pool refused. */
  async ask(verb: string, ...args: readonly unknown[]): Promise<unknown> {
    for await (const answer of this.#answersTo(verb, args, this.#timeoutMs)) {
      if ('value' in answer) return answer.value
    }
    throw gone(verb)
  }

  /** The last events, and with `follow` those that come, until the signal fires. Rejects with `CommandError`, also when the peer ends. */
  async *events({ follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal }): AsyncGenerator<ControlEvent> {
    const end = (): void => void this.#socket.destroy()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      for await (const answer of this.#answersTo('events', [{ follow }], follow ? undefined : this.#timeoutMs)) {
        if ('event' in answer) yield answer.event
        else return
      }
      throw gone('events')
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  async *#answersTo(verb: string, args: readonly unknown[], timeoutMs: number | undefined): AsyncGenerator<ControlAnswer> {
    const id = ++this.#asked
    // A follower waits for events as long as it likes; a peer that is gone ends the connection.
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#socket.destroy(new CommandError('no-answer', noAnswer(verb, timeoutMs))), timeoutMs)
    try {
      this.#socket.write(lineOf({ id, verb, args }))
      for (let line = await this.#answers.next(); line.done !== true; line = await this.#answers.next()) {
        const answer = readAnswer(line.value)
        // An error without a request's id is about the connection.
        if ('error' in answer && (answer.id === id || answer.id === 0)) throw new CommandError(answer.error.code, answer.error.message)
        if (answer.id === id) yield answer
      }
    } catch (error) {
      if (error instanceof CommandError || error instanceof PoolError) throw error
      throw gone(verb, error)
    } finally {
      clearTimeout(timer)
    }
  }
}

function notRunning(where: string, { overTcp, cause }: { readonly overTcp: boolean; readonly cause: unknown }): CommandError {
  const text = overTcp
    ? `no peer listens for control ${where}: name the address that "p2p-pool node --control" prints, or leave out --control to ask the socket in the data folder`
    : `no peer runs ${where}: start one with "p2p-pool node", or name its folder with --data`
  return new CommandError('not-running', text, cause)
}

async function connectToSocket(path: string, timeoutMs: number): Promise<Socket> {
  await mustBeOurs(path, dirname(path))
  const socket = connect(path)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function gone(verb: string, cause?: unknown): CommandError {
  const detail = cause === undefined ? '' : `: ${cause instanceof Error ? cause.message : String(cause)}`
  return new CommandError('not-running', `the peer ended or closed the connection before ${verb} was done${detail}`, cause)
}

function noAnswer(verb: string, timeoutMs: number): string {
  return `the peer did not answer ${verb} within ${timeoutMs} ms`
}

function unanswered(error: unknown, doing: string, timeoutMs: number): CommandError {
  if (error instanceof Error && error.name === 'AbortError')
    return new CommandError('no-answer', `${doing}: no answer within ${timeoutMs} ms`, error)
  return new CommandError('failed', `${doing}: ${error instanceof Error ? error.message : String(error)}`, error)
}
