/**
 * A clock that moves only when a test says so. Timers run in the order of their instants, then of their making; between two
 * of them every microtask runs, so that what a timer causes has happened before the next one fires.
 */
import type { Clock } from '../../src/core/values/ports.ts'

interface Timer {
  readonly at: number
  readonly id: number
  readonly fn: () => void
}

export class VirtualClock implements Clock {
  #now = 0
  #dateOffset: number
  #timers: Timer[] = []
  #ids = 0

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
    return this.#timers.length
  }

  schedule(delayMs: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), id: ++this.#ids, fn }
    this.#timers.push(timer)
    for (let i = this.#timers.length - 1; i > 0; i--) {
      const [before, after] = [this.#timers[i - 1] as Timer, this.#timers[i] as Timer]
      if (before.at < after.at || (before.at === after.at && before.id < after.id)) break
      this.#timers[i - 1] = after
      this.#timers[i] = before
    }
    return () => {
      const i = this.#timers.indexOf(timer)
      if (i >= 0) this.#timers.splice(i, 1)
    }
  }

  /** Lets `ms` pass, with all that happens in it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      this.#timers.shift()
      this.#now = Math.max(this.#now, next.at)
      next.fn()
      await settle()
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
      const next = this.#timers[0]
      if (next === undefined) throw new Error(`nothing is scheduled any more and the promise has not settled (now ${this.#now} ms)`)
      if (next.at > end) throw new Error(`the promise has not settled within ${limitMs} virtual ms`)
      await this.advance(next.at - this.#now)
    }
    return watched
  }
}

/** Runs every microtask there is. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
