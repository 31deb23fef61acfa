/** A clock for real connections: libp2p's own timers go on, those of the network under test wait. */
import type { Clock } from '../../src/core/values/ports.ts'

/** Lets the timers of a network run when the test says so. */
export class HandClock implements Clock {
  #due: (() => void)[] = []
  /** How far the wall clock is ahead of libp2p's, which is real. */
  aheadMs = 0

  now(): number {
    return 0
  }

  date(): number {
    return Date.now() + this.aheadMs
  }

  schedule(_delayMs: number, fn: () => void): () => void {
    this.#due.push(fn)
    return () => {
      this.#due = this.#due.filter((due) => due !== fn)
    }
  }

  get pending(): number {
    return this.#due.length
  }

  run(): void {
    for (const fn of this.#due.splice(0)) fn()
  }

  /** Runs what is due, and waits until the look has planned the next one. */
  async look(): Promise<void> {
    this.run()
    while (this.pending === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
