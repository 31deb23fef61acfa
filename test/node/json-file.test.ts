import { type ChildProcess, execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonFileStorage } from '../../node/json-file.ts'
import type { PeerStorage } from '../../src/core/values/ports.ts'
import { failureOf, storageContract } from '../contract/storage.ts'
import { child, never, type OtherProcess, startChild, withStorageAt } from './json-file-kit.ts'

let folder: string
let path: string
let children: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
  path = join(folder, 'peers.json')
  children = []
})

afterEach(async () => {
  for (const one of children) one.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

storageContract(
  'JSON file',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'p2p-pool-'))
    const file = join(home, 'deep', 'peers.json')
    return {
      storage: (options) => jsonFileStorage(file, options),
      async quarantined() {
        const names = (await readdir(join(home, 'deep'))).filter((name) => name.startsWith('peers.json.broken-'))
        names.sort((a, b) => Number(a.split('-').at(-1)) - Number(b.split('-').at(-1)))
        return Promise.all(names.map((name) => readFile(join(home, 'deep', name), 'utf8')))
      },
      remove: () => rm(home, { recursive: true })
    }
  },
  { exclusive: true, capped: true }
)

const withStorage = <T>(act: (storage: PeerStorage) => Promise<T>): Promise<T> => withStorageAt(path, act)

/** Killed after the test, at the latest. */
function start(...args: string[]): OtherProcess {
  const started = startChild(...args)
  children.push(started.process)
  return started
}

/** Everything the other process says until it ends. */
function run(args: string[], shell?: string): Promise<{ said: unknown[]; signal: string | undefined }> {
  const command = [process.execPath, child, ...args]
  const [program = '', ...rest] = shell === undefined ? command : ['sh', '-c', shell, ...command]
  return new Promise((resolve) => {
    execFile(program, rest, { encoding: 'utf8' }, (error, stdout) =>
      resolve({
        said: stdout
          .split('\n')
          .filter(Boolean)
          .map((line): unknown => JSON.parse(line)),
        signal: error?.signal ?? undefined
      })
    )
  })
}

/** The number of a text made by the other process; throws if the text is not whole. */
function wholeNumber(text: string | undefined): number {
  if (text === undefined) return 0
  const { n, fill, end } = JSON.parse(text) as { n: number; fill: unknown[]; end: number }
  expect([end, fill.length]).toEqual([n, 5_001])
  return n
}

const temporaries = async () => (await readdir(folder)).filter((name) => name.includes('.tmp-'))

