/**
 * A pool over IndexedDB as it is: every fault that browsers are known for is put in, at the start and in the middle, on a real
 * database. The pool runs all the time, tells of it once, and nothing that had been saved is lost.
 */
import { get as idbGet, promisifyRequest } from 'idb-keyval'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { memoryStorage, nodePreset, PeerPool, type PoolOptions, resolveConfig, type StorageFailure } from '../../src/core/index.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { Clock } from '../../src/core/values/ports.ts'
import { systemClock, systemRandom } from '../../src/libp2p/index.ts'
import { MemoryHub } from '../../src/testing/memory-network.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { databaseName, openDatabase } from '../../web/database.ts'
import { indexedDbStorage } from '../../web/indexed-db.ts'

type Fault =
  | 'open throws SecurityError'
  | 'open throws InvalidStateError'
  | 'open fails with QuotaExceededError'
  | 'open fails with UnknownError'
  | 'open never answers'
  | 'transactions throw until the database is opened anew'
  | 'reading fails'
  | 'reading never answers'
  | 'put throws QuotaExceededError'
  | 'commit fails'
  | 'commit never answers'

const failures: Readonly<Record<Fault, StorageFailure>> = {
  'open throws SecurityError': 'no-permission',
  'open throws InvalidStateError': 'unavailable',
  'open fails with QuotaExceededError': 'full',
  'open fails with UnknownError': 'unavailable',
  'open never answers': 'unavailable',
  'transactions throw until the database is opened anew': 'unavailable',
  'reading fails': 'unavailable',
  'reading never answers': 'unavailable',
  'put throws QuotaExceededError': 'full',
  'commit fails': 'unavailable',
  'commit never answers': 'unavailable'
}

/** By database, so that the cases run side by side. */
const faults = new Map<string, Fault>()
const wedged = new WeakSet<IDBDatabase>()
/** Databases that were opened, the last one of each name. */
const opened = new Map<string, IDBDatabase>()
const unhandled: unknown[] = []
const startWithinMs = 2_300

/** Retries and debounced writes come 25 times sooner; deadlines below five seconds are the real ones. */
const hastyClock: Clock = {
  ...systemClock,
  schedule: (delayMs, fn) => systemClock.schedule(delayMs >= 5_000 ? delayMs / 25 : delayMs, fn)
}

const failed = (name: string, deliver: (request: IDBOpenDBRequest) => void): IDBOpenDBRequest => {
  const error = new DOMException('put in by the test', name)
  const request = Object.assign(new EventTarget(), { result: undefined, error }) as unknown as IDBOpenDBRequest
  setTimeout(() => deliver(request), 5)
  return request
}

function putFaultsIn(): void {
  // The storage gives a transaction ten seconds.
  const { timeout } = AbortSignal
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout.call(AbortSignal, ms >= 10_000 ? ms / 10 : ms))
  const { open } = IDBFactory.prototype
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, name: string, version?: number) {
    const fault = faults.get(name) ?? ''
    const [, thrown] = /^open throws (\w+)$/.exec(fault) ?? []
    if (thrown !== undefined) throw new DOMException('put in by the test', thrown)
    const [, delivered] = /^open fails with (\w+)$/.exec(fault) ?? []
    if (delivered !== undefined) return failed(delivered, (request) => request.onerror?.(new Event('error')))
    if (fault === 'open never answers') return failed('AbortError', () => undefined)
    const request = open.call(this, name, version)
    request.addEventListener('success', () => opened.set(name, request.result))
    return request
  })
  const { transaction } = IDBDatabase.prototype
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args: Parameters<typeof transaction>) {
    if (faults.get(this.name) === 'transactions throw until the database is opened anew') wedged.add(this)
    if (wedged.has(this)) throw new DOMException('put in by the test', 'InvalidStateError')
    return transaction.apply(this, args)
  })
  const { get, put } = IDBObjectStore.prototype
  vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key: IDBValidKey | IDBKeyRange) {
    const fault = faults.get(this.transaction.db.name)
    if (fault === 'reading fails') return failed('UnknownError', (request) => request.onerror?.(new Event('error')))
    if (fault === 'reading never answers') return failed('AbortError', () => undefined)
    return get.call(this, key)
  })
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
    const { name } = this.transaction.db
    const fault = faults.get(name)
    if (fault === 'put throws QuotaExceededError') throw new DOMException('put in by the test', 'QuotaExceededError')
    if (fault === 'commit fails') Object.defineProperty(this.transaction, 'commit', { value: () => this.transaction.abort() })
    if (fault === 'commit never answers') keepBusy(this, name)
    return put.call(this, value, key)
  })
}

