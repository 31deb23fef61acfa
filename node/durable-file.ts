/**
 * The steps that make a file survive a crash: a temporary beside it, synced; later the folder, synced. Called by
 * `json-file.ts` and `identity.ts`, which decide how the temporary becomes the file (rename or link).
 *
 * Not write-file-atomic: it takes the whole text at once, does not look at short writes (on a full disk it would put a
 * cut text in place of the good one), leaves the folder unsynced, and its temporaries look like other files.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, lstat, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './system-error.ts'
import { isForeign } from './trusted-files.ts'

/**
 * Writes the pieces to a new file beside `path`, readable by its owner alone, and syncs it; returns its path. Whatever
 * fails, the file is gone again. Each piece is one turn of the event loop: its size is the caller's matter.
 */
export async function writeTemporary(path: string, pieces: Iterable<string | Uint8Array>): Promise<string> {
  const temporary = `${path}.tmp-${randomBytes(8).toString('hex')}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await fill(handle, pieces)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  return temporary
}

async function fill(handle: FileHandle, pieces: Iterable<string | Uint8Array>): Promise<void> {
  try {
    // On a handle, writeFile goes on where the last one ended, and repeats a write that took only a part.
    for (const piece of pieces) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes a rename, link or removal in the folder of `path` last. Windows cannot open folders and needs no sync; other
 * systems may have file systems that refuse it, which is no reason to fail a save.
 */
export async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dirname(path), 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}

/** Virus scanners and indexers hold a file for some ms, Windows refuses to rename it then. A pool that stops waits a second longer than this. */
const busyMs = 2_000
const busy: ReadonlySet<string | undefined> = new Set(['EBUSY', 'EPERM', 'EACCES'])

/** Renames a file; tries again for two seconds while another program holds it. `mayGoOn` throws if the rename must not happen any more. */
export async function renameFile(from: string, to: string, mayGoOn: () => void | Promise<void>): Promise<void> {
  const until = performance.now() + busyMs
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 200)) {
    await mayGoOn()
    try {
      await rename(from, to)
      return
    } catch (error) {
      if (!busy.has(codeOf(error)) || performance.now() + waitMs > until) throw error
    }
    await sleep(waitMs)
  }
}

export interface Sibling {
  readonly path: string
  /** What the pattern's group matched. */
  readonly mark: string
  /** False for what another user put there, or what is gone again: in a folder for all it is theirs to remove. */
  readonly isOurs: boolean
}

/** The names in the folder of `path` that continue its own name as `pattern` says. */
export async function siblings(path: string, pattern: RegExp): Promise<Sibling[]> {
  const found: Sibling[] = []
  const own = basename(path)
  for await (const entry of await opendir(dirname(path))) {
    if (!entry.name.startsWith(own)) continue
    const mark = pattern.exec(entry.name.slice(own.length))?.[1]
    if (mark === undefined) continue
    const sibling = join(dirname(path), entry.name)
    const isOurs = await lstat(sibling).then(
      (stats) => !isForeign(stats),
      () => false
    )
    found.push({ path: sibling, mark, isOurs })
  }
  return found
}

/** Removes what `writeTemporary` left when a process was killed, if it is at least `minAgeMs` old. */
export async function removeTemporaries(path: string, minAgeMs: number): Promise<void> {
  for (const { path: temporary, isOurs } of await siblings(path, /^\.tmp-([0-9a-f]{16})$/)) {
    if (!isOurs) continue
    if (minAgeMs > 0) {
      const age = await stat(temporary).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0
      )
      if (age < minAgeMs) continue
    }
    await rm(temporary, { force: true })
  }
}
