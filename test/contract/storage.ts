/**
 * What every `PeerStorage` promises, as tests. Memory, file and IndexedDB run it from their own test files, the last in a
 * real browser; so nothing here may need Node.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type PeerStorage, StorageError, type StorageFailure } from '../../src/core/values/ports.ts'

/** Where one text is stored, and who looks at it. */
export interface StoragePlace {
  /** A storage on this place; several are several pools. For a memory storage, the only one there can be. */
  storage(options?: { maxBytes?: number }): PeerStorage
  /** The texts that were quarantined, oldest first. */
  quarantined(): Promise<readonly string[]>
  remove(): Promise<void>
}

export interface StorageTraits {
  /** Only one of several storages on one place can be open. */
  readonly exclusive: boolean
  /** Has `maxBytes`. */
  readonly capped: boolean
}

const never = new AbortController().signal

export async function failureOf(act: Promise<unknown>): Promise<StorageFailure> {
  const error: unknown = await act.then(
    (value) => new Error(`expected a StorageError, got the value ${JSON.stringify(value)}`),
    (reason: unknown) => reason
  )
  if (error instanceof StorageError) return error.failure
  throw error
}

/** A promise that a storage does not make has no test, instead of one that is skipped. */
function testIf(promised: boolean, fact: string, check: () => void | Promise<void>): void {
  if (promised) test(fact, check)
}

