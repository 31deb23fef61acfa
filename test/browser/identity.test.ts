import { get, set } from 'idb-keyval'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { databaseName, openDatabase } from '../../web/database.ts'
import { keepWebIdentity, loadOrCreateWebIdentity } from '../../web/identity.ts'
import { indexedDbStorage } from '../../web/indexed-db.ts'

const never = new AbortController().signal
let made = 0
let name: string

beforeEach(() => {
  name = `identity-${performance.timeOrigin}-${made++}`
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  indexedDB.deleteDatabase(databaseName(name))
})

const textOf = async (of = name) => (await loadOrCreateWebIdentity(of)).privateKey.publicKey.toString()

test('the first visit makes an Ed25519 key, the next one has it again', async () => {
  const first = await loadOrCreateWebIdentity(name)
  expect(first).toMatchObject({ persistent: true, notice: undefined, privateKey: { type: 'Ed25519' } })
  const second = await loadOrCreateWebIdentity(name)
  expect(second).toMatchObject({ persistent: true, notice: undefined })
  expect(second.privateKey.equals(first.privateKey)).toBe(true)
})

test('pages that start together end with one key, another name has another', async () => {
  const texts = await Promise.all(Array.from({ length: 10 }, () => textOf()))
  expect(new Set(texts).size).toBe(1)
  expect(texts).not.toContain(await textOf(`${name}-other`))
  indexedDB.deleteDatabase(databaseName(`${name}-other`))
})

test('identity and peers of one name live side by side, the identity without the lock of the peers', async () => {
  const storage = indexedDbStorage(name)
  await storage.open(never)
  const first = await textOf()
  await storage.save(['peers'])
  await storage.quarantine()
  await storage.close()
  expect(await textOf()).toBe(first)
})

test('without a database the key is in memory, says why, and the answer comes before two seconds are over', async () => {
  vi.stubGlobal('indexedDB', undefined)
  expect(await loadOrCreateWebIdentity(name)).toMatchObject({ persistent: false, notice: expect.stringContaining('no IndexedDB') })
  vi.unstubAllGlobals()

  vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => new EventTarget() as unknown as IDBOpenDBRequest)
  const before = performance.now()
  const silent = await loadOrCreateWebIdentity(name)
  expect(silent).toMatchObject({ persistent: false, notice: expect.stringContaining('no answer in time') })
  expect(performance.now() - before).toBeLessThan(2_000)
  expect(await textOf()).not.toBe(silent.privateKey.publicKey.toString())
})

test('a write that fails gives a key in memory, not an error', async () => {
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('no more', 'QuotaExceededError')
  })
  expect(await loadOrCreateWebIdentity(name)).toMatchObject({ persistent: false, notice: expect.stringContaining('space') })
})

test('a key that could not be kept is kept once the storage works, unless another one is there', async () => {
  vi.stubGlobal('indexedDB', undefined)
  const inMemory = await loadOrCreateWebIdentity(name)
  expect(await keepWebIdentity(name, inMemory)).toBe(inMemory)
  vi.unstubAllGlobals()
  expect(await keepWebIdentity(name, inMemory)).toMatchObject({ persistent: true, notice: undefined, privateKey: inMemory.privateKey })
  expect(await textOf()).toBe(inMemory.privateKey.publicKey.toString())

  const other = await loadOrCreateWebIdentity(`${name}-other`)
  const late = { ...other, persistent: false, notice: 'late' }
  expect(await keepWebIdentity(name, late)).toBe(late)
  expect(await textOf()).toBe(inMemory.privateKey.publicKey.toString())
  indexedDB.deleteDatabase(databaseName(`${name}-other`))
})

test.for([
  ['cut', (key: Uint8Array) => key.subarray(0, 40)],
  ['changed', (key: Uint8Array) => key.map((byte, i) => (i === 10 ? byte ^ 1 : byte))],
  ['no bytes', () => 'a text']
] as const)('a stored key that is %s is kept beside and replaced by one key, also by pages that start together', async ([, damage]) => {
  const first = await textOf()
  const database = await openDatabase(name, never)
  const broken = damage((await get<Uint8Array>('identity', database.use)) ?? new Uint8Array())
  await set('identity', broken, database.use)
  const [one, two] = await Promise.all([loadOrCreateWebIdentity(name), loadOrCreateWebIdentity(name)])
  expect(one).toMatchObject({ persistent: true, notice: expect.stringContaining('could not be used') })
  expect(one.privateKey.equals(two.privateKey)).toBe(true)
  expect(one.privateKey.publicKey.toString()).not.toBe(first)
  expect(await get('identity-broken', database.use)).toEqual(broken)
  database.close()
  expect(await loadOrCreateWebIdentity(name)).toMatchObject({ persistent: true, notice: undefined })
})
