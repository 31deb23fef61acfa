/** A process of another user, for `trusted-files.test.ts`: uses a peers file in every way, and prints what came of it. */
import { jsonFileStorage } from '../../node/json-file.ts'
import { StorageError } from '../../src/core/values/ports.ts'

const [, , path = ''] = process.argv
const { signal } = new AbortController()
const storage = jsonFileStorage(path)
try {
  await storage.open(signal)
  await storage.load(signal)
  for (let i = 0; i < 5; i++) {
    await storage.save([`text ${i}`])
    await storage.quarantine(signal)
  }
  await storage.save(['text'])
  console.log('used')
} catch (error) {
  console.log(error instanceof StorageError ? error.failure : String(error))
} finally {
  await storage.close()
}
