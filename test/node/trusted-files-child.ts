/** A process of another user, for `trusted-files.test.ts`: opens, loads and saves a peers file, and prints what came of it. */
import { jsonFileStorage } from '../../node/json-file.ts'
import { StorageError } from '../../src/core/values/ports.ts'

const [, , , path = ''] = process.argv
const { signal } = new AbortController()
const storage = jsonFileStorage(path)
try {
  await storage.open(signal)
  await storage.load(signal)
  await storage.save(['text'])
  console.log('used')
} catch (error) {
  console.log(error instanceof StorageError ? error.failure : String(error))
} finally {
  await storage.close()
}
