/**
 * The one channel of news. `emit` only queues: listeners run in a microtask of their own, after the synchronous
 * transition that had something to tell, so they always see consistent tables and never run inside our stack. A listener
 * that throws, or whose promise rejects, is logged and breaks nothing.
 */
import { callable, mustKnow } from '../values/arguments.ts'
import type { EventOf, ListenerOf, PoolEvents } from '../values/events.ts'
import type { Clock } from '../values/ports.ts'
import { whileWaiting } from '../verbs.ts'
import type { Guard } from './guards.ts'

const at = { code: 'invalid-argument', what: 'event' } as const

export class EventHub<Events extends object = PoolEvents> {
  readonly #listeners = new Map<keyof Events, Set<ListenerOf<Events, keyof Events>>>()
  readonly #clock: Pick<Clock, 'date'>
  readonly #guard: Guard
  /** Of all events that there are. */
  readonly #names: Readonly<Record<keyof Events, true>>
  #queue: EventOf<Events, keyof Events>[] = []

  constructor(names: Readonly<Record<keyof Events, true>>, { clock, guard }: { clock: Pick<Clock, 'date'>; guard: Guard }) {
    this.#names = names
    this.#clock = clock
    this.#guard = guard
  }

  /** Nothing is made or queued for an event that nobody listens to. */
  emit<Name extends keyof Events>(type: Name, detail: Events[Name]): void {
    if (!this.hasListeners(type)) return
    this.#queue.push({ type, detail, at: this.#clock.date() })
    if (this.#queue.length === 1) queueMicrotask(() => this.#deliver())
  }

  hasListeners(type: keyof Events): boolean {
    return this.#listeners.has(type)
  }

  /** Throws `PoolError` `invalid-argument` for an unknown name, or for a listener that is no function; so do the next two. */
  addEventListener<Name extends keyof Events>(type: Name, listener: ListenerOf<Events, Name>): void {
    this.#check(type, listener)
    const set = this.#listeners.get(type) ?? new Set()
    set.add(listener as ListenerOf<Events, keyof Events>)
    this.#listeners.set(type, set)
  }

  removeEventListener<Name extends keyof Events>(type: Name, listener: ListenerOf<Events, Name>): void {
    this.#check(type, listener)
    const set = this.#listeners.get(type)
    if (set?.delete(listener as ListenerOf<Events, keyof Events>) === true && set.size === 0) this.#listeners.delete(type)
  }

  #check(type: keyof Events, listener: unknown): void {
    mustKnow(type, this.#names, at)
    callable(listener, { code: 'invalid-argument', name: `listener of ${String(type)}` })
  }

  /** The next event of that name. Rejects with the signal's reason; after that nothing of the call remains. */
  next<Name extends keyof Events>(type: Name, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<EventOf<Events, Name>> {
    return new Promise((resolve, reject) => {
      mustKnow(type, this.#names, at)
      whileWaiting(options, { code: 'invalid-argument', name: 'next' })
      const { signal } = options
      if (signal?.aborted === true) {
        reject(signal.reason)
        return
      }
      const heard: ListenerOf<Events, Name> = (event) => {
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
        this.#guard.call(`a listener of ${String(event.type)}`, () => listener(event), undefined)
      }
    }
  }
}
