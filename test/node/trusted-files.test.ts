/**
 * Files, folders, links and locks of other users, for the peers file and the identity file. To make them one must be root; a run
 * by another user checks what it can and says what it could not.
 */
import { execFile } from 'node:child_process'
import {
  chmod,
  chown,
  lchown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadOrCreateIdentity } from '../../node/identity.ts'
import { jsonFileStorage } from '../../node/json-file.ts'
import { StorageError } from '../../src/core/values/ports.ts'

const never = new AbortController().signal
const isRoot = process.geteuid?.() === 0
const nobody = 65_534
const somebody = 65_533

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
  // Other users pass through it.
  await chmod(folder, 0o755)
  file = join(folder, 'home', 'kept')
  await mkdir(join(folder, 'home'), { mode: 0o700 })
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** What both uses of files do with a path: the failure, or what came of it. */
const uses: Readonly<Record<string, (path: string) => Promise<string>>> = {
  'peers file': (path) =>
    failureOr(async () => {
      const storage = jsonFileStorage(path)
      await storage.open(never)
      try {
        await storage.load(never)
        await storage.save(['mine'])
      } finally {
        await storage.close()
      }
    }),
  'identity file': (path) =>
    failureOr(async () => {
      await loadOrCreateIdentity(path)
    })
}

async function failureOr(act: () => Promise<void>): Promise<string> {
  try {
    await act()
    return 'used'
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    // Who reads it learns which file, and what to do.
    expect(error.message).toContain(folder)
    if (error.failure === 'no-permission') expect(error.message).toMatch(/chown|chmod/)
    return error.failure
  }
}

/** All that lies in the folder, with owners and contents. */
async function everything(path = folder): Promise<string[]> {
  const found: string[] = []
  for (const name of (await readdir(path)).sort()) {
    const inner = join(path, name)
    const { uid, mode } = await lstat(inner)
    const kind = await lstat(inner)
    const content = kind.isSymbolicLink() ? await readlink(inner) : kind.isFile() ? await readFile(inner, 'latin1') : ''
    found.push(`${inner} ${uid} ${mode.toString(8)} ${content}`)
    if (kind.isDirectory()) found.push(...(await everything(inner)))
  }
  return found
}

/** Each puts something of another user in the way of `file`. */
const foreign: Readonly<Record<string, () => Promise<void>>> = {
  'a file of another user': async () => {
    await writeFile(file, 'theirs', { mode: 0o600 })
    await chown(file, nobody, nobody)
  },
  'a file of another user that all may read': async () => {
    await writeFile(file, 'theirs', { mode: 0o644 })
    await chown(file, nobody, nobody)
  },
  'a folder of another user': async () => {
    await writeFile(file, 'mine', { mode: 0o600 })
    await chown(join(folder, 'home'), nobody, nobody)
  },
  'a link of another user to a file of ours': async () => {
    await writeFile(join(folder, 'secret'), 'mine', { mode: 0o600 })
    await symlink(join(folder, 'secret'), file)
    await shareWith(nobody)
  },
  'a link of another user to nothing': async () => {
    await symlink(join(folder, 'nothing'), file)
    await shareWith(nobody)
  },
  'a link of ours to a file of another user': async () => {
    await writeFile(join(folder, 'theirs'), 'theirs', { mode: 0o600 })
    await chown(join(folder, 'theirs'), nobody, nobody)
    await symlink(join(folder, 'theirs'), file)
  },
  'a link of ours into a folder of another user': async () => {
    await mkdir(join(folder, 'away'))
    await chown(join(folder, 'away'), nobody, nobody)
    await symlink(join(folder, 'away', 'kept'), file)
  },
  'a folder that is a link of another user': async () => {
    await rm(join(folder, 'home'), { recursive: true })
    await mkdir(join(folder, 'ours'), { mode: 0o700 })
    await symlink(join(folder, 'ours'), join(folder, 'home'))
    await lchown(join(folder, 'home'), nobody, nobody)
  },
  'a link of ours that another user put into a shared folder': async () => {
    // As a hard link to a link of root does.
    await writeFile(join(folder, 'secret'), 'mine', { mode: 0o600 })
    await symlink(join(folder, 'secret'), join(folder, 'link'))
    await rename(join(folder, 'link'), file)
    await chmod(join(folder, 'home'), 0o1777)
  }
}

/** As in a folder for all, where others may put links. */
async function shareWith(uid: number): Promise<void> {
  await lchown(file, uid, uid)
  await chmod(join(folder, 'home'), 0o1777)
}