export function storageContract(name: string, makePlace: () => Promise<StoragePlace>, traits: StorageTraits): void {
  describe(`storage contract: ${name}`, () => {
    let place: StoragePlace
    let used: PeerStorage[]

    /** An open storage, closed after the test. */
    async function opened(options?: { maxBytes?: number }): Promise<PeerStorage> {
      const storage = place.storage(options)
      used.push(storage)
      await storage.open(never)
      return storage
    }

    beforeEach(async () => {
      place = await makePlace()
      used = []
    })

    afterEach(async () => {
      for (const storage of used) await storage.close()
      await place.remove()
    })

    test('nothing is loaded where nothing was saved', async () => {
      expect(await (await opened()).load(never)).toBeUndefined()
    })

    test('what was saved is loaded, by the same storage and by the next one', async () => {
      const first = await opened()
      await first.save(['{"a":', '', '1', '}'])
      expect(await first.load(never)).toBe('{"a":1}')
      await first.close()
      expect(await (await opened()).load(never)).toBe('{"a":1}')
    })

    test('a save replaces the whole text, a longer one too', async () => {
      const storage = await opened()
      await storage.save(['x'.repeat(200_000)])
      await storage.save(['short'])
      expect(await storage.load(never)).toBe('short')
    })

    test('a text of many parts and languages comes back as it was', async () => {
      const parts = Array.from({ length: 20_000 }, (_, i) => `${i} Ἀθῆναι 北京 🙂\n`)
      const storage = await opened()
      await storage.save(parts)
      expect(await storage.load(never)).toBe(parts.join(''))
    })

    test('a text that is not JSON, and an empty one, are loaded for the pool to judge', async () => {
      const storage = await opened()
      for (const text of ['{"cut', '']) {
        await storage.save([text])
        expect(await storage.load(never)).toBe(text)
      }
    })

    test('parts that throw leave the old text, and the storage can be used again', async () => {
      const storage = await opened()
      await storage.save(['old'])
      function* failing(): Iterable<string> {
        yield 'new'.repeat(100_000)
        throw new Error('no more')
      }
      expect(await failureOf(storage.save(failing()))).toBe('unavailable')
      await storage.open(never)
      expect(await storage.load(never)).toBe('old')
      await storage.save(['newer'])
      expect(await storage.load(never)).toBe('newer')
    })

    test('a quarantined text is kept, and the place is empty', async () => {
      const storage = await opened()
      await storage.save(['broken'])
      expect(await storage.quarantine()).toContain('broken')
      expect(await storage.load(never)).toBeUndefined()
      expect(await place.quarantined()).toEqual(['broken'])
      await storage.save(['good'])
      expect(await storage.load(never)).toBe('good')
    })

    test('the last three quarantined texts are kept, under names of their own', async () => {
      const storage = await opened()
      const names = new Set<string>()
      for (let i = 1; i <= 12; i++) {
        await storage.save([`text ${i}`])
        names.add(await storage.quarantine())
      }
      expect(names.size).toBe(12)
      expect(await place.quarantined()).toEqual(['text 10', 'text 11', 'text 12'])
    })

    test('to quarantine nothing is an error, and harmless', async () => {
      const storage = await opened()
      expect(await failureOf(storage.quarantine())).toBe('unavailable')
      await storage.open(never)
      await storage.save(['text'])
      expect(await storage.load(never)).toBe('text')
    })

    test('open and close may be repeated, and close may come first', async () => {
      const storage = place.storage()
      used.push(storage)
      await storage.close()
      await storage.open(never)
      await storage.open(never)
      await storage.save(['text'])
      await storage.close()
      await storage.close()
      await storage.open(never)
      expect(await storage.load(never)).toBe('text')
    })

    test('a storage that is not open says so', async () => {
      const storage = place.storage()
      used.push(storage)
      for (const round of ['before open', 'after close']) {
        expect(await failureOf(storage.load(never)), round).toBe('unavailable')
        expect(await failureOf(storage.save(['text'])), round).toBe('unavailable')
        expect(await failureOf(storage.quarantine()), round).toBe('unavailable')
        await storage.open(never)
        await storage.close()
      }
    })

    test('a signal that has fired ends save and quarantine with a StorageError, and nothing is changed', async () => {
      const storage = await opened()
      await storage.save(['old'])
      const fired = AbortSignal.abort(new Error('given up'))
      expect(await failureOf(storage.save(['new'], fired))).toBe('unavailable')
      await storage.open(never)
      expect(await failureOf(storage.quarantine(fired))).toBe('unavailable')
      await storage.open(never)
      expect([await storage.load(never), await place.quarantined()]).toEqual(['old', []])
    })

    test('a signal that fires while the lines are made ends the save, and the old text stays', async () => {
      const storage = await opened()
      await storage.save(['old'])
      const giveUp = new AbortController()
      function* lines(): Iterable<string> {
        yield 'new'
        giveUp.abort(new Error('given up'))
        yield 'er'
      }
      expect(await failureOf(storage.save(lines(), giveUp.signal))).toBe('unavailable')
      await storage.open(never)
      expect(await storage.load(never)).toBe('old')
      await storage.save(['newer'])
      expect(await storage.load(never)).toBe('newer')
    })

    test('a signal that has fired ends open and load with a StorageError', async () => {
      const storage = place.storage()
      used.push(storage)
      const fired = AbortSignal.abort(new Error('given up'))
      expect(await failureOf(storage.open(fired))).toBe('unavailable')
      await storage.open(never)
      await storage.save(['text'])
      expect(await failureOf(storage.load(fired))).toBe('unavailable')
      await storage.open(never)
      expect(await storage.load(never)).toBe('text')
    })

    testIf(traits.exclusive, 'a second pool on the same place is refused, and does not disturb the first', async () => {
      const first = await opened()
      const second = place.storage()
      used.push(second)
      expect(await failureOf(second.open(never))).toBe('locked')
      expect(await failureOf(second.save(['intruder']))).toBe('unavailable')
      await first.save(['mine'])
      expect(await first.load(never)).toBe('mine')
      await first.close()
      await second.open(never)
      expect(await second.load(never)).toBe('mine')
    })

    testIf(traits.capped, 'a text as large as the cap is kept, a larger one is refused and the old one stays', async () => {
      const storage = await opened({ maxBytes: 300 })
      await storage.save(['ä'.repeat(150)])
      expect(await storage.load(never)).toBe('ä'.repeat(150))
      expect(await failureOf(storage.save(['ä'.repeat(150), 'x']))).toBe('too-large')
      await storage.open(never)
      expect(await storage.load(never)).toBe('ä'.repeat(150))
    })

    testIf(traits.capped, 'a stored text above the cap is not read, and can be quarantined', async () => {
      const large = await opened()
      await large.save(['x'.repeat(301)])
      await large.close()
      const storage = await opened({ maxBytes: 300 })
      expect(await failureOf(storage.load(never))).toBe('too-large')
      await storage.open(never)
      await storage.quarantine()
      expect(await storage.load(never)).toBeUndefined()
      expect(await place.quarantined()).toEqual(['x'.repeat(301)])
    })

    testIf(traits.capped, 'a cap that makes no sense throws and names the value', () => {
      for (const maxBytes of [0, -1, 1.5, Number.NaN]) expect(() => place.storage({ maxBytes })).toThrow(`got ${maxBytes}`)
    })
  })
}
