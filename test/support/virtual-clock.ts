/**
 * A clock that moves only when a test says so. Timers run in the order of their instants, then of their making; between two
 * of them every microtask runs, so that what a timer causes has happened before the next one fires.
 */
import type { Clock } from '../../src/core/values/ports.ts'
import { TimerQueue, type Waiting } from './timer-queue.ts'

/** After so many steps in one go the event loop gets a turn: a test runner wants to tell that it lives. */
const stepsPerTurn = 10_000

export class VirtualClock implements Clock {
  #now = 0
  #dateOffset: number
  readonly #timers = new TimerQueue()
  #ids = 0
  #steps = 0
  /** Called after each step, when all that it caused has happened, with the number of the timer that fired. */
  onStep: ((timer: number) => void) | undefined

  constructor(date = 1_700_000_000_000) {
    this.#dateOffset = date
  }

  now(): number {
    return this.#now
  }

  date(): number {
    return this.#dateOffset + this.#now
  }

  /** Somebody sets the wall clock. */
  jumpDate(byMs: number): void {
    this.#dateOffset += byMs
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Timers that fired since the clock was made. */
  get steps(): number {
    return this.#steps
  }

  schedule(delayMs: number, fn: () => void): () => void {
    const timer = this.#timers.add({ at: this.#now + Math.max(0, delayMs), id: ++this.#ids, fn })
    return () => this.#timers.remove(timer)
  }

  /** Lets `ms` pass, with all that happens in it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (let next = this.#timers.first; next !== undefined && next.at <= end; next = this.#timers.first) {
      this.#fire(next)
      await settle()
      if (this.#hasFired(next)) await eventLoopTurn()
    }
    this.#now = end
  }

  /** Lets time pass until the promise settles; fails after `limitMs` of virtual time. */
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

  // A step in two halves and no async function: there are millions of steps, and each would make two promises more.

  #fire(timer: Waiting): void {
    this.#timers.remove(timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.fn()
  }

  /** All that it caused has happened. True: others than the simulation are due. */
  #hasFired(timer: Waiting): boolean {
    this.onStep?.(timer.id)
    return ++this.#steps % stepsPerTurn === 0
  }
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Runs every microtask there is: Node looks at the next tick when none is left. */
export function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
