/**
 * Keeps what the pool knows between runs: loads the storage at start, writes when something changed, and goes on in memory when the
 * storage fails. What could not be loaded is never overwritten. The format is in `tables/saved-state.ts`.
 *
 * The storage is the user's code, so each call has a guard and a deadline (`#ask`): one that throws, rejects or never settles costs what
 * would have been kept, and nothing else.
 */
import { readState } from '../tables/saved-state.ts'
import { maxAnchors } from '../values/bounds.ts'
import type { Point } from '../values/ids.ts'
import { StorageError, type StorageFailure } from '../values/ports.ts'
import { messageOf } from '../values/reason.ts'
import type { StorageSnapshot } from '../values/snapshot.ts'
import type { FlowContext } from './context.ts'
import { abortable, deadline } from './waits.ts'

/** The pool starts without its memory rather than wait longer for a storage, ms. */
const startDeadlineMs = 2_000

/** A change is written after this delay, together with those that follow it, ms. */
const saveDelayMs = 10_000
/** A ban or trust is written at once; all of one turn are one write, ms. */
const operatorDelayMs = 0
/** For opening and loading by later tries, behind a running pool, ms. */
const retryDeadlineMs = 30_000
/** For a save while the pool runs, ms: a slow disk is no failure. */
const saveDeadlineMs = 30_000
/** A long computation yields after this, ms; half of what a display needs for a frame. */
const sliceMs = 8
/** Tries again after this, doubling up to the second figure, ms. */
const firstRetryMs = 5_000
const maxRetryMs = 300_000
/** For the last save of a pool that stops, ms. In it a storage that had failed is opened once more, for at most `lastChanceMs`. */
const stopDeadlineMs = 3_000
const lastChanceMs = 1_000
/** Then for the storage to close, ms. */
const closeDeadlineMs = 500

/** A write that was given up may still change what is stored. */
type StorageAccess = 'read' | 'write'

export class Persistence {
  readonly #context: FlowContext
  /** Called when `status` changed. */
  readonly #shown: () => void
  #mode: StorageSnapshot['mode'] = 'loading'
  #failure: StorageFailure | null = null
  #lastSavedAt: number | null = null
  #dirty = false
  #isOpen = false
  /** Calls without an answer as yet, those that were given up too. */
  readonly #unanswered: Record<StorageAccess, number> = { read: 0, write: 0 }
  /** Once for all: a storage that is opened again holds nothing newer. */
  #isLoaded = false
  #saving: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #retryMs = firstRetryMs
  /** Ends what opens and loads. */
  #opening = new AbortController()
  /** Ends a save when a pool that stops has waited long enough. */
  #ending = new AbortController()

  constructor(context: FlowContext, { shown }: { shown: () => void }) {
    this.#context = context
    this.#shown = shown
  }

  get status(): StorageSnapshot {
    return {
      name: this.#context.config.storage.name,
      mode: this.#mode,
      failure: this.#failure,
      lastSavedAt: this.#lastSavedAt,
      unsavedChanges: this.#dirty || this.#saving !== undefined
    }
  }

  /** Resolves when the storage is loaded, has failed, or after two seconds: the rest goes on behind the running pool. Never rejects. */
  async start(): Promise<void> {
    this.#opening = new AbortController()
    this.#ending = new AbortController()
    this.#mode = 'loading'
    await this.#open(this.#context.config.storage.openWithinMs ?? startDeadlineMs)
  }

