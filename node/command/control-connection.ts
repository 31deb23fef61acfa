/**
 * One program on the control socket: its requests, one after the other, and the answers. It owns what one program may hold: requests
 * that go on after their deadline, events that wait because it does not read. Made by `control-server.ts`, which owns the socket.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { shown } from '../../src/core/values/arguments.ts'
import { CommandError, plainError } from './command-error.ts'
import {
  type ControlAnswer,
  type ControlEvent,
  type ControlRequest,
  lineOf,
  maxRequestBytes,
  readLines,
  readRequest
} from './control-lines.ts'

/** What the socket gives access to. */
export interface ControlTarget {
  /** Rejects with `PoolError` or `CommandError`. */
  call(verb: string, args: readonly unknown[]): Promise<unknown>
  readonly events: {
    /** The last ones, oldest first. */
    recent(): readonly ControlEvent[]
    /** Until the returned function is called. */
    subscribe(listener: (event: ControlEvent) => void): () => void
  }
}

export interface ConnectionOptions {
  readonly target: ControlTarget
  /** For one verb, ms. */
  readonly verbMs: number
  /** Throws `CommandError` `busy` if no more programs may follow events. */
  mustHavePlaceToFollow(): void
}

/** Bytes that wait for a follower who does not read. */
const maxWaitingBytes = 1024 * 1024
/** Requests of one connection that were not done at their deadline and go on. */
const maxGoingOn = 16

export class ControlConnection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  #goingOn = 0
  #follows = false
  #hasAsked = false

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
  }

  get follows(): boolean {
    return this.#follows
  }

  /** False until a whole line came: a program that only connects gives its place to others. */
  get hasAsked(): boolean {
    return this.#hasAsked
  }

  end(): void {
    this.#socket.destroy()
  }

  /** Until the socket ends; never rejects. */
  async serve(): Promise<void> {
    const socket = this.#socket
    try {
      for await (const line of readLines(socket.iterator({ destroyOnReturn: false }), maxRequestBytes)) await this.#answer(line)
      // A socket of an HTTP server stays open at our end.
      socket.end()
    } catch (error) {
      if (!socket.writable) return
      // The line that was too long had no end, so nothing after it can be read. The idle deadline ends a client that goes on writing.
      socket.end(lineOf({ id: 0, error: plainError(error) }))
    }
  }

  async #answer(line: string): Promise<void> {
    this.#hasAsked = true
    let id = 0
    try {
      const request = readRequest(line)
      id = request.id
      if (request.verb !== 'events') await this.#write({ id, value: (await this.#call(request)) ?? null })
      else if (readFollow(request)) this.#follow(id)
      else {
        // One at a time, as it is read: a program that asks again and again and reads nothing waits.
        for (const event of [...this.#options.target.events.recent()]) await this.#write({ id, event })
        await this.#write({ id, value: null })
      }
    } catch (error) {
      await this.#write({ id, error: plainError(error) })
    }
  }

  async #call({ verb, args }: ControlRequest): Promise<unknown> {
    if (this.#goingOn >= maxGoingOn)
      throw new CommandError('busy', `${verb}: expected at most ${maxGoingOn} requests of a connection that go on; wait until one is done`)
    this.#goingOn++
    const { target, verbMs } = this.#options
    const work = target.call(verb, args).finally(() => this.#goingOn--)
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new CommandError('no-answer', `${verb} was not done within ${verbMs} ms; it goes on`)),
      verbMs
    )
    try {
      return await Promise.race([work, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The last events, and those that come; there is no final answer. */
  #follow(id: number): void {
    const { target, mustHavePlaceToFollow } = this.#options
    if (this.#follows) throw new CommandError('invalid-request', 'events.follow: this connection follows already')
    try {
      mustHavePlaceToFollow()
    } catch (error) {
      // Its place is for programs that ask and go.
      this.#socket.write(lineOf({ id, error: plainError(error) }))
      this.#socket.destroySoon()
      return
    }
    this.#follows = true
    const send = (event: ControlEvent): void => {
      if (this.#socket.writableLength <= maxWaitingBytes) this.#socket.write(lineOf({ id, event }))
      else this.#socket.destroy()
    }
    for (const event of target.events.recent()) if (this.#socket.writable) send(event)
    this.#socket.setTimeout(0)
    this.#socket.once('close', target.events.subscribe(send))
  }

  /** Waits while the other side is behind; the idle deadline of the socket bounds that. */
  async #write(message: ControlAnswer): Promise<void> {
    const socket = this.#socket
    if (!socket.writable || socket.write(lineOf(message))) return
    const either = new AbortController()
    const { signal } = either
    // An abort ends the one that lost.
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]).catch(() => undefined)
    either.abort()
  }
}

function readFollow({ args: [options] }: ControlRequest): boolean {
  const follow: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'follow') : false
  if (typeof follow !== 'boolean') throw new CommandError('invalid-request', `events.follow: expected true or false, got ${shown(follow)}`)
  return follow
}
