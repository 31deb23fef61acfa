/**
 * Keeps what the pool knows between runs: opens and loads the storage at start, writes when something changed, and goes on
 * in memory when the storage cannot. What was stored and could not be loaded is never overwritten. The format is
 * `tables/persist.ts`'s, the place `PeerStorage`'s.
 */
import { loadState, storedParts } from '../tables/persist.ts'
import type { Point } from '../values/ids.ts'
import { StorageError, type StorageFailure } from '../values/ports.ts'
import type { StorageSnapshot } from '../values/snapshot.ts'
import { abortable } from './channel.ts'
import type { FlowContext } from './context.ts'

/** The pool starts without its memory rather than wait longer for a storage, ms. */
const startDeadlineMs = 2_000

/** A change is written after this delay, together with those that follow it, ms; the contract allows 30 s. */
const saveDelayMs = 10_000

/** What the operator said, a ban or trust, is written at once; what is said in one turn is one write, ms. */
const operatorDelayMs = 0

/** Opening and loading by later tries, behind a running pool, may take so long, ms. */
const retryDeadlineMs = 30_000

/** A turn of a long computation ends at the first chance after this, ms; half of what a display needs for a frame. */
const sliceMs = 8

/** Tries again after this, doubling up to the second figure, ms. */
const firstRetryMs = 5_000
const maxRetryMs = 300_000

/** A pool that stops with unsaved changes opens a storage that had failed once more, and waits for it so long, ms. */
const lastChanceMs = 1_000

/** Points that are dialed first after a restart. Two honest ones defeat a poisoned table; eight bear some that are gone. */
const maxAnchors = 8

export class Persistence<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  /** Tells that `status` changed. */
  readonly #shown: () => void
  #mode: StorageSnapshot['mode'] = 'loading'
  #failure: StorageFailure | null = null
  #lastSavedAt: number | null = null
  #dirty = false
  #isOpen = false
  /** The storage is asked to open and did not answer yet, perhaps for long. */
  #isOpening = false
  /** What was stored has been taken in, once for all: a storage opened again holds nothing newer. */
  #isLoaded = false
  #saving: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #retryMs = firstRetryMs
  #abort = new AbortController()

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, { shown }: { shown: () => void }) {
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

  /** Resolves when the storage is loaded, or after two seconds, or when it failed: the rest goes on behind the running pool. Never rejects. */
  async start(): Promise<void> {
    this.#abort = new AbortController()
    this.#mode = 'loading'
    await this.#open(startDeadlineMs)
  }

  /** Something that is saved may have changed. */
  changed(by?: 'operator'): void {
    this.#dirty = true
    if (!this.#isOpen) return
    if (by === 'operator') this.#schedule(operatorDelayMs, () => void this.save())
    else if (this.#cancelTimer === undefined) this.#schedule(saveDelayMs, () => void this.save())
  }

  /** Writes what has changed. Resolves when it is stored or has failed, which is told by an event. Never rejects. */
  async save(): Promise<void> {
    // Another caller may have begun the next write by the time that ours comes back.
    while (this.#saving !== undefined) await this.#saving
    if (!this.#isOpen || !this.#dirty) return
    this.#saving = this.#write()
    await this.#saving
    this.#saving = undefined
    this.#shown()
    if (this.#dirty) this.changed()
  }

  /** Writes, and lets others have the storage. Never rejects. */
  async stop(): Promise<void> {
    this.#abort.abort(new StorageError('unavailable', 'the pool was stopped'))
    await this.save()
    if (this.#dirty && this.#failure !== null && !this.#isOpening) {
      this.#abort = new AbortController()
      await this.#open(lastChanceMs)
    }
    this.#isOpen = false
    this.#unschedule()
    await this.#context.config.storage.close()
  }

  async #open(deadlineMs: number): Promise<void> {
    const { config, clock } = this.#context
    const { storage } = config
    const tooSlow = new AbortController()
    const signal = AbortSignal.any([tooSlow.signal, this.#abort.signal])
    const cancel = clock.schedule(deadlineMs, () =>
      tooSlow.abort(new StorageError('unavailable', `${storage.name} did not answer within ${deadlineMs} ms`))
    )
    try {
      await abortable(this.#answered(storage.open(signal, (error) => this.#lost(error))), signal)
      if (!this.#isLoaded) await this.#load(signal)
      this.#isLoaded = true
      this.#isOpen = true
      if (this.#dirty && this.#failure !== null) await this.save()
      else this.#works()
      if (this.#dirty) this.changed()
    } catch (error) {
      this.#fail(error, undefined)
      if (!signal.aborted || tooSlow.signal.aborted) this.#retry()
    } finally {
      cancel()
      this.#shown()
    }
  }

  async #answered(opening: Promise<void>): Promise<void> {
    this.#isOpening = true
    try {
      await opening
    } finally {
      this.#isOpening = false
    }
  }

  /** The storage was taken away from under us, perhaps with what it kept: all of it is written again as soon as it opens. */
  #lost(error: StorageError): void {
    if (!this.#isOpen) return
    this.#dirty = true
    this.#isOpen = false
    this.#fail(error, undefined)
    this.#retry()
    this.#shown()
  }

  /** Takes in what is stored. What is broken is moved out of the way and reported; a newer version, or a text above the cap, stays untouched. */
  async #load(signal: AbortSignal): Promise<void> {
    const { config, state, events, network, clock } = this.#context
    try {
      const text = await abortable(config.storage.load(signal), signal)
      if (text === undefined) return
      const { anchors, ...counts } = await this.#inSlices(loadState(text, { parts: state.parts, parse: network, date: clock.date() }))
      state.anchors = anchors
      events.emit('storage-loaded', { storage: config.storage.name, ...counts })
    } catch (error) {
      if (!(error instanceof StorageError) || error.failure !== 'broken') throw error
      this.#fail(error, await config.storage.setAside())
    }
  }

  /** Opened with nothing to write, or written: what had failed before is over. What was kept aside stays told. */
  #works(): void {
    this.#mode = 'persistent'
    this.#retryMs = firstRetryMs
    if (this.#failure === null || this.#failure === 'broken') return
    this.#failure = null
    this.#context.events.emit('storage-recovered', { storage: this.#context.config.storage.name })
  }

  async #write(): Promise<void> {
    const { storage } = this.#context.config
    this.#unschedule()
    this.#dirty = false
    try {
      await storage.save(storedParts(this.#context.state.parts, { anchors: this.#anchors(), date: this.#context.clock.date() }))
      this.#lastSavedAt = this.#context.clock.date()
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
  #fail(error: unknown, keptAside: string | undefined): void {
    const { config, events, log } = this.#context
    if (!(error instanceof StorageError)) log.error(`the storage ${config.storage.name} failed in an unexpected way`, error)
    const failure = error instanceof StorageError ? error.failure : 'unavailable'
    this.#mode = keptAside === undefined ? 'memory' : this.#mode
    if (failure === this.#failure) return
    this.#failure = failure
    events.emit('storage-failed', {
      storage: config.storage.name,
      failure,
      message: error instanceof Error ? error.message : String(error),
      keptAside
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
  async #inSlices<T>(work: Generator<void, T>): Promise<T> {
    const { clock } = this.#context
    for (let begunAt = clock.now(); ; ) {
      const { done, value } = work.next()
      if (done === true) return value
      // A wait costs a millisecond or more, so it must be worth it.
      if (clock.now() - begunAt < sliceMs) continue
      await new Promise<void>((resolve) => clock.schedule(0, resolve))
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
    this.#context.state.anchors = this.#anchors()
    this.#dirty = true
  }
}