function closedByBrowser(db: IDBDatabase | undefined): void {
  db?.close()
  db?.onclose?.(new Event('close'))
}

/** The transaction is never done, as long as the fault lasts. */
function keepBusy(store: IDBObjectStore, name: string): void {
  Object.defineProperty(store.transaction, 'commit', { value: () => undefined, configurable: true })
  const again = (): void => {
    if (faults.has(name)) store.count().onsuccess = again
    else store.transaction.abort()
  }
  again()
}

const idOf = (digit: number) => `12D3KooW${String(digit).repeat(44)}` as PeerId
const pointOf = (digit: number) => `/ip4/192.0.2.${digit}/tcp/4001` as Point

interface Run {
  readonly pool: PeerPool
  /** Names of the events about the storage, with the failure. */
  readonly told: string[]
  readonly startMs: number
}

async function run(name: string): Promise<Run> {
  const network = new MemoryHub({ clock: systemClock, random: seededRandom(1), latencyMs: undefined }).node(name)
  const options = { network: 'test', minConnections: 0, expectedConnections: 0, maintenanceIdleMs: null, storage: indexedDbStorage(name) }
  const config = resolveConfig(options as PoolOptions, { preset: nodePreset, storage: memoryStorage() })
  const pool = new PeerPool(config, {
    network,
    clock: hastyClock,
    random: systemRandom,
    // That the storage failed is logged; anything else is a fault of ours.
    log: { error: (message, cause) => /^the storage .* failed/.test(message) || unhandled.push([message, cause]) }
  })
  network.gate = pool.gate
  const told: string[] = []
  pool.addEventListener('storage-failed', ({ detail }) => told.push(`failed ${detail.failure}`))
  pool.addEventListener('storage-recovered', () => told.push('recovered'))
  const before = performance.now()
  await pool.start()
  return { pool, told, startMs: performance.now() - before }
}

/** What a later visit finds. */
async function saved(name: string): Promise<{ banned: readonly PeerId[]; trusted: readonly Point[] }> {
  const { pool, told } = await run(name)
  expect(told).toEqual([])
  const { bannedPeers, points } = pool.snapshot()
  await pool.stop()
  return {
    banned: [...bannedPeers].sort(),
    trusted: points
      .filter(({ trusted }) => trusted)
      .map(({ point }) => point)
      .sort()
  }
}

async function firstVisit(name: string): Promise<void> {
  const { pool } = await run(name)
  await pool.peers.ban(idOf(1))
  pool.points.trust(pointOf(1))
  await pool.stop()
}

/** Long enough for several tries. */
const someTries = () => new Promise((resolve) => setTimeout(resolve, 1_500))

let made = 0
const freshName = () => `faults-${performance.timeOrigin}-${made++}`
const noteUnhandled = (event: PromiseRejectionEvent) => unhandled.push(event.reason)

beforeAll(() => {
  addEventListener('unhandledrejection', noteUnhandled)
})

afterAll(async () => {
  vi.restoreAllMocks()
  removeEventListener('unhandledrejection', noteUnhandled)
  for (const { name = '' } of await indexedDB.databases()) if (name.includes(':faults-')) indexedDB.deleteDatabase(name)
  expect(unhandled).toEqual([])
})

