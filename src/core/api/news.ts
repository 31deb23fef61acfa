/** What a pool reports while it runs: its events, for listeners and for those who wait for one. `PeerPool` is made upon it. */
import type { EventHub } from '../flows/event-hub.ts'
import type { PoolEvent, PoolEventName, PoolListener } from '../values/events.ts'

export class News {
  readonly #events: EventHub

  constructor(events: EventHub) {
    this.#events = events
  }

  /** Throws `PoolError` `invalid-argument` for an unknown name, or for a listener that is no function. */
  addEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    this.#events.addEventListener(type, listener)
  }

  /** Throws as `addEventListener` does; a listener that was not added is no error. */
  removeEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    this.#events.removeEventListener(type, listener)
  }

  /** The next event of that name. Rejects with the signal's reason, or with `PoolError` `invalid-argument` for an unknown name. */
  next<Name extends PoolEventName>(type: Name, options: { signal?: AbortSignal | undefined } = {}): Promise<PoolEvent<Name>> {
    return this.#events.next(type, options)
  }
}
