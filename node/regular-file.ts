/**
 * Reads files that a person names: settings, keys, certificates, tokens. Their names may lead to a pipe or a device. A call that waits for one
 * holds a thread of Node, and a process with such a thread does not even exit. All of `node` opens files for reading here.
 */
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { StorageError } from '../src/core/values/ports.ts'

/**
 * Opens a file for reading, lets `act` have it, and closes it. Rejects with `StorageError` `unavailable` for what is no regular file, or with
 * the system's error. `flags` are those of `open(2)`, beside reading.
 */
export async function withRegularFile<T>(path: string, act: (file: FileHandle, found: Stats) => Promise<T>, flags = 0): Promise<T> {
  // A pipe opens at once then, even if no program writes to it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags)
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new StorageError('unavailable', `${path} should be a file, but it is ${kindOf(found)}`)
    return await act(file, found)
  } finally {
    await file.close()
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder'
  return found.isFIFO() ? 'a pipe' : 'a device'
}

export interface SmallFileOptions {
  readonly maxBytes: number
  /** For all of it, ms. A file on another machine may not answer. @default 5 s */
  readonly deadlineMs?: number
}

export interface SmallFile {
  readonly text: string
  readonly found: Stats
}

/** Files that did not answer in time and still do not: another try would hold another of the four threads that Node has for files. */
const unanswered = new Set<string>()

/**
 * The text of a file. Rejects with `StorageError`: `unavailable` for what is no regular file and for a missed deadline, `too-large`; or with
 * the system's error.
 */
export async function readSmallFile(path: string, { maxBytes, deadlineMs = 5_000 }: SmallFileOptions): Promise<SmallFile> {
  if (unanswered.has(path)) throw new StorageError('unavailable', `${path} cannot be read: the read before has not ended yet`)
  const reading = withRegularFile(path, async (file, found) => {
    if (found.size > maxBytes) throw new StorageError('too-large', `${path} has ${found.size} bytes, at most ${maxBytes} are read`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size), 0, found.size, 0)
    return { found, text: buffer.toString('utf8', 0, bytesRead) }
  })
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    unanswered.add(path)
    const ended = (): void => void unanswered.delete(path)
    reading.then(ended, ended)
    late.reject(new StorageError('unavailable', `${path} was not read within ${deadlineMs} ms`))
  }, deadlineMs)
  try {
    return await Promise.race([reading, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
