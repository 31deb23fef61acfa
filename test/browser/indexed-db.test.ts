import { del, get, keys, set, type UseStore, update } from 'idb-keyval'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryStorage } from '../../src/core/memory-storage.ts'
import type { PeerStorage } from '../../src/core/values/ports.ts'
import { type Database, databaseName, openDatabase } from '../../web/database.ts'
import { indexedDbStorage } from '../../web/indexed-db.ts'
import { failureOf, storageContract } from '../contract/storage.ts'

const never = new AbortController().signal
let made = 0
let name: string
let storage: PeerStorage

/** A name that no other test and no earlier run used. */
const freshName = () => `test-${performance.timeOrigin}-${made++}`

async function onDatabase<T>(of: string, act: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(of, never)
  try {
    return await act(database)
  } finally {
    database.close()
  }
}

/** Never settles while somebody holds the database open. */
function deleteDatabase(of: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName(of))
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}

storageContract(
  'IndexedDB',
  async () => {
    const place = freshName()
    return {
      storage: (options) => indexedDbStorage(place, options),
      quarantined: () =>
        onDatabase(place, async ({ use }) => {
          const names = (await keys<string>(use)).filter((key) => key.startsWith('broken-'))
          names.sort((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]))
          return Promise.all(names.map(async (key) => String(await get(key, use))))
        }),
      remove: () => deleteDatabase(place)
    }
  },
  { exclusive: true, capped: true }
)

beforeEach(() => {
  name = freshName()
  storage = indexedDbStorage(name)
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  await storage.close()
  await deleteDatabase(name)
})

describe('a browser that gives no database', () => {
  /** The open request that `open` gets; nothing ever happens to it. */
  const silent = () => Object.assign(new EventTarget(), { result: undefined }) as unknown as IDBOpenDBRequest

  test('without IndexedDB the open fails as unavailable, and storage in memory does instead', async () => {
    vi.stubGlobal('indexedDB', undefined)
    expect(await failureOf(storage.open(never))).toBe('unavailable')
    const instead = memoryStorage()
    await instead.open(never)
    await instead.save(['text'])
    expect(await instead.load(never)).toBe('text')
  })

  test('an open that throws is reported by its kind', async () => {
    const open = vi.spyOn(IDBFactory.prototype, 'open')
    for (const [error, failure] of [
      ['SecurityError', 'no-permission'],
      ['InvalidStateError', 'unavailable'],
      ['QuotaExceededError', 'full']
    ] as const) {
      open.mockImplementationOnce(() => {
        throw new DOMException('not here', error)
      })
      await expect(storage.open(never)).rejects.toMatchObject({ failure, message: expect.stringContaining(databaseName(name)) })
    }
  })

  test('an open that never answers ends within two seconds, sooner with its signal, and may be tried again', async () => {
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(silent).mockImplementationOnce(silent)
    let before = performance.now()
    await expect(storage.open(never)).rejects.toMatchObject({
      failure: 'unavailable',
      message: expect.stringContaining('no answer in time')
    })
    expect(performance.now() - before).toBeLessThan(3_000)
    before = performance.now()
    expect(await failureOf(storage.open(AbortSignal.timeout(100)))).toBe('unavailable')
    expect(performance.now() - before).toBeLessThan(1_500)
    await storage.open(never)
    await storage.save(['text'])
    expect(await storage.load(never)).toBe('text')
  })

  test('a database that another page is upgrading is waited for no longer than that; one that comes late is closed', async () => {
    const blocker = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(databaseName(name))
      request.onupgradeneeded = () => request.result.createObjectStore('keyval')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const deleted = indexedDB.deleteDatabase(databaseName(name))
    await new Promise((resolve) => {
      deleted.onblocked = resolve
    })
    expect(await failureOf(storage.open(never))).toBe('unavailable')
    blocker.close()
    await new Promise((resolve) => {
      deleted.onsuccess = resolve
    })
    // Would wait without end if the database that came late were still open.
    await deleteDatabase(name)
  })
})

describe('a database that fails while it is used', () => {
  beforeEach(async () => {
    await storage.open(never)
    await storage.save(['old'])
  })

  test('an error in the middle of a save leaves text and size as they were', async () => {
    const { put } = IDBObjectStore.prototype
    vi.spyOn(IDBObjectStore.prototype, 'put')
      .mockImplementationOnce(put)
      .mockImplementationOnce(function (this: IDBObjectStore) {
        this.transaction.abort()
        throw new DOMException('no more', 'QuotaExceededError')
      })
    expect(await failureOf(storage.save(['new']))).toBe('full')
    await storage.open(never)
    expect(await storage.load(never)).toBe('old')
  })

  test('a handle that the browser took away is an error once, then a fresh one is opened', async () => {
    const opened = vi.spyOn(IDBFactory.prototype, 'open')
    await deleteDatabase(name)
    expect(await failureOf(storage.load(never))).toBe('unavailable')
    expect(await failureOf(storage.save(['lost']))).toBe('unavailable')
    await storage.open(never)
    await storage.open(never)
    expect(opened).toHaveBeenCalledTimes(1)
    expect(await storage.load(never)).toBeUndefined()
    await storage.save(['new'])
    expect(await storage.load(never)).toBe('new')
  })

  test('a read that never answers ends with its signal', async () => {
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementationOnce(() => new EventTarget() as unknown as IDBRequest)
    expect(await failureOf(storage.load(AbortSignal.timeout(100)))).toBe('unavailable')
    await storage.open(never)
    expect(await storage.load(never)).toBe('old')
  })

  test('a value that is no text is reported as broken, and can be quarantined', async () => {
    await onDatabase(name, async ({ use }) => {
      await set('peers', { not: 'a text' }, use)
      await del('peers-bytes', use)
    })
    expect(await failureOf(storage.load(never))).toBe('broken')
    await storage.open(never)
    await storage.quarantine()
    expect(await storage.load(never)).toBeUndefined()
  })

  test('the writes ask for strict durability', async () => {
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await storage.save(['new'])
    expect(transaction.mock.results.map(({ value }) => (value as IDBTransaction).durability)).toEqual(['strict'])
  })
})

