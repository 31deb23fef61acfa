/** The lock of the JSON file, against other processes and crashes. Most of the time passes in waiting, so the tests wait together. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rm, rmdir, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect } from 'vitest'
import { createNodePeer } from '../../node/index.ts'
import { jsonFileStorage } from '../../node/json-file.ts'
import { StorageError } from '../../src/core/values/ports.ts'
import { failureOf } from '../contract/storage.ts'
import { never, type OtherProcess, startChild, withStorageAt } from './json-file-kit.ts'

interface Place {
  /** Of a file in a folder of the test's own. */
  readonly path: string
  /** Starts another process, which is killed when the test ends. */
  readonly start: (...args: string[]) => OtherProcess
}

const test = base.extend<{ place: Place }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  place: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
    const children: ChildProcess[] = []
    const start = (...args: string[]): OtherProcess => {
      const started = startChild(...args)
      children.push(started.process)
      return started
    }
    await use({ path: join(folder, 'peers.json'), start })
    for (const one of children) one.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})

describe.concurrent('the lock', () => {
  test('another process that lives keeps the file, and the error names it', async ({ place: { path, start } }) => {
    const holder = start('hold', path)
    await holder.lines.next()
    const before = performance.now()
    const error: unknown = await jsonFileStorage(path)
      .open(never)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StorageError)
    expect(error).toMatchObject({ failure: 'locked', message: expect.stringContaining(path) })
    expect(performance.now() - before).toBeLessThan(4_000)
  })

  test('the lock of a process killed a moment ago is taken over in about five seconds', async ({ place: { path, start } }) => {
    const holder = start('hold', path)
    await holder.lines.next()
    holder.process.kill('SIGKILL')
    await holder.ended
    const before = performance.now()
    await withStorageAt(path, (storage) => storage.save(['text']))
    // The package may date its first lock up to a second ahead.
    expect(performance.now() - before).toBeLessThan(7_000)
  })

  test('a peer that starts a moment after its process was killed has its bans at once', async ({ place: { path, start } }) => {
    const init = { network: 'test', listen: [], peersFile: path, minConnections: 0, expectedConnections: 0 }
    const before = await createNodePeer(init)
    const banned = before.pool.peerId
    await before.pool.peers.ban(banned)
    await before.stop()
    const holder = start('hold', path)
    await holder.lines.next()
    holder.process.kill('SIGKILL')
    await holder.ended
    const { pool, stop } = await createNodePeer(init)
    const seen = { banned: pool.peers.isBanned(banned), mode: pool.snapshot().storage.mode }
    await stop()
    expect(seen).toEqual({ banned: true, mode: 'persistent' })
  })

  test('the wait for a lock ends with its signal', async ({ place: { path } }) => {
    await mkdir(`${path}.lock`)
    const before = performance.now()
    expect(await failureOf(jsonFileStorage(path).open(AbortSignal.timeout(300)))).toBe('locked')
    expect(performance.now() - before).toBeLessThan(2_000)
    await rmdir(`${path}.lock`)
  })

  test('a dead lock dated in the future, by a clock that was set back, is taken over too', async ({ place: { path } }) => {
    await mkdir(`${path}.lock`)
    const nextYear = Date.now() / 1_000 + 365 * 86_400
    await utimes(`${path}.lock`, nextYear, nextYear)
    await withStorageAt(path, (storage) => storage.save(['text']))
  }, 20_000)

  test('a process that stood still loses the lock, gets an error, goes on, and never overwrites the new owner', async ({
    place: { path, start }
  }) => {
    const stalled = start('stall', path, '7500')
    expect((await stalled.lines.next()).value).toBe('"open"')
    await withStorageAt(path, async (storage) => {
      await storage.save(['of the new owner'])
      for (const answer of ['save', 'load']) {
        expect(JSON.parse((await stalled.lines.next()).value as string), answer).toMatchObject({ failure: 'locked' })
      }
      await stalled.ended
      expect(stalled.process.exitCode).toBe(0)
      expect(await storage.load(never)).toBe('of the new owner')
    })
  }, 40_000)

  test('a storage whose lock was removed refuses to write until it is opened again', async ({ place: { path } }) => {
    await withStorageAt(path, async (storage) => {
      await storage.save(['old'])
      await rmdir(`${path}.lock`)
      expect(await failureOf(storage.save(['new']))).toBe('locked')
      await storage.open(never)
      await storage.save(['new'])
      // Beyond the next renewal of the lock that was lost.
      await new Promise((resolve) => setTimeout(resolve, 1_300))
      expect(await storage.load(never)).toBe('new')
    })
  })
})
