/**
 * How long readers hold the event loop. All connections of a pool share one allowance per turn, since a host runs the callbacks of many
 * sockets before it looks at timers: a peer that sends faster than we read must not keep anybody else waiting. Called by
 * `connection.ts` after each message. In a turn that brings many messages, `outbox.ts` joins the answers to them.
 */
import type { Clock } from '../values/ports.ts'

/** Reading in one turn, ms. A page that paints 60 times a second has 16. */
const maxTurnMs = 5
/** The clock is looked at from this message of a turn on: most turns bring one or two, and cost nothing then. */
const freeMessages = 8

export class Turns {
  readonly #clock: Clock
  #messages = 0
  /** When the clock was first looked at in this turn. */
  #since: number | undefined
  /** Readers that go on in a later turn, one in each: at most one entry per connection. */
  readonly #waiting: (() => void)[] = []
  /** To be done when the turn is over: at most one entry per connection. */
  readonly #afterwards: (() => void)[] = []
  #isScheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a message that was read. True: wait for `next` before reading another. */
  count(): boolean {
    if (++this.#messages < freeMessages) return false
    const now = this.#clock.now()
    this.#since ??= now
    this.#schedule()
    return now - this.#since >= maxTurnMs
  }

  /** Does it when this turn is over, if the turn brings many messages; false, and nothing done, if it does not. */
  afterwards(work: () => void): boolean {
    if (this.#since === undefined) return false
    this.#afterwards.push(work)
    return true
  }

  /** Resolves in a later turn of the event loop, after those who asked before. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.schedule(0, () => this.#turn())
  }

  #turn(): void {
    this.#isScheduled = false
    this.#messages = 0
    this.#since = undefined
    for (const work of this.#afterwards.splice(0)) work()
    this.#waiting.shift()?.()
    if (this.#waiting.length > 0) this.#schedule()
  }
}