describe('a fault of the browser', () => {
  beforeAll(putFaultsIn)
  const atStart = Object.keys(failures).filter((fault) => /^(open|reading|transactions)/.test(fault)) as Fault[]
  const later = Object.keys(failures).filter((fault) => /^(put|commit|transactions)/.test(fault)) as Fault[]

  test.concurrent.for(atStart)('at the start: %s', { timeout: 60_000 }, async (fault) => {
    const name = freshName()
    await firstVisit(name)
    faults.set(databaseName(name), fault)
    const { pool, told, startMs } = await run(name)
    expect(startMs).toBeLessThan(startWithinMs)
    expect(pool.snapshot()).toMatchObject({ status: 'running', bannedPeers: [], storage: { mode: 'memory', failure: failures[fault] } })
    await pool.peers.ban(idOf(2))
    pool.points.trust(pointOf(2))
    await someTries()
    expect(told).toEqual([`failed ${failures[fault]}`])

    faults.delete(databaseName(name))
    await vi.waitFor(() => expect(told).toEqual([`failed ${failures[fault]}`, 'recovered']), { timeout: 20_000 })
    expect(pool.snapshot().bannedPeers).toEqual(expect.arrayContaining([idOf(1), idOf(2)]))
    await pool.stop()
    expect(await saved(name)).toEqual({ banned: [idOf(1), idOf(2)], trusted: [pointOf(1), pointOf(2)] })
  })

  test.concurrent.for(later)('in the middle: %s', { timeout: 60_000 }, async (fault) => {
    const name = freshName()
    await firstVisit(name)
    const { pool, told } = await run(name)
    faults.set(databaseName(name), fault)
    await pool.peers.ban(idOf(2))
    await pool.savePeers()
    pool.points.trust(pointOf(2))
    await someTries()
    expect(told).toEqual([`failed ${failures[fault]}`])
    expect(pool.snapshot()).toMatchObject({
      status: 'running',
      storage: { mode: 'memory', failure: failures[fault], unsavedChanges: true }
    })

    faults.delete(databaseName(name))
    await vi.waitFor(() => expect(told).toEqual([`failed ${failures[fault]}`, 'recovered']), { timeout: 20_000 })
    await pool.stop()
    expect(await saved(name)).toEqual({ banned: [idOf(1), idOf(2)], trusted: [pointOf(1), pointOf(2)] })
  })

  test.concurrent('a pool that stops between two tries saves once more what the fault kept back', { timeout: 60_000 }, async () => {
    const name = freshName()
    await firstVisit(name)
    const { pool } = await run(name)
    faults.set(databaseName(name), 'put throws QuotaExceededError')
    await pool.peers.ban(idOf(2))
    await pool.savePeers()
    faults.delete(databaseName(name))
    await pool.stop()
    expect(await saved(name)).toEqual({ banned: [idOf(1), idOf(2)], trusted: [pointOf(1)] })
  })

  test.concurrent('a pool stops in time although the browser never answers', { timeout: 60_000 }, async () => {
    const name = freshName()
    await firstVisit(name)
    faults.set(databaseName(name), 'open never answers')
    const { pool } = await run(name)
    await pool.peers.ban(idOf(2))
    const before = performance.now()
    await pool.stop()
    expect(performance.now() - before).toBeLessThan(3_000)
    faults.delete(databaseName(name))
    expect(await saved(name)).toEqual({ banned: [idOf(1)], trusted: [pointOf(1)] })
  })

  test.concurrent.for(['the browser closes it', 'another page deletes it'])(
    'a database that is lost under a pool at rest is told once and written again: %s',
    { timeout: 60_000 },
    async (way) => {
      const name = freshName()
      await firstVisit(name)
      const { pool, told } = await run(name)
      if (way === 'another page deletes it') indexedDB.deleteDatabase(databaseName(name))
      else closedByBrowser(opened.get(databaseName(name)))
      await vi.waitFor(() => expect(told).toEqual(['failed unavailable', 'recovered']), { timeout: 20_000 })
      // Nothing changed meanwhile, so that only what was written again can be found.
      const database = await openDatabase(name, new AbortController().signal)
      expect(await idbGet('peers', database.use)).toContain(idOf(1))
      database.close()
      await pool.stop()
      expect(await saved(name)).toEqual({ banned: [idOf(1)], trusted: [pointOf(1)] })
    }
  )

  test.concurrent('an upgrade that another tab blocks', { timeout: 60_000 }, async () => {
    const name = freshName()
    await firstVisit(name)
    const held = await promisifyRequest(indexedDB.open(databaseName(name)))
    const upgrade = indexedDB.open(databaseName(name), 7)
    await new Promise((resolve) => {
      upgrade.onblocked = resolve
    })
    const { pool, told, startMs } = await run(name)
    expect(startMs).toBeLessThan(startWithinMs)
    await pool.peers.ban(idOf(2))
    await someTries()
    expect(told).toEqual(['failed unavailable'])
    held.close()
    upgrade.onsuccess = () => upgrade.result.close()
    await vi.waitFor(() => expect(told).toEqual(['failed unavailable', 'recovered']), { timeout: 20_000 })
    await pool.stop()
    expect(await saved(name)).toEqual({ banned: [idOf(1), idOf(2)], trusted: [pointOf(1)] })
  })
})

test('no IndexedDB at all', async () => {
  const name = freshName()
  vi.stubGlobal('indexedDB', undefined)
  try {
    const { pool, told, startMs } = await run(name)
    expect(startMs).toBeLessThan(startWithinMs)
    await pool.peers.ban(idOf(2))
    await someTries()
    expect(told).toEqual(['failed unavailable'])
    expect(pool.peers.isBanned(idOf(2))).toBe(true)
    await pool.stop()
  } finally {
    vi.unstubAllGlobals()
  }
})
