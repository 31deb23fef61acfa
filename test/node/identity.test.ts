import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadOrCreateIdentity } from '../../node/identity.ts'
import { failureOf } from '../contract/storage.ts'

const identityModule = fileURLToPath(new URL('../../node/identity.ts', import.meta.url))

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
  path = join(folder, 'keys', 'identity.key')
})

afterEach(() => rm(folder, { recursive: true }))

test('the first start makes an Ed25519 key that its owner alone can read, and nothing else', async () => {
  const privateKey = await loadOrCreateIdentity(path)
  expect(privateKey.type).toBe('Ed25519')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700)
  expect(await readdir(join(folder, 'keys'))).toEqual(['identity.key'])
  expect(privateKeyFromProtobuf(await readFile(path)).equals(privateKey)).toBe(true)
})

test('the next start has the same key', async () => {
  const first = await loadOrCreateIdentity(path)
  expect((await loadOrCreateIdentity(path)).equals(first)).toBe(true)
})

test('two files are two identities', async () => {
  expect((await loadOrCreateIdentity(path)).equals(await loadOrCreateIdentity(`${path}2`))).toBe(false)
})

test('starts at the same time, in one process and in several, get one key', async () => {
  const script = `const { loadOrCreateIdentity } = await import(process.argv[1]); const key = await loadOrCreateIdentity(process.argv[2]); console.log(key.publicKey.toString())`
  const outside = Array.from(
    { length: 4 },
    () =>
      new Promise<string>((resolve, reject) => {
        execFile(process.execPath, ['--input-type=module', '-e', script, identityModule, path], (error, stdout) =>
          error === null ? resolve(stdout.trim()) : reject(error)
        )
      })
  )
  // About when the processes have loaded their modules.
  await new Promise((resolve) => setTimeout(resolve, 250))
  const inside = await Promise.all(Array.from({ length: 20 }, async () => (await loadOrCreateIdentity(path)).publicKey.toString()))
  expect(new Set([...inside, ...(await Promise.all(outside))]).size).toBe(1)
  expect(await readdir(join(folder, 'keys'))).toEqual(['identity.key'])
})

test('a key that others may read is refused with the command that helps', async () => {
  await loadOrCreateIdentity(path)
  for (const mode of [0o640, 0o604, 0o644, 0o620]) {
    await chmod(path, mode)
    expect(await failureOf(loadOrCreateIdentity(path))).toBe('no-permission')
    await expect(loadOrCreateIdentity(path)).rejects.toThrow(`chmod 600 '${path}'`)
  }
  await chmod(path, 0o400)
  await loadOrCreateIdentity(path)
})

test('a key cut at any byte is an error that names the file, and stays as it is', async () => {
  await loadOrCreateIdentity(path)
  const good = await readFile(path)
  const damaged = [Buffer.from('not a key'), Buffer.alloc(68), ...Array.from(good, (_, length) => good.subarray(0, length))]
  for (const bytes of damaged) {
    await writeFile(path, bytes)
    expect(await failureOf(loadOrCreateIdentity(path)), bytes.toString('hex')).toBe('broken')
    await expect(loadOrCreateIdentity(path)).rejects.toThrow(path)
    expect(await readFile(path)).toEqual(bytes)
  }
})

test('a key with any bit flipped is the same key or an error, never another peer', async () => {
  const first = await loadOrCreateIdentity(path)
  const good = await readFile(path)
  let refused = 0
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = Buffer.from(good)
    flipped.writeUInt8(good.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    await writeFile(path, flipped)
    try {
      expect((await loadOrCreateIdentity(path)).equals(first), `bit ${bit}`).toBe(true)
    } catch (error) {
      expect(error, `bit ${bit}`).toMatchObject({ failure: 'broken', message: expect.stringContaining(path) })
      refused += 1
    }
    expect(await readFile(path)).toEqual(flipped)
  }
  // The bits of both halves of the key are all checked; a few of the frame around them mean nothing.
  expect(refused).toBeGreaterThanOrEqual(64 * 8)
})

test('a huge file and a folder in place of the key are refused and stay', async () => {
  await mkdir(path, { recursive: true })
  await expect(loadOrCreateIdentity(path)).rejects.toThrow(`${path} should be a file, but it is a folder`)
  await rm(path, { recursive: true })
  await writeFile(path, '', { mode: 0o600 })
  await truncate(path, 2 ** 30)
  expect(await failureOf(loadOrCreateIdentity(path))).toBe('too-large')
  expect((await stat(path)).size).toBe(2 ** 30)
})

test('a folder that cannot be made or written is an error that names the file', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(loadOrCreateIdentity(join(folder, 'file', 'identity.key'))).rejects.toThrow(join(folder, 'file', 'identity.key'))
  expect(await failureOf(loadOrCreateIdentity('/sys/kernel/p2p-pool/identity.key'))).toBe('no-permission')
})

test('what a crash left beside the key goes at a later start, what another start is writing stays', async () => {
  await mkdir(join(folder, 'keys'))
  const old = `${path}.tmp-0123456789abcdef`
  const young = `${path}.tmp-fedcba9876543210`
  await writeFile(old, '')
  await writeFile(young, '')
  const anHourAgo = Date.now() / 1_000 - 3_600
  await utimes(old, anHourAgo, anHourAgo)
  await loadOrCreateIdentity(path)
  expect((await readdir(join(folder, 'keys'))).sort()).toEqual(['identity.key', 'identity.key.tmp-fedcba9876543210'])
})
