/**
 * Application messages on their way out of one connection, in the order of the calls. What the link does not take waits here, bounded in
 * number and bytes. It also notices that the other side has stopped reading, and counts drops. Owned by `connection.ts`.
 */
import type { Clock } from '../values/ports.ts'
import { PoolError } from '../values/reason.ts'
import { bytesIn, encodeMessage, type Frame } from '../wire/encode.ts'
import type { ExchangeMessage } from '../wire/schema.ts'
import type { Channel } from './channel.ts'
import type { Turns } from './turns.ts'
import { abortable, deadline, onAbort } from './waits.ts'

/** Messages that wait for a slow link, per connection. An application that awaits `send` never has so many. */
export const maxWaitingSends = 256
/** Their bytes; one message alone may be larger. The link holds about one message more. */
export const maxWaitingBytes = 2 * 1_048_576

/** How often a full link is looked at, ms. */
export const lookEveryMs = 10_000
/** So many looks in a row without a byte taken, and the other side is asked whether it lives: 30 s. */
export const looksUntilAsked = 3
/** Nor an answer: 60 s. A slow link would have taken some bytes by then. */
export const looksUntilStalled = 6
/** Drops are reported once in this time, ms. */
const reportDropsEveryMs = 1_000

/** Larger frames are not worth a copy. */
const joinBelowBytes = 1_024
/** Joined frames go out at the end of a turn, or when they are so many bytes. */
const maxJoinedBytes = 65_536

interface Waiting {
  readonly frame: Frame
  /** Called once: without an error when the link took the frame. */
  readonly settle: (error?: unknown) => void
}

export interface OutboxParts {
  readonly channel: Channel
  readonly clock: Clock
  readonly turns: Turns
  /** The other side has read nothing for 30 s though something waits. */
  readonly stalled: () => void
  readonly broken: () => void
  /** Messages, and their bytes, that were dropped since the last call. */
  readonly dropped: (messages: number, bytes: number) => void
}

export class Outbox {
  readonly #parts: OutboxParts
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  /** While the link takes no more: until it took what it was given, or has ended. Never rejects. */
  #blocked: Promise<void> | undefined
  /** Small frames of a turn that brings many messages: one write for all, since a write costs more than all else of an answer. */
  #joined: Uint8Array[] = []
  #joinedBytes = 0
  /** Why nothing is taken any more. */
  #ended: PoolError | undefined
  /** Ends waits for the link; made when there is one. */
  #end: AbortController | undefined
  /** Messages that the link took. */
  messagesSent = 0
  /** Messages that `offer` did not take. */
  messagesDropped = 0
  #unreported: { messages: number; bytes: number; readonly cancel: () => void } | undefined
  /** While the link is looked at: what it had taken at the last look, and looks since then that found no change. */
  #watch: { sent: number; unsent: number; quietLooks: number; cancel: () => void } | undefined

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** The link is behind, or something waits for it. */
  get isBehind(): boolean {
    return this.#blocked !== undefined || this.#waiting.length > 0
  }

