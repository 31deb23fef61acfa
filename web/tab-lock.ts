/**
 * One holder per origin and name, over tabs: a Web Lock, which the browser releases when its tab dies. Used by
 * `indexed-db.ts`, `tab-peer.ts` and `ownership.ts`. Where the browser has none (pages without https) there is no lock and
 * every tab gets in.
 */
import { StorageError } from '../src/core/values/ports.ts'

/** A reload asks before the browser has released the lock of the page that is left; another tab keeps it longer than that. */
const patienceMs = 1_000

/** A lock that one tab of a site holds. */
export interface TabLock {
  /** False after `release`, and if another page took the lock by force. */
  readonly isHeld: boolean
  /** Lets another tab have it. Idempotent. */
  release(): void
}

export interface LockRequests {
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Take it from its holder, at once. */
  readonly steal?: boolean
  /** Another page took it by force; not called after `release`. */
  readonly lost?: () => void
}

/** Whether the browser keeps tabs apart at all. */
export function hasLocks(): boolean {
  return typeof navigator !== 'undefined' && navigator.locks !== undefined
}

function lockName(name: string): string {
  return `p2p-pool:${name}`
}

/** Waits in line until the signal fires; then, and if the browser gives no lock, rejects with what it said. */
export function waitForLock(name: string, { signal, steal = false, lost }: LockRequests): Promise<TabLock> {
  let isHeld = true
  let isGranted = false
  const lockOf = (done: () => void): TabLock => ({
    get isHeld() {
      return isHeld
    },
    release() {
      isHeld = false
      done()
    }
  })
  if (!hasLocks()) return Promise.resolve(lockOf(() => undefined))
  return new Promise((resolve, reject) => {
    const hold = () =>
      new Promise<void>((done) => {
        isGranted = true
        resolve(lockOf(done))
      })
    // The browser takes either a signal or the request to steal, which never waits.
    navigator.locks.request(lockName(name), steal ? { steal } : { signal }, hold).catch((error: unknown) => {
      // After the lock was granted this is a lock taken by force; the promise is settled and ignores the rejection.
      reject(error)
      const taken = isGranted && isHeld
      isHeld = false
      if (taken) lost?.()
    })
  })
}

/** Rejects with `StorageError` `locked` if another tab has the lock for a second, or until the signal fires. */
export async function lockTab(name: string, signal: AbortSignal): Promise<TabLock> {
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  try {
    return await waitForLock(name, { signal: waiting })
  } catch (error) {
    if (waiting.aborted) throw new StorageError('locked', `the peers of ${name} are in use by another tab of this site`, error)
    throw new StorageError('unavailable', `the browser gives no lock for ${name}: ${String(error)}`, error)
  }
}

/** The page that holds the lock now, by the browser's own name for it. */
export async function lockHolder(name: string): Promise<string | undefined> {
  if (!hasLocks()) return undefined
  const { held = [] } = await navigator.locks.query()
  return held.find((lock) => lock.name === lockName(name))?.clientId
}

/** Runs `act` while no other tab does the same; does nothing if one is at it. */
export async function whileAlone(name: string, act: () => Promise<void>): Promise<void> {
  await navigator.locks.request(lockName(name), { ifAvailable: true }, async (lock) => {
    if (lock !== null) await act()
  })
}
