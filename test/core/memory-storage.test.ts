import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/core/memory-storage.ts'
import { storageContract } from '../contract/storage.ts'

storageContract(
  'memory',
  async () => {
    const storage = memoryStorage()
    return { storage: () => storage, quarantined: async () => storage.quarantined, remove: async () => undefined }
  },
  { exclusive: false, capped: false }
)

test('a memory storage can begin with a text', async () => {
  const storage = memoryStorage('{"version":1}')
  const { signal } = new AbortController()
  await storage.open(signal)
  expect(await storage.load(signal)).toBe('{"version":1}')
})
