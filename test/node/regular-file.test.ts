/** Files that a person names, where the name leads to a pipe, a device or a folder, or the file does not answer. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectToControlPort } from '../../node/command/control-port.ts'
import { holdDataFolder } from '../../node/command/data-folder.ts'
import { readNodeSettings } from '../../node/command/node-settings.ts'
import { loadOrCreateIdentity } from '../../node/identity.ts'
import { jsonFileStorage } from '../../node/json-file.ts'
import { readSmallFile } from '../../node/regular-file.ts'
import { loadCertificate } from '../../node/tls-certificate.ts'

/** Stands for a file on a machine that is gone: its open ends when the test says so. */
const silent = vi.hoisted(() => ({ path: '/silent/file', opened: 0, answer: (): void => undefined }))

vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof import('node:fs/promises')>()
  const open: typeof real.open = async (path, ...rest) => {
    if (path !== silent.path) return real.open(path, ...rest)
    silent.opened += 1
    await new Promise<void>((resolve) => {
      silent.answer = resolve
    })
    throw new Error('the machine is back')
  }
  return { ...real, open }
})

const never = new AbortController().signal
let folder: string
let pipe: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
  pipe = join(folder, 'pipe')
  await promisify(execFile)('mkfifo', ['-m', '600', pipe])
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** All uses of files that a person names. */
const uses: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  key: (key) => loadCertificate({ key, cert: '-----BEGIN CERTIFICATE-----' }),
  certificate: (cert) => loadCertificate({ key: '-----BEGIN PRIVATE KEY-----', cert }),
  '--config': (config) => readNodeSettings({ config }),
  'control token': (path) => connectToControlPort({ host: '127.0.0.1', port: 1 }, path, 3_000),
  identity: (path) => loadOrCreateIdentity(path),
  'peers file': async (path) => {
    const storage = jsonFileStorage(path)
    await storage.open(never)
    await storage.load(never).finally(() => storage.close())
  }
}

describe.each(Object.entries(uses))('%s', (_, use) => {
  test('a pipe is refused at once', async () => {
    await expect(use(pipe)).rejects.toThrow(`${pipe} should be a file, but it is a pipe`)
  })

  test('a folder is refused', async () => {
    const inner = join(folder, 'inner')
    await mkdir(inner, { mode: 0o700 })
    await expect(use(inner)).rejects.toThrow(`${inner} should be a file, but it is a folder`)
  })
})

test('who holds a data folder is not waited for', async () => {
  const data = await holdDataFolder(folder)
  await rm(join(folder, 'node.pid'))
  await promisify(execFile)('mkfifo', ['-m', '600', join(folder, 'node.pid')])
  await expect(holdDataFolder(folder)).rejects.toMatchObject({ code: 'held', message: expect.stringContaining('another process') })
  await data.release()
})

test('a text is read up to its bound', async () => {
  const path = join(folder, 'text')
  await writeFile(path, 'four')
  expect((await readSmallFile(path, { maxBytes: 4 })).text).toBe('four')
  await expect(readSmallFile(path, { maxBytes: 3 })).rejects.toMatchObject({ failure: 'too-large' })
  await expect(readSmallFile(join(folder, 'none'), { maxBytes: 3 })).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a file that does not answer is given up, and not opened again before it has answered', async () => {
  const read = () => readSmallFile(silent.path, { maxBytes: 4, deadlineMs: 20 })
  await expect(read()).rejects.toThrow('/silent/file was not read within 20 ms')
  await expect(read()).rejects.toThrow('the read before has not ended yet')
  expect(silent.opened).toBe(1)
  silent.answer()
  await vi.waitFor(async () => {
    await read().catch(() => undefined)
    expect(silent.opened).toBe(2)
  })
  silent.answer()
})
