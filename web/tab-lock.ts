/**
 * One holder per origin and name, over tabs: a Web Lock, which the browser releases when its tab dies. Used by
 * `indexed-db.ts`. Where the browser has none (pages without https) there is no lock and every tab gets in.
 */
import { StorageError } from '../src/core/values/ports.ts'

/** A reload asks before the browser has released the lock of the page that is left; another tab keeps it longer than that. */
const patienceMs = 1_000

export interface TabLock {
  /** False after `release`, and if another page took the lock by force. */
  readonly isHeld: boolean
  release(): void
}

/** Rejects with `StorageError` `locked` if another tab has the lock for a second, or until the signal fires. */
export function lockTab(name: string, signal: AbortSignal): Promise<TabLock> {
  let isHeld = true
  if (typeof navigator === 'undefined' || navigator.locks === undefined) {
    return Promise.resolve({
      get isHeld() {
        return isHeld
      },
      release() {
        isHeld = false
      }
    })
  }
  return new Promise((resolve, reject) => {
    const hold = () =>
      new Promise<void>((done) => {
        resolve({
          get isHeld() {
            return isHeld
          },
          release() {
            isHeld = false
            done()
          }
        })
      })
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    navigator.locks.request(`p2p-pool:${name}`, { signal: waiting }, hold).catch((error: unknown) => {
      // After the lock was granted this is a lock taken by force; the promise is settled and ignores the rejection.
      isHeld = false
      if (waiting.aborted) reject(new StorageError('locked', `the peers of ${name} are in use by another tab of this site`, error))
      else reject(new StorageError('unavailable', `the browser gives no lock for ${name}: ${String(error)}`, error))
    })
  })
}
