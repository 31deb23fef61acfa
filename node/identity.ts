/**
 * The identity file: the private key of a Node peer, in libp2p's protobuf form, readable by its owner alone. Made once;
 * never overwritten, since with the key goes the peer id that others know, trust or ban. Called by `createNodePeer`.
 */
import { link, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { StorageError } from '../src/core/values/ports.ts'
import { messageOf } from '../src/core/values/reason.ts'
import { newIdentityKey, readIdentityKey } from '../src/libp2p/identity-key.ts'
import { removeTemporaries, syncFolderOf, writeTemporary } from './durable-file.ts'
import { codeOf, storageErrorOf } from './system-error.ts'
import { trustedPath, withTrustedFile } from './trusted-files.ts'

/** The largest key, RSA of 8,192 bits, has 4.7 kB; an Ed25519 key has 68 bytes. */
const maxKeyBytes = 16 * 1024
/** A temporary that old was left by a crash; a younger one may be that of a process that starts beside us. */
const temporaryAgeMs = 60_000

/**
 * The key in `path`, made there if there is none. Of several processes that start at once, all get the same key.
 * Rejects with `StorageError`: `no-permission` if others may read the file (with the command that helps), or if the file, its folder or a
 * link to it belongs to another user than this process's or root; `broken` if it holds no key, `too-large`, `unavailable`, `full`.
 */
export async function loadOrCreateIdentity(path: string): Promise<PrivateKey> {
  try {
    const file = await trustedPath(path)
    await removeTemporaries(file, temporaryAgeMs)
    return (await load(file)) ?? (await create(file)) ?? (await loadAgain(file))
  } catch (error) {
    throw storageErrorOf(error, `cannot use the identity file ${resolve(path)}`)
  }
}

async function load(file: string): Promise<PrivateKey | undefined> {
  const bytes = await withTrustedFile(file, async ({ found, read }) => {
    // Windows shows no owner in the mode.
    if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8)
      throw new StorageError(
        'no-permission',
        `the identity file ${file} is open to others (mode ${mode}, expected 600); run: chmod 600 '${file}'`
      )
    }
    if (found.size > maxKeyBytes)
      throw new StorageError('too-large', `${file} has ${found.size} bytes, no private key has more than ${maxKeyBytes}`)
    return read()
  })
  if (bytes === undefined) return undefined
  try {
    return await readIdentityKey(bytes)
  } catch (error) {
    const detail = messageOf(error)
    throw new StorageError(
      'broken',
      `${file} holds no usable private key (${bytes.length} bytes: ${detail}); restore it, or move it away to get a new identity`,
      error
    )
  }
}

/** `undefined`: another process was faster. A link, unlike a rename, never replaces a file, and appears with all its bytes. */
async function create(file: string): Promise<PrivateKey | undefined> {
  const { privateKey, bytes } = await newIdentityKey()
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
  return privateKey
}

async function loadAgain(file: string): Promise<PrivateKey> {
  const privateKey = await load(file)
  if (privateKey === undefined) throw new StorageError('unavailable', `the identity file ${file} was there and is gone again`)
  return privateKey
}
