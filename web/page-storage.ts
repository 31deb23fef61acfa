/**
 * The storage of a page: `indexed-db.ts`, loaded when the pool opens its storage, so that a page is connected sooner. The identity has its
 * own way into the database, since the node cannot be made without it.
 */
import { anything, name as nameOption, type Shape, whole } from '../src/core/values/arguments.ts'
import { checkOptions, maxDurationMs } from '../src/core/values/config.ts'
import { type PeerStorage, StorageError } from '../src/core/values/ports.ts'
import type { IndexedDbOptions } from './indexed-db.ts'

export type { IndexedDbOptions }

const databaseOptions: Shape<IndexedDbOptions> = {
  maxBytes: whole(1, Number.MAX_SAFE_INTEGER),
  // A getter, not a method: no check knows it.
  lock: anything,
  firstOpenMs: whole(0, maxDurationMs)
}

/**
 * Keeps peers in the browser, for one tab at a time. Rejects with `StorageError` only. Throws `PoolError` `invalid-config` for a name or an
 * option that cannot be. Every call but `open` waits for an `open` before it.
 */
export function indexedDbStorage(name: string, given: IndexedDbOptions = {}): PeerStorage {
  nameOption(name, { code: 'invalid-config', name: 'name' })
  const options = checkOptions(given, databaseOptions)
  let inner: Promise<PeerStorage> | undefined
  const load = (): Promise<PeerStorage> => {
    inner ??= import('./indexed-db.ts').then(
      ({ IndexedDbStorage }) => new IndexedDbStorage(name, options),
      (error: unknown) => {
        inner = undefined
        throw new StorageError('unavailable', `the code of the database ${name} could not be loaded`, error)
      }
    )
    return inner
  }
  return {
    name,
    open: async (signal, lost) => (await load()).open(signal, lost),
    load: async (signal) => (await load()).load(signal),
    save: async (parts, signal) => (await load()).save(parts, signal),
    quarantine: async (signal) => (await load()).quarantine(signal),
    close: async () => (await inner)?.close()
  }
}
