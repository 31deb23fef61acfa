/**
 * The one channel of news. `emit` only queues: listeners run in a microtask of their own, after the synchronous
 * transition that had something to tell, so they always see consistent tables and never run inside our stack. A listener
 * that throws, or whose promise rejects, is logged and breaks nothing.
 */
import { callable, mustKnow } from '../values/arguments.ts'
import type { EventOf, ListenerOf, PoolEvents } from '../values/events.ts'
import type { Clock } from '../values/ports.ts'
import { PoolError } from '../values/reason.ts'
import { whileWaiting } from '../verbs.ts'
import type { Guard } from './guards.ts'
import { abortable } from './waits.ts'

/** Of one event; a program with more forgets to remove them. A page of 400 rows has one for each. */
const maxListeners = 10_000

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
    return (this.#listeners.get(type)?.size ?? 0) > 0
  }

  /** Throws `PoolError` `invalid-argument` for an unknown name, or for a listener that is no function; so do the next two. */
  addEventListener<Name extends keyof Events>(type: Name, listener: ListenerOf<Events, Name>): void {
    this.#check(type, listener)
    const set = this.#listeners.get(type) ?? new Set()
    if (set.size >= maxListeners) throw new PoolError('too-many-waiting', `${String(type)}: ${maxListeners} listeners at most`)
    set.add(listener as ListenerOf<Events, keyof Events>)
    this.#listeners.set(type, set)
  }

  removeEventListener<Name extends keyof Events>(type: Name, listener: ListenerOf<Events, Name>): void {
    this.#check(type, listener)
    this.#listeners.get(type)?.delete(listener as ListenerOf<Events, keyof Events>)
  }

  /** `addEventListener` that returns how to undo it. Each call counts by itself, also with a listener that was added already. */
  subscribe<Name extends keyof Events>(type: Name, listener: ListenerOf<Events, Name>): () => void {
    this.#check(type, listener)
    const heard: ListenerOf<Events, Name> = (event) => listener(event)
    this.addEventListener(type, heard)
    return () => this.removeEventListener(type, heard)
  }

  #check(type: keyof Events, listener: unknown): void {
    mustKnow(type, this.#names, at)
    callable(listener, { code: 'invalid-argument', name: `listener of ${String(type)}` })
  }

  /** The next event of that name. Rejects with the signal's reason; after that nothing of the call remains. */
  async next<Name extends keyof Events>(
    type: Name,
    options: { readonly signal?: AbortSignal | undefined } = {}
  ): Promise<EventOf<Events, Name>> {
    const { promise, resolve } = Promise.withResolvers<EventOf<Events, Name>>()
    const forget = this.subscribe(type, resolve)
    try {
      whileWaiting(options, { code: 'invalid-argument', name: 'next' })
      return await (options.signal === undefined ? promise : abortable(promise, options.signal))
    } finally {
      forget()
    }
  }

  /** Takes the queue as it is: what listeners cause is delivered in the next microtask, so that none starves the others. */
  #deliver(): void {
    const events = this.#queue
    this.#queue = []
    for (const event of events) {
      const listeners = this.#listeners.get(event.type)
      for (const listener of [...(listeners ?? [])]) {
        if (listeners?.has(listener)) this.#guard.call(`a listener of ${String(event.type)}`, () => listener(event), undefined)
      }
    }
  }
}