/** Chromium's storage buckets are databases with a quota of their own. TypeScript does not know them yet, and Firefox has none. */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>
  delete(name: string): Promise<void>
}

/** Firefox compresses what it stores, in blocks of 64 KiB. */
function incompressible(length: number): string[] {
  const block = Array.from({ length: 100_000 }, () => String.fromCharCode(33 + Math.random() * 90)).join('')
  return Array.from({ length: Math.ceil(length / block.length) }, () => block)
}

test('a full quota is reported as "full", the old text stays, and a later open makes it usable', async () => {
  const { storageBuckets } = navigator as unknown as { storageBuckets?: StorageBuckets }
  // Firefox is started with little space for all databases: see vite.config.ts.
  const tooMuch = storageBuckets === undefined ? 12_000_000 : 4_000_000
  const bucket = await storageBuckets?.open('small', { quota: 1_000_000 })
  if (bucket !== undefined) vi.stubGlobal('indexedDB', bucket.indexedDB)
  const roomy = indexedDbStorage(name, { maxBytes: 2 * tooMuch })
  try {
    await roomy.open(never)
    await roomy.save(['old'])
    const lines = incompressible(tooMuch)
    expect(await failureOf(roomy.save(lines))).toBe('full')
    // Each way in which idb-keyval writes is refused with the reason.
    const writes: ((use: UseStore) => Promise<void>)[] = [
      (use) => set('key', lines.join(''), use),
      (use) => update('key', () => lines.join(''), use)
    ]
    for (const write of writes) {
      await expect(onDatabase(name, ({ use }) => write(use))).rejects.toMatchObject({ name: 'QuotaExceededError' })
    }
    await roomy.open(never)
    expect(await roomy.load(never)).toBe('old')
    await roomy.save(['new'])
    expect(await roomy.load(never)).toBe('new')
  } finally {
    await roomy.close()
    await storageBuckets?.delete('small')
  }
})

describe('tabs', () => {
  test('the lock goes with the tab that has it: a page asking at that moment gets it', async () => {
    const frame = document.body.appendChild(document.createElement('iframe'))
    const held = Promise.withResolvers<void>()
    frame.contentWindow?.navigator.locks.request(`p2p-pool:${name}`, () => {
      held.resolve()
      return new Promise(() => undefined)
    })
    await held.promise
    expect(await failureOf(storage.open(never))).toBe('locked')
    const opening = storage.open(never)
    frame.remove()
    await opening
    await storage.save(['text'])
  })

  test('a lock taken by force ends the storage of the loser', async () => {
    await storage.open(never)
    await storage.save(['mine'])
    const release = Promise.withResolvers<void>()
    const stolen = Promise.withResolvers<void>()
    const thief = navigator.locks.request(`p2p-pool:${name}`, { steal: true }, () => {
      stolen.resolve()
      return release.promise
    })
    await stolen.promise
    await vi.waitFor(async () => expect(await failureOf(storage.save(['intruder']))).toBe('locked'))
    expect(await failureOf(storage.load(never))).toBe('locked')
    release.resolve()
    await thief
    await storage.open(never)
    expect(await storage.load(never)).toBe('mine')
  })

  test('a browser without locks lets the page in', async () => {
    vi.spyOn(navigator, 'locks', 'get').mockReturnValue(undefined as unknown as LockManager)
    await storage.open(never)
    await storage.save(['text'])
    expect(await storage.load(never)).toBe('text')
  })
})

test('a text that takes long to make leaves the page its turns', async () => {
  let turns = 0
  const counting = new MessageChannel()
  counting.port1.onmessage = () => {
    turns += 1
    counting.port2.postMessage(undefined)
  }
  counting.port2.postMessage(undefined)
  function* slow(): Iterable<string> {
    for (let i = 0; i < 50; i++) {
      const until = performance.now() + 4
      while (performance.now() < until);
      yield 'part '
    }
  }
  await storage.open(never)
  await storage.save(slow())
  counting.port1.close()
  // 200 ms of work at 8 ms a turn; 7 were counted where two browsers and more share two processors.
  expect(turns).toBeGreaterThan(3)
  expect(await storage.load(never)).toBe('part '.repeat(50))
})
