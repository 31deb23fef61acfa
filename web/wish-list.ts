/**
 * The wishes of this tab that were not answered yet: bounded, each with a deadline. They outlive the owner they were told to:
 * its successor is told again, except what must not happen twice. Kept by `shared-pool.ts`, which does the talking.
 */
import { PoolError } from '../src/core/values/reason.ts'
import { onceOnly, type WishName } from './wishes.ts'

/** A person or a program that waits for so many answers gets no more in. */
const maxWaiting = 256
/** The longest wait for an answer, ms: three times the longest dial that is usual. */
const deadlineMs = 30_000

export interface Waiting {
  readonly id: number
  readonly name: WishName
  readonly args: readonly unknown[]
  /** The term of the owner that was told; none: nobody yet. */
  term: string | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class WishList {
  readonly #waiting = new Map<number, Waiting>()
  #made = 0

  /** Settles with the answer. `told` is called at once and for each new owner; `cancelled` when nobody waits any more. */
  make(
    { name, args, signal }: { name: WishName; args: readonly unknown[]; signal: AbortSignal | undefined },
    { told, cancelled }: { told: (wish: Waiting) => void; cancelled: (wish: Waiting) => void }
  ): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#waiting.size >= maxWaiting) {
      return Promise.reject(new PoolError('too-many-waiting', `${name}: ${maxWaiting} wishes wait for the tab that owns the pool already`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const wish: Waiting = { id: ++this.#made, name, args, term: undefined, resolve, reject }
    const giveUp = (error: unknown): void => {
      reject(error)
      cancelled(wish)
    }
    const aborted = (): void => giveUp(signal?.reason)
    const timer = setTimeout(() => giveUp(new PoolError('no-owner', tooLate(wish))), deadlineMs)
    signal?.addEventListener('abort', aborted)
    this.#waiting.set(wish.id, wish)
    told(wish)
    return promise.finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      this.#waiting.delete(wish.id)
    })
  }

  get(id: number): Waiting | undefined {
    return this.#waiting.get(id)
  }

  /** A new owner is there: those to be told to it. What the last one may have done, and must not happen twice, is given up. */
  *untold(term: string): IterableIterator<Waiting> {
    for (const wish of [...this.#waiting.values()]) {
      if (wish.term === term) continue
      if (wish.term === undefined || !onceOnly.has(wish.name)) yield wish
      else
        wish.reject(new PoolError('no-owner', `${wish.name}: the tab that owned the pool went before it answered; it may be done or not`))
    }
  }

  rejectAll(error: PoolError): void {
    for (const wish of [...this.#waiting.values()]) wish.reject(error)
  }
}

function tooLate({ name, term }: Waiting): string {
  const told = term === undefined ? 'no tab owned the pool' : 'the tab that owns the pool did not answer; it may still be done'
  return `${name}: for ${deadlineMs / 1_000} s ${told}`
}
