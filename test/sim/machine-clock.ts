/**
 * The clock of one machine: the world's time, counted from the machine's own start, beside a wall clock of its own that
 * somebody may set. It knows its timers, so that a program that is killed leaves none, and one that stopped can be asked.
 */
import type { Clock } from '../../src/core/values/ports.ts'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'

export class MachineClock implements Clock {
  readonly #world: VirtualClock
  readonly #bootedAt: number
  readonly #touched: () => void
  readonly #timers = new Set<() => void>()
  #dateOffsetMs = 0
  #isDead = false
  /** Timers that came due while the machine slept; none: it is awake. */
  #due: (() => void)[] | undefined

  /** `uptimeMs`: how long the machine has been on already; its monotonic clock says so. */
  constructor(world: VirtualClock, { uptimeMs, touched }: { uptimeMs: number; touched: () => void }) {
    this.#world = world
    this.#bootedAt = world.now() - uptimeMs
    this.#touched = touched
  }

  now(): number {
    return this.#world.now() - this.#bootedAt
  }

  date(): number {
    return this.#world.date() + this.#dateOffsetMs
  }

  /** How far its wall clock is off. */
  set dateOffsetMs(ms: number) {
    this.#dateOffsetMs = ms
  }

  get pending(): number {
    return this.#timers.size
  }

  schedule(delayMs: number, fn: () => void): () => void {
    if (this.#isDead) return () => undefined
    const fire = (): void => {
      if (this.#due !== undefined) this.#due.push(fire)
      else if (this.#timers.delete(cancel)) {
        this.#touched()
        fn()
      }
    }
    const cancelTimer = this.#world.schedule(delayMs, fire)
    const cancel = (): void => {
      this.#timers.delete(cancel)
      cancelTimer()
    }
    this.#timers.add(cancel)
    return cancel
  }

  /** No timer fires until `wake`; the clock goes on. */
  sleep(): void {
    this.#due ??= []
  }

  /** Timers that are due fire, the first one first. */
  wake(): void {
    const due = this.#due ?? []
    this.#due = undefined
    for (const fire of due) this.#world.schedule(0, fire)
  }

  /** The program is gone: none of its timers fires any more. */
  kill(): void {
    this.#isDead = true
    for (const cancel of [...this.#timers]) cancel()
  }
}