describe('the file', () => {
  test('it is made with its folders, readable by the owner alone', async () => {
    path = join(folder, 'a', 'b', 'peers.json')
    await withStorage((storage) => storage.save(['text']))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['peers.json'])
  })

  test('a byte order mark is dropped, bytes that are no UTF-8 do not fail', async () => {
    await writeFile(path, '\uFEFF{"a":1}')
    expect(await withStorage((storage) => storage.load(never))).toBe('{"a":1}')
    await writeFile(path, Uint8Array.of(0x22, 0xff, 0x22))
    expect(await withStorage((storage) => storage.load(never))).toBe('"\uFFFD"')
  })

  test('a sparse file of 1 GiB is refused by its size alone', async () => {
    await writeFile(path, '{')
    await truncate(path, 2 ** 30)
    const before = performance.now()
    expect(await withStorage((storage) => failureOf(storage.load(never)))).toBe('too-large')
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  test('a link keeps its place: the file that it means is replaced, and is locked under either name', async () => {
    await writeFile(join(folder, 'real.json'), 'old')
    await symlink('real.json', path)
    await withStorage(async (storage) => {
      expect(await failureOf(jsonFileStorage(join(folder, 'real.json')).open(never))).toBe('locked')
      await storage.save(['new'])
    })
    expect(await readFile(join(folder, 'real.json'), 'utf8')).toBe('new')
  })

  test('what a link means is never quarantined', async () => {
    await writeFile(join(folder, 'letter'), 'dear')
    await symlink('letter', path)
    await withStorage(async (storage) => {
      await expect(storage.quarantine()).rejects.toThrow(`the peers file ${path} is a link to ${join(folder, 'letter')}`)
      expect(await failureOf(storage.quarantine())).toBe('unavailable')
    })
    expect((await readdir(folder)).sort()).toEqual(['letter', 'peers.json'])
  })

  test('a folder in place of the file is named as such, and stays', async () => {
    await mkdir(path)
    await withStorage(async (storage) => {
      await expect(storage.load(never)).rejects.toThrow(`${path} should be a file, but it is a folder`)
      expect(await failureOf(storage.save(['text']))).toBe('unavailable')
    })
    expect(await readdir(folder)).toEqual(['peers.json'])
  })

  test('a folder that cannot be made is an error that names the file', async () => {
    await writeFile(join(folder, 'file'), '')
    const storage = jsonFileStorage(join(folder, 'file', 'peers.json'))
    await expect(storage.open(never)).rejects.toThrow(join(folder, 'file', 'peers.json'))
    expect(await failureOf(storage.open(never))).toBe('unavailable')
  })

  test('a folder that may not be written fails with no-permission', async () => {
    // The permissions of a folder do not bind root; those of the kernel's own bind everybody.
    expect(await failureOf(jsonFileStorage('/sys/kernel/p2p-pool/peers.json').open(never))).toBe('no-permission')
    if (process.getuid?.() === 0) return
    await chmod(folder, 0o500)
    expect(await failureOf(jsonFileStorage(path).open(never))).toBe('no-permission')
    await chmod(folder, 0o700)
  })

  test('the text is made in slices, other work gets its turn between them', async () => {
    let turns = 0
    let most = 0
    let inThisTurn = 0
    let done = false
    const tick = () => {
      turns += 1
      inThisTurn = 0
      if (!done) setImmediate(tick)
    }
    setImmediate(tick)
    function* entries(): Iterable<string> {
      for (let i = 0; i < 100_000; i++) {
        inThisTurn += 1
        most = Math.max(most, inThisTurn)
        yield `"12D3KooW${i}",`
      }
    }
    await withStorage((storage) => storage.save(entries()))
    done = true
    expect(turns).toBeGreaterThan(100)
    expect(most).toBeLessThanOrEqual(512)
  })
})

describe('a crash', () => {
  const seed = Number(process.env.SEED ?? 20_261)

  test(`a process killed at random moments leaves the old text or the new one, whole (seed ${seed})`, async () => {
    let state = seed
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    let newest = 0
    let leftovers = 0
    for (let round = 0; round < 22; round++) {
      const saver = start('loop', path)
      await saver.lines.next()
      const seen = new Promise<number>((resolve) => {
        let last = 0
        const read = async () => {
          for (let line = await saver.lines.next(); line.done !== true; line = await saver.lines.next()) last = Number(line.value)
          resolve(last)
        }
        void read()
      })
      await new Promise((resolve) => setTimeout(resolve, random() * 60))
      saver.process.kill('SIGKILL')
      const said = await seen
      await saver.ended
      leftovers += (await temporaries()).length
      // Stands for the five seconds until the lock is stale, which have a test of their own.
      await rmdir(`${path}.lock`)
      const found = wholeNumber(await withStorage((storage) => storage.load(never)))
      // What it said to be saved is there, or the text after it: each process counts from one.
      if (said > 0) expect([said, said + 1], `round ${round}`).toContain(found)
      newest = Math.max(newest, found)
      expect(await temporaries(), `round ${round}`).toEqual([])
    }
    expect(newest).toBeGreaterThan(1)
    expect(leftovers).toBeGreaterThan(0)
  }, 60_000)

  test('a save syncs the text before it takes its place, and the folder after', async () => {
    const { said } = await run(['step', path, '0', 'trace'])
    expect(said.join(' ')).toMatch(/^open (write )+sync close rename open sync close saved$/)
  })

  test('killed before any step of a save, the next start finds the old text or the new one, and no temporary', async () => {
    const steps = (await run(['step', path, '0', 'trace'])).said.length - 1
    expect(steps).toBeGreaterThanOrEqual(8)
    for (let step = 1; step <= steps; step++) {
      await withStorage((storage) => storage.save([JSON.stringify({ n: 1, fill: Array(5_001).fill(0), end: 1 })]))
      expect((await run(['step', path, `${step}`, 'kill'])).signal, `step ${step}`).toBe('SIGKILL')
      await rmdir(`${path}.lock`)
      const found = wholeNumber(await withStorage((storage) => storage.load(never)))
      // The last three steps, those of the folder, come after the rename.
      expect(found, `step ${step} of ${steps}`).toBe(step > steps - 3 ? 2 : 1)
      expect(await temporaries()).toEqual([])
    }
  }, 60_000)
})

describe('a disk that fails', () => {
  test.for([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EROFS', 'no-permission'],
    ['EIO', 'unavailable']
  ] as const)(
    '%s at any step of a save is told as "%s", leaves a whole text and no temporary',
    { timeout: 60_000 },
    async ([code, failure]) => {
      await withStorage((storage) => storage.save([JSON.stringify({ n: 1, fill: Array(5_001).fill(0), end: 1 })]))
      const { said } = await run(['steps', path, '8', code])
      const outcome = { failure, message: expect.stringContaining(path) }
      expect(said).toEqual(Array.from({ length: 8 }, () => ({ outcome, end: expect.any(Number), files: ['peers.json'] })))
      expect(wholeNumber(await readFile(path, 'utf8'))).toBeGreaterThan(0)
    }
  )

  test.for(['EPERM', 'EACCES', 'EBUSY'])(
    'a file that another program holds for a moment (%s) is replaced, and moved, after it',
    async (code) => {
      await withStorage((storage) => storage.save(['old']))
      expect((await run(['busy', path, '5', code])).said).toEqual(['saved', 'quarantined'])
      expect(wholeNumber(await readFile(`${path}.broken-1`, 'utf8'))).toBe(2)
      expect(await readdir(folder)).toEqual(['peers.json.broken-1'])
    }
  )

  test('a file that another program holds for good stays as it is, and the save fails after two seconds', async () => {
    await withStorage((storage) => storage.save(['old']))
    const { said } = await run(['busy', path, '1000000', 'EPERM'])
    const failure = { failure: 'no-permission', message: expect.stringContaining(path) }
    expect(said).toEqual([failure, failure])
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['peers.json'])
  })

  test('a write that the system cuts short does not replace the good text', async () => {
    await withStorage((storage) => storage.save(['good']))
    // Files of at most 16 blocks of 512 bytes: the first write is taken in part, the next one fails with EFBIG.
    const { said } = await run(['save', path], 'ulimit -f 16; exec "$0" "$@"')
    expect(said).toEqual([{ failure: 'full', message: expect.stringContaining(path) }])
    expect(await readFile(path, 'utf8')).toBe('good')
    expect(await readdir(folder)).toEqual(['peers.json'])
  })
})