  /**
   * Resolves when the link took the frame, and needs its payload no more. A signal ends that wait too: what the link took is on its way.
   * Rejects with `PoolError` `too-many-waiting`, `not-connected`, or the signal's reason: then the link did not take it.
   */
  async write(frame: Frame, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#ended !== undefined || !this.isBehind) {
      const error = this.#send(frame)
      if (error !== undefined) throw error
    } else {
      if (!this.#hasRoomFor(bytesIn(frame))) throw this.#tooMany()
      await this.#turnOf(frame, signal)
    }
    // It rejects by the signal alone.
    if (frame.length > 1 && this.#blocked !== undefined) await abortable(this.#blocked, signal).catch(() => undefined)
  }

  /** Resolves when the link took the frame. */
  #turnOf(frame: Frame, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const entry: Waiting = {
        frame,
        settle: (error) => {
          forget()
          if (error === undefined) resolve()
          else reject(error)
        }
      }
      const forget = onAbort(signal, () => {
        if (this.#drop(entry)) entry.settle(signal?.reason)
      })
      this.#enqueue(entry)
    })
  }

  /** `write` that waits for nothing: false, and counted as dropped, if too much waits. False once it has ended. */
  offer(bytes: Uint8Array): boolean {
    const frame: Frame = [bytes]
    if (this.#ended !== undefined) return false
    // A failure is the end of the connection, which has its own event.
    if (!this.isBehind) this.#send(frame)
    else if (this.#hasRoomFor(bytes.length)) this.#enqueue({ frame, settle: () => undefined })
    else return this.#countDrop(bytes.length)
    return true
  }

  /** Hands a pool message to the link; false if that is behind or gone. */
  pass(message: ExchangeMessage): boolean {
    if (this.isBehind || this.#ended !== undefined) return false
    return this.#transmit([encodeMessage(message)]) === undefined
  }

  /** The connection has ended: what waits is given up. */
  end(error: PoolError): void {
    this.#sendJoined()
    this.#ended = error
    this.#end?.abort(error)
    this.#watch?.cancel()
    this.#watch = undefined
    this.#waitingBytes = 0
    for (const { settle } of this.#waiting.splice(0)) settle(error)
    this.#unreported?.cancel()
    this.#reportDrops()
  }

  #hasRoomFor(length: number): boolean {
    const count = this.#waiting.length
    return count === 0 || (count < maxWaitingSends && this.#waitingBytes + length <= maxWaitingBytes)
  }

  #tooMany(): PoolError {
    const [count, bytes] = [this.#waiting.length, this.#waitingBytes]
    return new PoolError(
      'too-many-waiting',
      `${count} messages of ${bytes} bytes wait for ${this.#parts.channel.link.peerId}, at most ${maxWaitingSends} of ${maxWaitingBytes} bytes may: await send`
    )
  }

  #enqueue(entry: Waiting): void {
    this.#waiting.push(entry)
    this.#waitingBytes += bytesIn(entry.frame)
  }

  /** What went wrong, if anything. */
  #send(frame: Frame): PoolError | undefined {
    const error = this.#ended ?? this.#transmit(frame)
    if (error === undefined) this.messagesSent++
    return error
  }

  /** True if it waited. */
  #drop(entry: Waiting): boolean {
    const place = this.#waiting.indexOf(entry)
    if (place < 0) return false
    this.#waiting.splice(place, 1)
    this.#waitingBytes -= bytesIn(entry.frame)
    return true
  }

  /** What went wrong, if anything. */
  #transmit(frame: Frame): PoolError | undefined {
    if (bytesIn(frame) < joinBelowBytes && this.#join(frame[0])) return undefined
    return this.#sendJoined() ?? this.#hand(frame)
  }

  #join(frame: Uint8Array): boolean {
    if (this.#joined.length === 0 && !this.#parts.turns.afterwards(() => void this.#sendJoined())) return false
    this.#joined.push(frame)
    this.#joinedBytes += frame.length
    if (this.#joinedBytes >= maxJoinedBytes) this.#sendJoined()
    return true
  }

  #sendJoined(): PoolError | undefined {
    if (this.#joined.length === 0) return undefined
    const bytes = new Uint8Array(this.#joinedBytes)
    let at = 0
    for (const frame of this.#joined) {
      bytes.set(frame, at)
      at += frame.length
    }
    this.#joined = []
    this.#joinedBytes = 0
    return this.#hand([bytes])
  }

  #hand(frame: Frame): PoolError | undefined {
    try {
      if (!this.#parts.channel.sendBytes(...frame)) this.#block()
      return undefined
    } catch (cause) {
      // Its reader is about to see that it closed.
      return new PoolError('not-connected', `the link to ${this.#parts.channel.link.peerId} has closed`, { cause })
    }
  }

  #block(): void {
    this.#end ??= new AbortController()
    if (this.#ended !== undefined) this.#end.abort(this.#ended)
    this.#blocked = this.#parts.channel.link.drained(this.#end.signal).then(
      () => {
        this.#blocked = undefined
        this.#sendOn()
      },
      () => {
        if (this.#ended === undefined) this.#parts.broken()
      }
    )
    this.#watch ??= { ...this.#taken(), quietLooks: 0, cancel: this.#parts.clock.schedule(lookEveryMs, () => void this.#look()) }
  }

  #sendOn(): void {
    while (!this.#blocked && this.#ended === undefined) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#waitingBytes -= bytesIn(next.frame)
      next.settle(this.#send(next.frame))
    }
  }

  #taken(): { sent: number; unsent: number } {
    return { sent: this.#parts.channel.bytesSent, unsent: this.#parts.channel.link.unsentBytes }
  }

  /** An answer to a question that was sent behind the bytes shows that they arrived; if they were not read then, nobody reads. */
  async #look(): Promise<void> {
    const watch = this.#watch
    if (watch === undefined) return
    if (!this.#blocked) {
      this.#watch = undefined
      return
    }
    watch.cancel = this.#parts.clock.schedule(lookEveryMs, () => void this.#look())
    if (this.#hasMoved(watch)) return
    const quietLooks = ++watch.quietLooks
    if (quietLooks < looksUntilAsked) return
    if (quietLooks < looksUntilStalled && !(await this.#answers())) return
    if (this.#watch === watch && this.#blocked !== undefined && !this.#hasMoved(watch)) this.#parts.stalled()
  }

  /** Has the link taken bytes since the last time? */
  #hasMoved(watch: { sent: number; unsent: number; quietLooks: number }): boolean {
    const { sent, unsent } = this.#taken()
    if (sent === watch.sent && unsent >= watch.unsent) return false
    Object.assign(watch, { sent, unsent, quietLooks: 0 })
    return true
  }

  async #answers(): Promise<boolean> {
    const { signal, cancel } = deadline(this.#parts.clock, lookEveryMs)
    try {
      await this.#parts.channel.link.probe(signal)
      return true
    } catch {
      return false
    } finally {
      cancel()
    }
  }

  #countDrop(bytes: number): false {
    this.messagesDropped++
    this.#unreported ??= { messages: 0, bytes: 0, cancel: this.#parts.clock.schedule(reportDropsEveryMs, () => this.#reportDrops()) }
    this.#unreported.messages++
    this.#unreported.bytes += bytes
    return false
  }

  #reportDrops(): void {
    const drops = this.#unreported
    this.#unreported = undefined
    if (drops !== undefined) this.#parts.dropped(drops.messages, drops.bytes)
  }
}
