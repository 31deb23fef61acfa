/**
 * How long readers hold the event loop. All connections of a pool share one allowance per turn, since a host runs the callbacks of many
 * sockets before it looks at timers: a peer that sends faster than we read must not keep anybody else waiting. Called by
 * `connection.ts` after each message. In a turn that brings many messages, `outbox.ts` joins the answers to them.
 */
import type { Clock } from '../values/ports.ts'

/** Reading without a turn for others, ms. A page that paints 60 times a second has 16. */
const maxTurnMs = 5
/** The clock is looked at from this message on: most turns bring one or two, and cost nothing then. */
const freeMessages = 8

export class Turns {
  readonly #clock: Clock
  /** Others had a turn at this instant, if not later: that is known only where something waited for it, and waiting costs. */
  #since: number
  /** Messages since then. */
  #messages = 0
  /** Readers that go on in a later turn, one in each: at most one entry per connection. */
  readonly #waiting: (() => void)[] = []
  /** To be done when the turn is over: at most one entry per connection. */
  readonly #afterwards: (() => void)[] = []
  #isScheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.now()
  }

  /** Counts a message that was read. True: wait for `next` before reading another. */
  count(): boolean {
    return ++this.#messages >= freeMessages && this.#clock.now() - this.#since >= maxTurnMs
  }

  /** Does it when this turn is over, if many messages came in it; false, and nothing done, if not. */
  afterwards(work: () => void): boolean {
    if (this.#messages < freeMessages) return false
    this.#afterwards.push(work)
    this.#schedule()
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
    this.#since = this.#clock.now()
    for (const work of this.#afterwards.splice(0)) work()
    this.#waiting.shift()?.()
    if (this.#waiting.length > 0) this.#schedule()
  }
}
