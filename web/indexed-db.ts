/**
 * The peers of a page: a `PeerStorage` over IndexedDB, through idb-keyval. It owns the database of its name and, while
 * open, the tab lock of that name; what the text means, and whether it is broken, is the pool's matter.
 *
 * Keys: `peers` (the text), `peers-bytes` (its size, written in the same transaction), `broken-1` … (at most three).
 */
import { get, promisifyRequest } from 'idb-keyval'
import { abortable } from '../src/core/flows/waits.ts'
import { anything, name as nameOption, type Shape, whole } from '../src/core/values/arguments.ts'
import { checkOptions, maxDurationMs } from '../src/core/values/config.ts'
import { defaultStorageBytes, maxQuarantined, type PeerStorage, StorageError } from '../src/core/values/ports.ts'
import { systemClock } from '../src/libp2p/system.ts'
import { type Database, databaseName, openDatabase, openDeadlineMs, storageErrorOf } from './database.ts'
import { lockTab, type TabLock } from './tab-lock.ts'

/** Options of `indexedDbStorage`. */
export interface IndexedDbOptions {
  /** Bytes (UTF-8) that the text may have, to be read as to be written. Default 8 MiB; a larger one costs that much memory at start. */
  readonly maxBytes?: number
  /** A lock that keeps the other tabs out already, and must be held all the time. @default one of the storage's own, while it is open */
  readonly lock?: Pick<TabLock, 'isHeld'> | undefined
  /** The first `open` waits for the browser so long, ms: less where another part has waited in vain already. @default 2000 */
  readonly firstOpenMs?: number
}

const databaseOptions: Shape<IndexedDbOptions> = {
  maxBytes: whole(1, Number.MAX_SAFE_INTEGER),
  // A getter, not a method: no check knows it.
  lock: anything,
  firstOpenMs: whole(0, maxDurationMs)
}

/** A transaction that is not done by then is given up: some browsers leave a database wedged until it is opened anew. */
const transactionDeadlineMs = 10_000
/** Parts are made for so long before the page gets its turn: half a frame. */
const turnMs = 8

const textKey = 'peers'
const bytesKey = 'peers-bytes'

/**
 * Keeps peers in the browser, for one tab at a time. Rejects with `StorageError` only. Throws `PoolError` `invalid-config` for a name or an
 * option that cannot be. Every call but `open` waits for an `open` before it.
 */
export function indexedDbStorage(name: string, options: IndexedDbOptions = {}): PeerStorage {
  nameOption(name, { code: 'invalid-config', name: 'name' })
  return new IndexedDbStorage(name, checkOptions(options, databaseOptions))
}

class IndexedDbStorage implements PeerStorage {
  readonly name: string
  readonly #title: string
  readonly #maxBytes: number
  readonly #given: IndexedDbOptions['lock']
  #openMs: number
  #lock: TabLock | undefined
  #database: Database | undefined

  constructor(name: string, { maxBytes = defaultStorageBytes, lock, firstOpenMs = openDeadlineMs }: IndexedDbOptions) {
    this.name = name
    this.#title = databaseName(name)
    this.#maxBytes = maxBytes
    this.#given = lock
    this.#openMs = firstOpenMs
  }

