/**
 * One holder per file, over processes and within one: a folder `<file>.lock` whose time the holder renews (the
 * proper-lockfile package). Used by `json-file.ts`. This module adds what the package lacks: it finds out soon whether
 * the holder lives, does not depend on the wall clock, and lets the holder ask whether the lock is still its own.
 */
import * as fs from 'node:fs'
import { lstat, rmdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { lock } from 'proper-lockfile'
import { StorageError } from '../src/core/values/ports.ts'
import { codeOf } from './system-error.ts'
import { refuseForeign } from './trusted-files.ts'

/**
 * A lock not renewed for so long is free. A process killed and restarted at once waits this long and at most
 * one renewal more, so about 5 s; a holder whose event loop stands still for longer loses the lock and is notified.
 */
const staleMs = 4_000
/** The package's minimum. */
const renewMs = 1_000
const pollMs = 100
/** Watched for so long without a renewal, a lock is dead even if the wall clock was set back and its time looks new. */
const patienceMs = staleMs + 2 * renewMs

/**
 * The locks of this process, by the path of the file, and whether each is still ours. The folder alone would not do, since after a long
 * stall our own lock looks stale to us.
 */
const heldHere = new Map<string, () => boolean>()

/**
 * The package removes its locks when the process exits, even one that another process took since: it calls `rmdirSync` then, and nowhere
 * else. One object for all locks: the package measures the precision of times once for each, by a time that two locks of one second share.
 */
const careful = {
  ...fs,
  rmdirSync(folder: string): void {
    for (const [path, isOurs] of heldHere) if (lockFolder(path) === folder && isOurs()) fs.rmdirSync(folder)
  }
}

export interface FileLock {
  /** False once the lock was lost: another process took it while our event loop stood still, or it was removed. */
  isOurs(): Promise<boolean>
  /** Resolves about one renewal after the lock was lost; never, if it is not lost. */
  readonly lost: Promise<void>
  /** Never rejects. A lock that is no longer ours is left to its owner. */
  release(): Promise<void>
}

/**
 * Takes the lock of `path`, whose folder must exist. Rejects with `StorageError` `locked` about one second after another
 * holder is known to live, or when the signal fires, `no-permission` if the lock is another user's, `unavailable` if something else has
 * its name; with the system's error if the folder cannot be written.
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<FileLock> {
  if (heldHere.has(path)) throw new StorageError('locked', `${path} is in use by another pool of this process (pid ${process.pid})`)
  let lost = false
  let mark: string | undefined
  heldHere.set(path, () => !lost && mark !== undefined && markNow(path) === mark)
  try {
    const noticed = Promise.withResolvers<void>()
    const release = await take(path, signal, () => {
      lost = true
      noticed.resolve()
    })
    mark = await markOf(path)
    const isOurs = async () => !lost && mark !== undefined && (await markOf(path)) === mark
    return {
      isOurs,
      lost: noticed.promise,
      async release() {
        try {
          if (await isOurs()) await release()
        } catch {
          // Nothing to do for a lock folder that cannot be removed: not renewed any more, it is stale in seconds.
          lost = true
        } finally {
          heldHere.delete(path)
        }
      }
    }
  } catch (error) {
    heldHere.delete(path)
    throw error
  }
}

async function take(path: string, signal: AbortSignal, onLost: () => void): Promise<() => Promise<void>> {
  await refuseNoFolder(lockFolder(path))
  let renewed: bigint | undefined
  let reclaimed = false
  let since = performance.now()
  for (;;) {
    if (signal.aborted) throw lockedError(path, 'and the wait for it was given up', signal.reason)
    try {
      // The package's own answer to a lost lock is to throw from a timer, which would end the process.
      return await lock(path, { realpath: false, stale: staleMs, update: renewMs, retries: 0, onCompromised: onLost, fs: careful })
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED') throw error
    }
    const seen = await renewedAt(path)
    if (seen !== undefined && renewed !== undefined && seen !== renewed) throw lockedError(path, 'which renews its lock')
    renewed ??= seen
    if (performance.now() - since > patienceMs) {
      if (reclaimed) throw lockedError(path, 'and its lock cannot be taken over')
      await rmdir(lockFolder(path)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
      })
      reclaimed = true
      since = performance.now()
      continue
    }
    // An abort is met at the top of the loop.
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function lockFolder(path: string): string {
  return `${path}.lock`
}

/** The package would fail to remove it, sooner or later, with no more than ENOTDIR. */
async function refuseNoFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || found.isDirectory()) return
  const kind = found.isSymbolicLink() ? 'a link' : 'a file'
  throw new StorageError('unavailable', `${path} should be a folder or nothing, but it is ${kind}: move it away`)
}

function lockedError(path: string, detail: string, cause?: unknown): StorageError {
  return new StorageError('locked', `${path} is in use by another process, ${detail} (${lockFolder(path)})`, cause)
}

/** Rejects with `StorageError` `no-permission` for a lock of another user, who could keep us out for ever. */
async function renewedAt(path: string): Promise<bigint | undefined> {
  const found = await lstat(lockFolder(path), { bigint: true }).catch(() => undefined)
  if (found !== undefined) refuseForeign(lockFolder(path), { uid: Number(found.uid) })
  return found?.mtimeNs
}

/** Tells one lock folder from a later one of the same name. */
async function markOf(path: string): Promise<string | undefined> {
  return stat(lockFolder(path), { bigint: true }).then(markIn, () => undefined)
}

/** The same while a process exits, when nothing can be waited for. */
function markNow(path: string): string | undefined {
  try {
    return markIn(fs.statSync(lockFolder(path), { bigint: true }))
  } catch {
    return undefined
  }
}

function markIn({ dev, ino, birthtimeNs }: fs.BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`
}
