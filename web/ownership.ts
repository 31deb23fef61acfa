/**
 * Which tab of a site owns the shared pool: the one that holds a lock. The others wait in line, and the browser gives it to the next
 * one when its tab closes or crashes. An owner that is frozen or hangs keeps its lock: a tab that looks in vain for its
 * answers takes it by force, and the old owner learns of that before it does anything else. Used by `tab-session.ts`.
 */
import { lockHolder, type TabLock, waitForLock, whileAlone } from './tab-lock.ts'

/** How often a tab that is seen by a person looks, ms. */
export const lookEveryMs = 800
/** An owner that answers none of so many looks, the first of them so long ago, is frozen or hangs, ms. Leaves a second and a half of five for the start of a node. */
const silentLooks = 3
const silenceMs = 2_300

export class Ownership {
  readonly #name: string
  readonly #gained: (lock: TabLock) => void
  readonly #lost: () => void
  #waiting: AbortController | undefined
  #lock: TabLock | undefined
  #looks = 0
  #silentSince = 0
  #suspect: Promise<string | undefined> = Promise.resolve(undefined)

  /** `gained` with a lock that is held; `lost` when another tab took it by force. */
  constructor(name: string, { gained, lost }: { gained: (lock: TabLock) => void; lost: () => void }) {
    this.#name = name
    this.#gained = gained
    this.#lost = lost
  }

  /** Stands in line, unless it does so or owns already. */
  enter(): void {
    if (this.#waiting !== undefined || this.#lock?.isHeld === true) return
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#take(waiting.signal, false).catch((error: unknown) => {
      if (!waiting.signal.aborted) this.#complain(error)
    })
  }

  /** Leaves the line, or lets the next one have the lock. */
  leave(): void {
    this.#waiting?.abort()
    this.#waiting = undefined
    this.#lock?.release()
  }

  /** The owner was asked for an answer. Takes its place if it gave none to the last ones. Never rejects. */
  async looked(): Promise<void> {
    this.#looks++
    if (this.#looks === 1) this.#silentSince = performance.now()
    if (this.#looks === 2) this.#suspect = lockHolder(this.#name)
    if (this.#looks <= silentLooks || performance.now() - this.#silentSince < silenceMs) return
    this.heard()
    try {
      const suspect = await this.#suspect
      if (suspect !== undefined) await this.#steal(suspect)
    } catch (error) {
      this.#complain(error)
    }
  }

  /** The owner gave an answer, or said something. */
  heard(): void {
    this.#looks = 0
  }

  #complain(error: unknown): void {
    console.error(`p2p-pool: the browser gives no lock for ${this.#name}`, error)
  }

  /** One thief at a time, and only from the owner that was silent: its successor may have come meanwhile. */
  #steal(suspect: string): Promise<void> {
    return whileAlone(`${this.#name}:steal`, async () => {
      if (this.#waiting === undefined || (await lockHolder(this.#name)) !== suspect) return
      this.#waiting.abort()
      this.#waiting = new AbortController()
      await this.#take(this.#waiting.signal, true)
    })
  }

  async #take(signal: AbortSignal, steal: boolean): Promise<void> {
    const lock = await waitForLock(this.#name, {
      signal,
      steal,
      lost: () => {
        if (this.#lock === lock) this.#lost()
      }
    })
    if (signal.aborted) {
      lock.release()
      return
    }
    this.#waiting = undefined
    this.#lock = lock
    this.#gained(lock)
  }
}
