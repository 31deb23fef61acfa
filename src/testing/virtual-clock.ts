/**
 * A clock that moves only when the test says so. Timers run in the order of their instants, then of their making. Between two timers
 * every microtask runs, so all that a timer causes has happened before the next one fires. In Node and in browsers.
 */
import type { Clock } from '../core/values/ports.ts'
import { settle, settled } from './settle.ts'
import { TimerQueue, type Waiting } from './timer-queue.ts'

/** After so many steps in one go the event loop gets a turn: a test runner wants to tell that it lives. */
const stepsPerTurn = 10_000

/** A clock that moves only when `advance` or `until` is called. */
export class VirtualClock implements Clock {
  #now = 0
  #dateOffset: number
  readonly #timers = new TimerQueue()
  #ids = 0
  #steps = 0
  /** Called after each timer, when all that it caused has happened, with the number of the timer. */
  onStep: ((timer: number) => void) | undefined

  /** `date`: the wall clock at the start, ms since 1970. */
  constructor(date = 1_700_000_000_000) {
    this.#dateOffset = date
  }

  /** Virtual time since the clock was made, ms. */
  now(): number {
    return this.#now
  }

  /** Virtual wall clock, ms since 1970. */
  date(): number {
    return this.#dateOffset + this.#now
  }

  /** Sets the wall clock forward, or back; timers do not notice. */
  jumpDate(byMs: number): void {
    this.#dateOffset += byMs
  }

  /** Lets `ms` pass in which no timer fires, as on a machine that is busy or sleeps; those that are due fire with the next `advance`. */
  stall(ms: number): void {
    this.#now += ms
  }

  /** The number of timers that wait: 0 when a test has left nothing behind. */
  get pending(): number {
    return this.#timers.size
  }

  /** The number of timers that fired since the clock was made. */
  get steps(): number {
    return this.#steps
  }

  /** Calls `fn` after `delayMs` of virtual time. Returns what cancels it. */
  schedule(delayMs: number, fn: () => void): () => void {
    const timer = this.#timers.add({ at: this.#now + Math.max(0, delayMs), id: ++this.#ids, fn })
    return () => this.#timers.remove(timer)
  }

  /** Lets `ms` of virtual time pass, and resolves when all that happens in it has happened. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    while (await this.#fireUpTo(end)) await eventLoopTurn()
    this.#now = end
  }

  /**
   * Lets virtual time pass until the promise settles, and settles as it does. Rejects if it has not settled after `limitMs`, or when no
   * timer is left.
   */
  async until<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let done = false
    const watched = promise.finally(() => {
      done = true
    })
    watched.catch(() => undefined)
    const end = this.#now + limitMs
    await settle()
    while (!done) {
      const next = this.#timers.first
      if (next === undefined) throw new Error(`nothing is scheduled any more and the promise has not settled (now ${this.#now} ms)`)
      if (next.at > end) throw new Error(`the promise has not settled within ${limitMs} virtual ms`)
      this.#fire(next)
      await settle()
      if (this.#hasFired(next)) await eventLoopTurn()
    }
    return watched
  }

  /**
   * Fires one timer after the other. Resolves with false when no more is due, with true when the event loop is due for a turn. No async function: each
   * of millions of steps would make promises.
   */
  #fireUpTo(end: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let last: Waiting | undefined
      const step = (): void => {
        try {
          const isTurnDue = last !== undefined && this.#hasFired(last)
          last = this.#timers.first
          if (isTurnDue || last === undefined || last.at > end) {
            resolve(isTurnDue)
            return
          }
          this.#fire(last)
          settled(step)
        } catch (error) {
          reject(error)
        }
      }
      step()
    })
  }

  #fire(timer: Waiting): void {
    this.#timers.remove(timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.fn()
  }

  /** All that it caused has happened. Returns true when the event loop is due for a turn. */
  #hasFired(timer: Waiting): boolean {
    this.onStep?.(timer.id)
    return ++this.#steps % stepsPerTurn === 0
  }
}

function eventLoopTurn(): Promise<void> {
  // Not by its type: a page has no Node types.
  const { setImmediate } = globalThis as { readonly setImmediate?: (work: () => void) => void }
  return new Promise((resolve) => (setImmediate ?? setTimeout)(resolve))
}
