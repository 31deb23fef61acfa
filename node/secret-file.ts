/**
 * A file with a secret of this peer, readable by its owner alone: made once, never overwritten. For the identity and for what goes with it.
 */
import { link, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StorageError } from '../src/core/values/ports.ts'
import { messageOf } from '../src/core/values/reason.ts'
import { removeTemporaries, syncFolderOf, writeTemporary } from './durable-file.ts'
import { codeOf, storageErrorOf } from './system-error.ts'
import { trustedPath, withTrustedFile } from './trusted-files.ts'

/** An Ed25519 key has 68 bytes; two RSA keys and a chain of certificates have 15 kB. */
const maxSecretBytes = 64 * 1024
/** A crash left a temporary file of this age. A younger one can belong to a process that starts now. */
const temporaryAgeMs = 60_000

export interface Secret<T> {
  /** What the file is called in errors: `identity file`. */
  readonly name: string
  /** What it holds: `private key`. */
  readonly holds: string
  /** What to do with a file that holds none. */
  readonly advice: string
  read(bytes: Uint8Array): Promise<T> | T
  make(): Promise<{ readonly value: T; readonly bytes: Uint8Array }>
}

/**
 * The secret in `path`, made there if there is none. Of several processes that start at once, all get the same one.
 * Rejects with `StorageError`: `no-permission` if others may read the file (with the command that helps), or if the file, its folder or a
 * link to it belongs to another user than this process's or root; `broken` if it holds no such secret, `too-large`, `unavailable`, `full`.
 */
export async function loadOrCreateSecret<T>(path: string, secret: Secret<T>): Promise<T> {
  try {
    const file = await trustedPath(path)
    await removeTemporaries(file, temporaryAgeMs)
    return ((await load(file, secret)) ?? (await create(file, secret)) ?? (await loadAgain(file, secret))).value
  } catch (error) {
    throw storageErrorOf(error, `cannot use the ${secret.name} ${resolve(path)}`)
  }
}

interface Found<T> {
  readonly value: T
}

async function load<T>(file: string, { name, holds, advice, read: readSecret }: Secret<T>): Promise<Found<T> | undefined> {
  const bytes = await withTrustedFile(file, async ({ found, read }) => {
    // Windows shows no owner in the mode.
    if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8)
      throw new StorageError(
        'no-permission',
        `the ${name} ${file} is open to others (mode ${mode}, expected 600); run: chmod 600 '${file}'`
      )
    }
    if (found.size > maxSecretBytes)
      throw new StorageError('too-large', `${file} has ${found.size} bytes, no ${holds} has more than ${maxSecretBytes}`)
    return read()
  })
  if (bytes === undefined) return undefined
  try {
    return { value: await readSecret(bytes) }
  } catch (error) {
    const detail = messageOf(error)
    throw new StorageError('broken', `${file} holds no usable ${holds} (${bytes.length} bytes: ${detail}); ${advice}`, error)
  }
}

/** `undefined`: another process was faster. A link, unlike a rename, never replaces a file, and appears with all its bytes. */
async function create<T>(file: string, { make }: Secret<T>): Promise<Found<T> | undefined> {
  const { value, bytes } = await make()
  const temporary = await writeTemporary(file, [bytes])
  try {
    await link(temporary, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolderOf(file)
  return { value }
}

async function loadAgain<T>(file: string, secret: Secret<T>): Promise<Found<T>> {
  const found = await load(file, secret)
  if (found === undefined) throw new StorageError('unavailable', `the ${secret.name} ${file} was there and is gone again`)
  return found
}
