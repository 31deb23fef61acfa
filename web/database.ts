/**
 * One IndexedDB database with one key-value store, opened so that every wait ends. `indexed-db.ts` and `identity.ts` run
 * idb-keyval's functions on it; that package's own `createStore` is not used, since it waits without end for a browser
 * that does not answer, never closes, and asks for no durability.
 */
import { promisifyRequest, type UseStore } from 'idb-keyval'
import { abortable } from '../src/core/flows/waits.ts'
import { StorageError } from '../src/core/values/ports.ts'

/** Browsers answer within milliseconds, or (a blocked or damaged profile) not at all. */
export const openDeadlineMs = 2_000
const storeName = 'keyval'

export interface Database {
  /** Runs one transaction, for the functions of idb-keyval. A write is done when it is on the disk, not only handed over. */
  readonly use: UseStore
  /** False after `close`, and when the browser took the database away or another page deletes it: open a new one. */
  readonly isOpen: boolean
  close(): void
}

export function databaseName(name: string): string {
  return `p2p-pool:${name}`
}

/**
 * Rejects with `StorageError` when the browser has no IndexedDB, refuses it, or has not answered when the signal fires;
 * a database that comes later is closed at once. May be tried again. `lost` is called when the browser takes the database
 * away, or another page deletes it.
 */
export async function openDatabase(name: string, signal: AbortSignal, lost: () => void = () => undefined): Promise<Database> {
  const doing = `cannot open the database ${databaseName(name)}`
  let opening: Promise<IDBDatabase> | undefined
  try {
    // Absent in some workers and old private modes; the mere look at it throws where the page may store nothing.
    const factory: IDBFactory | undefined = globalThis.indexedDB
    if (!factory) throw new StorageError('unavailable', `${doing}: this browser has no IndexedDB`)
    const request = factory.open(databaseName(name))
    request.onupgradeneeded = () => request.result.createObjectStore(storeName)
    opening = promisifyRequest(request)
    return databaseOf(await abortable(opening, signal), lost)
  } catch (error) {
    opening?.then(
      (late) => late.close(),
      () => undefined // already reported by the line below
    )
    throw storageErrorOf(error, doing)
  }
}

function databaseOf(db: IDBDatabase, lost: () => void): Database {
  let isOpen = true
  const close = () => {
    isOpen = false
    db.close()
  }
  const leave = () => {
    if (!isOpen) return
    close()
    lost()
  }
  // A page that deletes the database would otherwise wait until this one is left.
  db.onversionchange = leave
  db.onclose = leave
  return {
    get isOpen() {
      return isOpen
    },
    close,
    async use(mode, callback) {
      const transaction = db.transaction(storeName, mode, { durability: 'strict' })
      // Firefox reports a refused write before its transaction has the reason, and may complete the rest of a committed transaction.
      let refusal: unknown
      transaction.addEventListener('error', ({ target }) => {
        refusal = (target as IDBRequest).error
      })
      try {
        return await callback(transaction.objectStore(storeName))
      } catch (error) {
        throw error ?? refusal
      }
    }
  }
}

/** What the browser said as a `StorageError`; one that is already such stays. `doing` names the act and the database. */
export function storageErrorOf(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error
  // A transaction that was aborted without a reason rejects with null.
  const { name, message } = error instanceof Error ? error : new Error(String(error ?? 'aborted'))
  if (name === 'QuotaExceededError') return new StorageError('full', `${doing}: the browser gives no more space`, error)
  if (name === 'SecurityError' || name === 'NotAllowedError') return new StorageError('no-permission', `${doing}: ${message}`, error)
  return new StorageError('unavailable', `${doing}: ${name === 'TimeoutError' ? 'no answer in time' : `${name}: ${message}`}`, error)
}
