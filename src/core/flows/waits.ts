/** Waits that end: by a signal or by a deadline. Used wherever something that others wrote is waited for. */
import type { Clock } from '../values/ports.ts'
import { PoolError } from '../values/reason.ts'

/** Does it when the signal fires, or now if it has fired, unless the returned function is called before. */
export function onAbort(signal: AbortSignal | undefined, aborted: () => void): () => void {
  if (signal?.aborted === true) aborted()
  else signal?.addEventListener('abort', aborted, { once: true })
  return () => signal?.removeEventListener('abort', aborted)
}

/** The promise, or the signal's reason if that comes first; the promise then goes on unheard. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal?.reason))
    promise.then(resolve, reject).finally(forget)
  })
}

/** The promise, or a rejection with `late` after `ms`; the promise then goes on unheard. */
export function within<T>(promise: Promise<T>, { clock, ms, late }: { clock: Clock; ms: number; late: Error }): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => reject(late))
    promise.then(resolve, reject).finally(cancel)
  })
}

/** A module. Rejects with `PoolError` `not-started` if it cannot be loaded. */
export function loaded<T>(loading: Promise<T>): Promise<T> {
  return loading.catch((cause: unknown) => {
    throw new PoolError('not-started', 'a part of the pool could not be loaded', { cause })
  })
}

/**
 * Gives the value back. Where a value is expected an async function gives a promise all the same; nobody waits for it, and its
 * rejection would end the process.
 */
export function unheard<T>(value: T, rejected: (error: unknown) => void = () => undefined): T {
  if (typeof value === 'object' && value !== null && 'then' in value) Promise.resolve(value).catch(rejected)
  return value
}

/**
 * A signal that fires when the time is over, or with one of the `given` signals, which are those of the longer work that this is a part of. An `AbortSignal.any` with a time-out was not seen to fire in Chromium.
 */
export function deadline(clock: Clock, ms: number, { given = [], reason }: { given?: readonly AbortSignal[]; reason?: Error } = {}) {
  const part = new AbortController()
  let isLate = false
  const cancelTimer = clock.schedule(ms, () => {
    isLate = true
    part.abort(reason)
  })
  const forget = given.map((whole) => onAbort(whole, () => part.abort(whole.reason)))
  const cancel = (): void => {
    for (const end of [cancelTimer, ...forget]) end()
  }
  return { signal: part.signal, isOver: (): boolean => isLate, cancel }
}
