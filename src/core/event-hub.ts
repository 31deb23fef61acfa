/**
 * The one channel of news. `emit` only queues: listeners run in a microtask of their own, after the synchronous
 * transition that had something to tell, so they always see consistent tables and never run inside our stack. A listener
 * that throws is reported and breaks nothing.
 */
import type { PoolEvent, PoolEventName, PoolEvents, PoolListener } from './values/events.ts'
import type { Clock, Log } from './values/ports.ts'

type AnyListener = (event: PoolEvent) => void

export class EventHub {
  readonly #listeners = new Map<PoolEventName, Set<AnyListener>>()
  readonly #clock: Clock
  readonly #log: Log
  #queue: PoolEvent[] = []

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Nothing is made or queued for an event that nobody listens to. */
  emit<Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]): void {
    if (!this.hasListeners(type)) return
    this.#queue.push({ type, detail, at: this.#clock.date() })
    if (this.#queue.length === 1) queueMicrotask(() => this.#deliver())
  }

  hasListeners(type: PoolEventName): boolean {
    return this.#listeners.has(type)
  }

  addEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    const set = this.#listeners.get(type) ?? new Set()
    set.add(listener as AnyListener)
    this.#listeners.set(type, set)
  }

  removeEventListener<Name extends PoolEventName>(type: Name, listener: PoolListener<Name>): void {
    const set = this.#listeners.get(type)
    if (set?.delete(listener as AnyListener) === true && set.size === 0) this.#listeners.delete(type)
  }

  /** The next event of that name. Rejects with the signal's reason; after that nothing of the call remains. */
  next<Name extends PoolEventName>(type: Name, signal?: AbortSignal): Promise<PoolEvent<Name>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason)
        return
      }
      const heard: PoolListener<Name> = (event) => {
        forget()
        resolve(event)
      }
      const aborted = (): void => {
        forget()
        reject(signal?.reason)
      }
      const forget = (): void => {
        this.removeEventListener(type, heard)
        signal?.removeEventListener('abort', aborted)
      }
      this.addEventListener(type, heard)
      signal?.addEventListener('abort', aborted)
    })
  }

  /** Takes the queue as it is: what listeners cause is delivered in the next microtask, so that none starves the others. */
  #deliver(): void {
    const events = this.#queue
    this.#queue = []
    for (const event of events) {
      for (const listener of [...(this.#listeners.get(event.type) ?? [])]) {
        try {
          listener(event)
        } catch (error) {
          this.#log.error(`a listener of ${event.type} threw`, error)
        }
      }
    }
  }
}