describe.each(Object.entries(uses))('%s', (_use, use) => {
  test.each(Object.entries(foreign))('%s is refused, and nothing is changed', async (name, make) => {
    if (!isRoot) return void console.info(`not checked, since it takes root: ${name}`)
    await make()
    const before = await everything()
    expect(await use(file)).toBe('no-permission')
    expect(await everything()).toEqual(before)
  })

  test.each([0o777, 0o775, 0o1777, 0o770])('a link in a folder to which others may write (mode %o) is not followed', async (mode) => {
    await writeFile(join(folder, 'secret'), 'mine', { mode: 0o600 })
    await symlink(join(folder, 'secret'), file)
    await chmod(join(folder, 'home'), mode)
    expect(await use(file)).toBe('no-permission')
    expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('mine')
  })

  test('links and folders of ours are followed, over several steps and with missing folders at the end', async () => {
    await symlink('../deep/er', join(folder, 'home', 'one'))
    await mkdir(join(folder, 'deep'), { mode: 0o755 })
    await symlink(join(folder, 'real'), join(folder, 'deep', 'er'))
    await mkdir(join(folder, 'real'))
    expect(await use(join(folder, 'home', 'one', 'new', 'kept'))).toBe('used')
    expect(await readdir(join(folder, 'real', 'new'))).toEqual(['kept'])
    expect((await lstat(join(folder, 'real', 'new'))).mode & 0o777).toBe(0o700)
  })

  test('links in a circle are an error', async () => {
    await symlink(file, `${file}2`)
    await symlink(`${file}2`, file)
    expect(await use(file)).toBe('unavailable')
  })

  test('a pipe in place of the file does not hold us up', async () => {
    await new Promise((resolve, reject) => execFile('mkfifo', [file], (error) => (error === null ? resolve(undefined) : reject(error))))
    expect(await use(file)).toBe('unavailable')
  })
})

describe('a process of an ordinary user', () => {
  const child = fileURLToPath(new URL('trusted-files-child.ts', import.meta.url))
  const asNobody = (): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [child, file], { uid: nobody, gid: nobody, cwd: folder }, (error, stdout, stderr) =>
        error === null ? resolve(stdout.trim()) : reject(new Error(stderr))
      )
    })

  test.each([
    ['a file of its own in a folder of its own', nobody, nobody, 'used'],
    ['a file of root in a folder of its own', 0, nobody, 'used'],
    ['a file of a third user in a folder of its own', somebody, nobody, 'no-permission'],
    ['a file of its own in a folder of a third user', nobody, somebody, 'no-permission']
  ])('with %s', async (name, fileOwner, folderOwner, expected) => {
    if (!isRoot) return void console.info(`not checked, since it takes root: ${name}`)
    await writeFile(file, '', { mode: 0o644 })
    await chown(file, fileOwner, fileOwner)
    await chmod(join(folder, 'home'), 0o777)
    await chown(join(folder, 'home'), folderOwner, folderOwner)
    expect(await asNobody()).toBe(expected)
  })

  test('what another user left beside the file in a folder for all is left alone, and hinders nothing', async () => {
    if (!isRoot) return void console.info('not checked, since it takes root: what another user left beside the file')
    await chmod(join(folder, 'home'), 0o1777)
    for (const name of ['kept.tmp-0123456789abcdef', 'kept.broken-7', 'kept.broken-9']) {
      await writeFile(join(folder, 'home', name), 'theirs')
      await chown(join(folder, 'home', name), somebody, somebody)
    }
    expect(await asNobody()).toBe('used')
    const left = (await readdir(join(folder, 'home'))).sort()
    expect(left).toEqual([
      'kept',
      ...['kept.broken-12', 'kept.broken-13', 'kept.broken-14', 'kept.broken-7', 'kept.broken-9'],
      'kept.tmp-0123456789abcdef'
    ])
  })
})

describe('the lock of a peers file', () => {
  test('of another user, who keeps it fresh, is refused by name', async () => {
    if (!isRoot) return void console.info('not checked, since it takes root: a lock of another user')
    await mkdir(`${file}.lock`)
    await chown(`${file}.lock`, nobody, nobody)
    const opening = jsonFileStorage(file).open(never)
    await expect(opening).rejects.toThrow(`${file}.lock belongs to user ${nobody}`)
    await expect(opening).rejects.toMatchObject({ failure: 'no-permission' })
  })
})

test('a file that is swapped for a link after it was opened is not read', async () => {
  await writeFile(file, 'mine')
  await writeFile(join(folder, 'secret'), 'secret')
  const storage = jsonFileStorage(file)
  await storage.open(never)
  await rm(file)
  await symlink(join(folder, 'secret'), file)
  await expect(storage.load(never)).rejects.toMatchObject({ failure: 'unavailable' })
  await storage.save(['mine'])
  expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('secret')
  expect((await lstat(file)).isFile()).toBe(true)
  await storage.close()
})

test('a file with a second name is replaced under ours alone', async () => {
  await writeFile(join(folder, 'other'), 'other')
  await link(join(folder, 'other'), file)
  expect(await uses['peers file']?.(file)).toBe('used')
  expect(await readFile(join(folder, 'other'), 'utf8')).toBe('other')
})