  /** Something that is saved changed. */
  changed(urgency?: 'now'): void {
    this.#dirty = true
    if (!this.#isOpen) return
    if (urgency === 'now') this.#schedule(operatorDelayMs, () => void this.save())
    else if (this.#cancelTimer === undefined) this.#schedule(saveDelayMs, () => void this.save())
  }

  /** Writes what has changed. Resolves when it is stored, or when that failed, which has an event. Never rejects. */
  async save(): Promise<void> {
    // Another caller may have begun the next write meanwhile.
    while (this.#saving !== undefined) await this.#saving
    if (!this.#isOpen || !this.#dirty) return
    this.#saving = this.#write()
    await this.#saving
    this.#saving = undefined
    this.#shown()
    if (this.#dirty) this.changed()
  }

  /** Writes, and closes the storage. Takes 3.5 s at most. Never rejects. */
  async stop(): Promise<void> {
    const { config, clock, log } = this.#context
    const { storage } = config
    this.#opening.abort(new StorageError('unavailable', 'the pool was stopped'))
    const cancel = clock.schedule(stopDeadlineMs, () => this.#ending.abort(tooSlow(storage.name, stopDeadlineMs)))
    await this.save()
    if (this.#dirty && this.#failure !== null && this.#unanswered.read + this.#unanswered.write === 0) {
      this.#opening = new AbortController()
      await this.#open(lastChanceMs)
      await this.save()
    }
    cancel()
    this.#isOpen = false
    this.#unschedule()
    try {
      await this.#within(closeDeadlineMs, [], (signal) => this.#ask('read', signal, () => storage.close()))
    } catch (error) {
      log.error(`the storage ${storage.name} did not close`, error)
    }
  }

  async #open(deadlineMs: number): Promise<void> {
    const { storage } = this.#context.config
    const opening = this.#opening.signal
    try {
      if (this.#unanswered.write > 0) throw new StorageError('unavailable', `${storage.name} has not finished an earlier save`)
      await this.#within(deadlineMs, [opening, this.#ending.signal], async (signal) => {
        await this.#ask('read', signal, () => storage.open(signal, (error) => this.#lost(error)))
        if (!this.#isLoaded) await this.#load(signal)
      })
      opening.throwIfAborted()
      this.#isOpen = true
      // A storage that had failed has recovered once it is written, if there is something to write.
      if (!this.#dirty || this.#failure === null) this.#works()
      if (this.#dirty) this.#schedule(this.#failure === null ? saveDelayMs : 0, () => void this.save())
    } catch (error) {
      this.#fail(error, undefined)
      if (!opening.aborted) this.#retry()
    } finally {
      this.#shown()
    }
  }

  /** Runs an act with a signal that fires after so long, or with one of the others. */
  async #within<T>(ms: number, given: readonly AbortSignal[], act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { config, clock } = this.#context
    const { signal, cancel } = deadline(clock, ms, { given, reason: tooSlow(config.storage.name, ms) })
    try {
      return await act(signal)
    } finally {
      cancel()
    }
  }

  /** One call of the storage. Rejects when the signal fires, whatever the storage does; if it answers later, nobody listens. */
  async #ask<T>(access: StorageAccess, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    this.#unanswered[access]++
    const answer = new Promise<T>((resolve) => resolve(call())).finally(() => this.#unanswered[access]--)
    return abortable(answer, signal)
  }

  /** The storage was taken away, perhaps with what it kept: all is written again as soon as it opens. */
  #lost(error: StorageError): void {
    if (!this.#isOpen) return
    this.#dirty = true
    this.#isOpen = false
    this.#fail(error, undefined)
    this.#retry()
    this.#shown()
  }

  /** A broken text is quarantined and reported; a newer version, or a text above the cap, stays untouched. */
  async #load(signal: AbortSignal): Promise<void> {
    const { config, state, network, clock } = this.#context
    const { storage } = config
    try {
      const text: unknown = await this.#ask('read', signal, () => storage.load(signal))
      if (text !== undefined) {
        if (typeof text !== 'string') throw new StorageError('broken', `${storage.name}: expected a text, got ${typeof text}`)
        const saved = await this.#inSlices(readState(text, { parse: network, now: clock.date() }), signal)
        // Not ended by the signal: half a restore would count twice at the next one.
        await this.#inSlices(state.restore(saved, storage.name))
      }
    } catch (error) {
      if (!(error instanceof StorageError) || error.failure !== 'broken') throw error
      this.#fail(error, messageOf(await this.#ask('write', signal, () => storage.quarantine(signal))))
    }
    this.#isLoaded = true
  }

  /** Opened with nothing to write, or written: an earlier failure is over. A quarantined text stays shown. */
  #works(): void {
    this.#mode = 'persistent'
    this.#retryMs = firstRetryMs
    if (this.#failure === null || this.#failure === 'broken') return
    this.#failure = null
    this.#context.events.emit('storage-recovered', { storage: this.#context.config.storage.name })
  }

  async #write(): Promise<void> {
    const { config, state, clock, events } = this.#context
    const { storage } = config
    const begunAt = clock.now()
    this.#unschedule()
    this.#dirty = false
    try {
      const lines = state.write(this.#anchors())
      await this.#within(saveDeadlineMs, [this.#ending.signal], (signal) => this.#ask('write', signal, () => storage.save(lines, signal)))
      this.#lastSavedAt = clock.date()
      events.emit('storage-saved', { storage: storage.name, tookMs: clock.now() - begunAt })
      this.#works()
      this.#failure = null
    } catch (error) {
      this.#dirty = true
      this.#isOpen = false
      this.#fail(error, undefined)
      this.#retry()
    }
  }

  /** One event for one cause, however often it comes back. */
  #fail(error: unknown, quarantinedAs: string | undefined): void {
    const { config, events, log } = this.#context
    const failure = error instanceof StorageError ? error.failure : 'unavailable'
    if (quarantinedAs === undefined) this.#mode = 'memory'
    if (failure === this.#failure) return
    this.#failure = failure
    log.error(`the storage ${config.storage.name} failed: the pool goes on in memory`, error)
    events.emit('storage-failed', {
      storage: config.storage.name,
      failure,
      message: messageOf(error),
      quarantinedAs
    })
  }

  #retry(): void {
    const delayMs = this.#retryMs
    this.#retryMs = Math.min(delayMs * 2, maxRetryMs)
    this.#schedule(delayMs, () => void this.#open(retryDeadlineMs))
  }

  #schedule(delayMs: number, then: () => void): void {
    this.#unschedule()
    this.#cancelTimer = this.#context.clock.schedule(delayMs, () => {
      this.#cancelTimer = undefined
      then()
    })
  }

  #unschedule(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** Runs a long computation in slices, so that no turn is long. */
  async #inSlices<T>(work: Generator<void, T>, signal?: AbortSignal): Promise<T> {
    const { clock } = this.#context
    for (let begunAt = clock.now(); ; ) {
      const { done, value } = work.next()
      if (done === true) return value
      // A wait costs a millisecond or more, so it must be worth it.
      if (clock.now() - begunAt < sliceMs) continue
      await new Promise<void>((resolve) => clock.schedule(0, resolve))
      signal?.throwIfAborted()
      begunAt = clock.now()
    }
  }

  /** The points of the longest running connections; those of before while none runs. */
  #anchors(): readonly Point[] {
    const running: Point[] = []
    for (const { point } of this.#context.state.connections()) if (point !== undefined && running.push(point) === maxAnchors) break
    return running.length > 0 ? running : this.#context.state.anchors
  }

  /** To be called while the connections of a pool that ends still run. */
  rememberAnchors(): void {
    const anchors = this.#anchors()
    if (anchors === this.#context.state.anchors) return
    this.#context.state.setAnchors(anchors)
    this.#dirty = true
  }
}

function tooSlow(name: string, afterMs: number): StorageError {
  return new StorageError('unavailable', `${name} did not answer within ${afterMs} ms`)
}
