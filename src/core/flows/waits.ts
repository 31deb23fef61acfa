/** Waits that end: by a signal or by a deadline. Used wherever something that others wrote is waited for. */
import type { Clock } from '../values/ports.ts'

/** The promise, or the signal's reason if that comes first; the promise then goes on unheard. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

/** The promise, or a rejection with `late` after `ms`; the promise then goes on unheard. */
export function within<T>(promise: Promise<T>, { clock, ms, late }: { clock: Clock; ms: number; late: Error }): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => reject(late))
    promise.then(resolve, reject).finally(cancel)
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
