/**
 * Which files, folders and links are trusted: those of the user that the process runs as, and those of root. Called by
 * `json-file.ts`, `file-lock.ts`, `secret-file.ts` and `tls-certificate.ts`. Without it, a user who may write to a shared folder could have a pool read their peers and
 * bans, take their key, or replace a file elsewhere.
 *
 * Of the folders on a path the last one is checked, and the folder of each link. Windows shows no owners: nothing is refused there.
 */
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, readlink, stat } from 'node:fs/promises'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { StorageError } from '../src/core/values/ports.ts'
import { withRegularFile } from './regular-file.ts'
import { codeOf } from './system-error.ts'

/** As many as the kernel follows. */
const maxLinks = 40

/** Does it belong to another user than the one that the process runs as, or root? */
export function isForeign({ uid }: Pick<Stats, 'uid'>): boolean {
  const own = process.geteuid?.()
  return own !== undefined && uid !== own && uid !== 0
}

/** Throws `StorageError` `no-permission` for what belongs to another user. */
export function refuseForeign(path: string, { uid }: Pick<Stats, 'uid'>): void {
  if (!isForeign({ uid })) return
  const own = process.geteuid?.()
  const expected = own === 0 ? 'root, who runs this' : `user ${own}, who runs this, or root`
  throw new StorageError('no-permission', `${path} belongs to user ${uid}, expected ${expected}: chown it, or use a folder of your own`)
}

/**
 * The path with links resolved, whose last name need not exist. Missing folders are made, for the owner alone. Rejects with
 * `StorageError` `no-permission` if a link, or the file or its folder, belongs to another user, or a link is in a folder to which others may write.
 */
export async function trustedPath(path: string): Promise<string> {
  let { at, names } = stepsOf(resolve(path))
  for (let links = 0; ; ) {
    const [name, ...rest] = names
    if (name === undefined) break
    const next = join(at, name)
    const found = await lstatIfAny(next)
    if (found?.isSymbolicLink() === true) {
      await refuseForeignLink(next, found)
      if (++links > maxLinks) throw new StorageError('unavailable', `${path}: more than ${maxLinks} links`)
      const target = stepsOf(resolve(at, await readlink(next)))
      at = target.at
      names = [...target.names, ...rest]
      continue
    }
    if (found === undefined && rest.length > 0) {
      await mkdir(next, { mode: 0o700 }).catch((error: unknown) => {
        // Another process was faster; the next round looks at what it made.
        if (codeOf(error) !== 'EEXIST') throw error
      })
      continue
    }
    if (rest.length === 0 && found !== undefined) refuseForeign(next, found)
    at = next
    names = rest
  }
  refuseForeign(dirname(at), await stat(dirname(at)))
  return at
}

function stepsOf(path: string): { at: string; names: readonly string[] } {
  const { root } = parse(path)
  return { at: root, names: path.slice(root.length).split(sep).filter(Boolean) }
}

async function lstatIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function refuseForeignLink(path: string, link: Stats): Promise<void> {
  refuseForeign(path, link)
  const folder = dirname(path)
  const found = await stat(folder)
  refuseForeign(folder, found)
  if (process.geteuid === undefined || (found.mode & 0o022) === 0) return
  const mode = (found.mode & 0o7777).toString(8)
  throw new StorageError(
    'no-permission',
    `${path} is a link in a folder to which others may write (mode ${mode}); run: chmod go-w '${folder}'`
  )
}

export interface TrustedFile {
  /** In whole, from the handle whose owner was checked. */
  read(signal?: AbortSignal): Promise<Uint8Array>
  readonly found: Stats
}

/**
 * Opens a file of `trustedPath` for reading, and lets `act` have it; `undefined` if there is none. Owner and kind are those of the
 * open file: what happens to its name meanwhile changes nothing. Rejects with `StorageError` `no-permission` for a file of
 * another user, `unavailable` for what is no file.
 */
export async function withTrustedFile<T>(path: string, act: (file: TrustedFile) => Promise<T>): Promise<T | undefined> {
  const check = async (file: FileHandle, found: Stats): Promise<T> => {
    refuseForeign(path, found)
    return act({ found, read: (signal) => file.readFile({ signal }) })
  }
  try {
    // Not a link that came since.
    return await withRegularFile(path, check, constants.O_NOFOLLOW ?? 0)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