  /** After a failure, or when the browser took the database away, it is opened anew. Takes at most 3 s. */
  async open(signal: AbortSignal, lost: (error: StorageError) => void = () => undefined): Promise<void> {
    if (signal.aborted) throw storageErrorOf(signal.reason, `cannot open the database ${this.#title}`)
    if (this.#given === undefined && this.#lock?.isHeld !== true) {
      await this.close()
      this.#lock = await lockTab(this.name, signal)
    }
    this.#mustHold()
    if (this.#database?.isOpen === true) return
    try {
      const ends = within(signal, this.#openMs)
      this.#openMs = openDeadlineMs
      this.#database = await openDatabase(this.name, ends, () =>
        lost(new StorageError('unavailable', `the browser took the database ${this.#title} away, or another page deletes it`))
      )
    } catch (error) {
      await this.close()
      throw error
    }
  }

  load(signal: AbortSignal): Promise<string | undefined> {
    const ends = within(signal)
    return this.#run('read', async ({ use }) => {
      const bytes: unknown = await abortable(get(bytesKey, use), ends)
      if (typeof bytes === 'number' && bytes > this.#maxBytes) {
        throw new StorageError('too-large', `${this.#title} holds ${bytes} bytes, at most ${this.#maxBytes} are read`)
      }
      const text: unknown = await abortable(get(textKey, use), ends)
      if (text === undefined || typeof text === 'string') return text
      throw new StorageError('broken', `${this.#title} holds a value of type ${typeof text}, not a text`)
    })
  }

  /**
   * May be repeated after any failure, which leaves the old text, once `open` was called again. A text that takes longer to
   * make than half a frame is made over several turns.
   */
  save(lines: Iterable<string>, signal?: AbortSignal): Promise<void> {
    return this.#run('save', async ({ use }) => {
      const { text, bytes } = await this.#join(lines)
      signal?.throwIfAborted()
      await abortable(
        use('readwrite', (store) => {
          store.put(text, textKey)
          // In Firefox it may be kept although the text was refused. That is harmless: it is within the cap, as the old text is.
          store.put(bytes, bytesKey)
          // Handed over whole at once: a page that is left in the next moment must not take the transaction with it.
          store.transaction.commit()
          return promisifyRequest(store.transaction)
        }),
        within(signal)
      )
    })
  }

  quarantine(signal?: AbortSignal): Promise<string> {
    return this.#run('quarantine', ({ use }) => {
      signal?.throwIfAborted()
      const moving = use('readwrite', async (store) => {
        const [text, keys] = await Promise.all([promisifyRequest(store.get(textKey)), promisifyRequest(store.getAllKeys())])
        if (text === undefined) throw new StorageError('unavailable', `${this.#title} holds no text to quarantine`)
        const older = keys
          .flatMap((key) => /^broken-(\d{1,15})$/.exec(String(key))?.[1] ?? [])
          .map(Number)
          .sort((a, b) => a - b)
        const key = `broken-${(older.at(-1) ?? 0) + 1}`
        store.put(text, key)
        store.delete(textKey)
        store.delete(bytesKey)
        for (const n of older.slice(0, 1 - maxQuarantined)) store.delete(`broken-${n}`)
        await promisifyRequest(store.transaction)
        return `${this.#title}, key ${key}`
      })
      return abortable(moving, within(signal))
    })
  }

  async close(): Promise<void> {
    this.#database?.close()
    this.#database = undefined
    this.#lock?.release()
    this.#lock = undefined
  }

  /** One act on the open database. Any failure closes it, so that the next `open` gets a fresh one. */
  async #run<T>(verb: string, act: (database: Database) => Promise<T>): Promise<T> {
    const database = this.#database
    if (database === undefined) throw new StorageError('unavailable', `the database ${this.#title} is not open`)
    this.#mustHold()
    try {
      if (!database.isOpen) throw new StorageError('unavailable', `the browser closed the database ${this.#title}`)
      return await act(database)
    } catch (error) {
      database.close()
      throw storageErrorOf(error, `cannot ${verb} the peers in the database ${this.#title}`)
    }
  }

  #mustHold(): void {
    if ((this.#given ?? this.#lock)?.isHeld !== true) throw new StorageError('locked', `another tab took the peers of ${this.name} over`)
  }

  /** Not by a timer, which hidden pages get once a second or less: a text of ordinary size is made in this very turn. */
  async #join(parts: Iterable<string>): Promise<{ text: string; bytes: number }> {
    const encoder = new TextEncoder()
    let text = ''
    let bytes = 0
    let since = performance.now()
    for (const part of parts) {
      text += part
      bytes += encoder.encode(part).length
      if (bytes > this.#maxBytes) {
        throw new StorageError('too-large', `${this.#title} would hold more than ${this.#maxBytes} bytes`)
      }
      if (performance.now() - since < turnMs) continue
      await new Promise<void>((resolve) => systemClock.schedule(0, resolve))
      since = performance.now()
    }
    return { text, bytes }
  }
}

function within(signal: AbortSignal | undefined, ms = transactionDeadlineMs): AbortSignal {
  return AbortSignal.any([AbortSignal.timeout(ms), ...(signal ? [signal] : [])])
}
