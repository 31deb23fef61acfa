/**
 * The peers file: a `PeerStorage` on Node. It owns the path, its lock (`file-lock.ts`) and the replacing of one whole
 * text by another; what the text means, and whether it is broken, is the pool's matter. Files, folders and links of other users
 * are refused (`trusted-files.ts`).
 *
 * Beside `peers.json` there may be: `peers.json.lock` (a folder, while a pool runs), `peers.json.tmp-…` (during a save;
 * one left by a crash goes at the next start) and `peers.json.broken-1` … (at most three).
 */
import { lstat, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { name, type Shape, whole } from '../src/core/values/arguments.ts'
import { checkOptions } from '../src/core/values/config.ts'
import { defaultStorageBytes, maxQuarantined, type PeerStorage, StorageError } from '../src/core/values/ports.ts'
import { removeTemporaries, renameFile, siblings, syncFolderOf, writeTemporary } from './durable-file.ts'
import { type FileLock, lockFile } from './file-lock.ts'
import { storageErrorOf } from './system-error.ts'
import { trustedPath, withTrustedFile } from './trusted-files.ts'

/** Options of `jsonFileStorage`. */
export interface JsonFileOptions {
  /** Bytes that the file may have, to be read as to be written. Default 8 MiB; a larger file costs that much memory at start. */
  readonly maxBytes?: number
}

/** Characters, and parts, that are made and written in one turn of the event loop: a few milliseconds of the pool's time. */
const sliceLength = 64 * 1024
const sliceParts = 512

class JsonFileStorage implements PeerStorage {
  readonly name: string
  /** The lock of a process that was killed is stale after six seconds at most. Bans are in force from the first connection on. */
  readonly openWithinMs = 8_000
  readonly #maxBytes: number
  /** `target` is `name` with links resolved: a save replaces the file that a link means, not the link. */
  #held: { readonly target: string; readonly lock: FileLock } | undefined
  /** Settles when no `open` is in progress. One that was given up still has to let go of its lock. */
  #opening: Promise<unknown> = Promise.resolve()

  constructor(path: string, maxBytes: number) {
    this.name = resolve(path)
    this.#maxBytes = maxBytes
  }

  /** Makes missing parent folders, for the owner alone. Waits for the lock of a killed process, about 5 s. */
  open(signal: AbortSignal): Promise<void> {
    const opening = this.#open(signal)
    this.#opening = Promise.allSettled([this.#opening, opening])
    return opening
  }

  async #open(signal: AbortSignal): Promise<void> {
    if (this.#held !== undefined) {
      if (await this.#held.lock.isOurs()) return
      await this.#letGo()
    }
    try {
      signal.throwIfAborted()
      const target = await trustedPath(this.name)
      const lock = await lockFile(target, signal)
      try {
        await removeTemporaries(target, 0)
        // The caller that gave up will not close it.
        signal.throwIfAborted()
      } catch (error) {
        await lock.release()
        throw error
      }
      this.#held = { target, lock }
    } catch (error) {
      throw storageErrorOf(error, `cannot open the peers file ${this.name}`)
    }
  }

  async load(signal: AbortSignal): Promise<string | undefined> {
    try {
      signal.throwIfAborted()
      const { target } = await this.#own()
      const bytes = await withTrustedFile(target, async ({ found, read }) => {
        if (found.size > this.#maxBytes)
          throw new StorageError('too-large', `${this.name} has ${found.size} bytes, at most ${this.#maxBytes} are read`)
        return read(signal)
      })
      if (bytes === undefined) return undefined
      // The decoder drops a byte order mark, and makes bytes that are no UTF-8 visible instead of failing: the pool judges.
      const text = new TextDecoder().decode(bytes)
      // Of a large file that took a while: what is done with the text has a turn of its own.
      await setImmediate()
      return text
    } catch (error) {
      throw storageErrorOf(error, `cannot read the peers file ${this.name}`)
    }
  }

  /**
   * Not started again by itself; may be repeated after any failure, which leaves the old text. The lines are taken over
   * several turns of the event loop. A file that another program holds is tried for two seconds.
   */
  async save(lines: Iterable<string>, signal?: AbortSignal): Promise<void> {
    try {
      const { target } = await this.#own(signal)
      const temporary = await writeTemporary(target, this.#slices(lines))
      try {
        // The write may have taken long: another process that took the lock meanwhile must not find its text replaced.
        await renameFile(temporary, target, async () => void (await this.#own(signal)))
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      await syncFolderOf(target)
    } catch (error) {
      throw storageErrorOf(error, `cannot save the peers file ${this.name}`)
    }
  }

  /** Rejects with `unavailable` for a link: what it means may be any file of ours, so it is neither renamed nor, later, replaced. */
  async quarantine(signal?: AbortSignal): Promise<string> {
    try {
      const { target } = await this.#own(signal)
      if ((await lstat(this.name)).isSymbolicLink())
        throw new StorageError(
          'unavailable',
          `the peers file ${this.name} is a link to ${target}, which holds no peers: move the link away`
        )
      const older = (await siblings(target, /^\.broken-(\d{1,15})$/)).sort((a, b) => Number(a.mark) - Number(b.mark))
      const kept = `${target}.broken-${Number(older.at(-1)?.mark ?? 0) + 1}`
      await renameFile(target, kept, async () => void (await this.#own(signal)))
      await syncFolderOf(target)
      for (const { path } of older.filter(({ isOurs }) => isOurs).slice(0, 1 - maxQuarantined))
        await rm(path, { force: true, recursive: true })
      return kept
    } catch (error) {
      throw storageErrorOf(error, `cannot quarantine the peers file ${this.name}`)
    }
  }

  async close(): Promise<void> {
    await this.#opening
    await this.#letGo()
  }

  async #letGo(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held?.lock.release()
  }

  /** The file, if it is ours now and the call was not given up. */
  async #own(signal?: AbortSignal): Promise<{ readonly target: string }> {
    signal?.throwIfAborted()
    const held = this.#held
    if (held === undefined) throw new StorageError('unavailable', `the peers file ${this.name} is not open`)
    if (await held.lock.isOurs()) return held
    throw new StorageError('locked', `the lock of ${this.name} was lost: this process stood still for seconds, or the lock was removed`)
  }

  *#slices(parts: Iterable<string>): Iterable<string> {
    let slice = ''
    let count = 0
    let bytes = 0
    for (const part of parts) {
      slice += part
      count += 1
      if (slice.length < sliceLength && count < sliceParts) continue
      bytes += this.#checkedBytes(slice, bytes)
      yield slice
      slice = ''
      count = 0
    }
    this.#checkedBytes(slice, bytes)
    yield slice
  }

  #checkedBytes(slice: string, before: number): number {
    const bytes = Buffer.byteLength(slice)
    if (before + bytes <= this.#maxBytes) return bytes
    throw new StorageError('too-large', `the text for ${this.name} has more than the ${this.#maxBytes} bytes that would be read again`)
  }
}

const fileOptions: Shape<JsonFileOptions> = { maxBytes: whole(1, Number.MAX_SAFE_INTEGER) }

/**
 * Keeps peers in a file, for one pool at a time. Rejects with `StorageError` only: `no-permission` also for a file, folder or link of
 * another user than this process's or root. Throws `PoolError` `invalid-config` for a path or an option that cannot be.
 */
export function jsonFileStorage(path: string, options: JsonFileOptions = {}): PeerStorage {
  name(path, { code: 'invalid-config', name: 'path' })
  const { maxBytes = defaultStorageBytes } = checkOptions(options, fileOptions)
  return new JsonFileStorage(path, maxBytes)
}
