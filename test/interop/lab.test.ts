import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectedSockets } from './kit/sockets.ts'
import type { Column, Result } from './kit/targets.ts'
import { writeTable } from './table.ts'

const runner = fileURLToPath(new URL('run.ts', import.meta.url))
const document = fileURLToPath(new URL('../../docs/interop.md', import.meta.url))

function interop(args: readonly string[], env: Record<string, string> = {}): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: 'utf8', env: { ...process.env, ...env } })
  return { status, said: stdout + stderr }
}

describe('the command', () => {
  it('lists the implementations that the document has, in the same order', async () => {
    const { status, said } = interop(['--list'])
    const listed = [...said.matchAll(/^([a-z0-9-]+): /gm)].map(([, name]) => name)
    const written = [...(await readFile(document, 'utf8')).matchAll(/^\| .*?\(`([a-z0-9-]+)`\) \|/gm)].map(([, name]) => name)
    expect({ status, listed }).toEqual({ status: 0, listed: written })
    expect(listed).toEqual(['js', 'go', 'kubo', 'rust', 'python'])
  })

  it('names an implementation that it does not know', () => {
    expect(interop(['haskell'])).toEqual({ status: 1, said: expect.stringContaining('no implementation haskell') })
  })

  it('names each missing toolchain, and does not pass when it could run nothing', () => {
    const { status, said } = interop(['go', 'rust', 'python', '--idle', '0'], { PATH: '/nowhere' })
    expect(status).toBe(1)
    for (const tool of ['go', 'cargo', 'python3']) expect(said).toContain(`${tool} is not installed`)
    expect(said).toContain('3 implementations not run')
  })
})

describe('the table', () => {
  let folder: string
  let file: string
  const subjects = ['one', 'two', 'three'].map((name) => ({ name, title: name.toUpperCase() }))
  const results = (isMet: boolean): ReadonlyMap<Column, Result> => new Map([['idle', { measured: '4 | 5', isMet }]])
  const linesOf = async (): Promise<string[]> =>
    (await readFile(file, 'utf8')).split('\n').filter((line) => /^\| (ONE|TWO|THREE) /.test(line))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interop-'))
    file = join(folder, 'interop.md')
    await writeFile(
      file,
      'before\n<!-- interop: written by npm run interop -->\n| TWO (`two`) | as it was |\n<!-- interop: end -->\nafter\n'
    )
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('has what was found, why something did not run, and what was found before', async () => {
    await writeTable(
      file,
      subjects,
      new Map([
        ['one', { results: results(false) }],
        ['three', { hindrance: 'no compiler' }]
      ])
    )
    expect(await linesOf()).toEqual([
      '| ONE (`one`) | not run | **missed**: 4 \\| 5 | not run | not run |',
      '| TWO (`two`) | as it was |',
      '| THREE (`three`) | not run: no compiler | not run: no compiler | not run: no compiler | not run: no compiler |'
    ])
    expect(await readFile(file, 'utf8')).toMatch(/^before\n<!--.*-->\nafter\n$/s)
  })

  it('is the same when it is written again', async () => {
    await writeTable(file, subjects, new Map([['one', { results: results(true) }]]))
    const first = await readFile(file, 'utf8')
    await writeTable(file, subjects, new Map())
    expect(await readFile(file, 'utf8')).toBe(first)
  })

  it('is refused where the document has no place for it', async () => {
    await writeFile(file, 'nothing')
    await expect(writeTable(file, subjects, new Map())).rejects.toThrow('has no place for the table')
  })
})

describe.runIf(process.platform === 'linux')('the sockets of a process', () => {
  it('are those that are connected, not those that listen', async () => {
    const child = spawn(process.execPath, [
      '-e',
      "const server = require('node:net').createServer(() => {}).listen(0, '127.0.0.1', () => console.log(server.address().port))"
    ])
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const pid = child.pid ?? 0
      expect(await connectedSockets(pid)).toBe(0)
      const socket = createConnection(Number(said.toString()), '127.0.0.1')
      await expect.poll(() => connectedSockets(pid)).toBe(1)
      socket.destroy()
      await expect.poll(() => connectedSockets(pid)).toBe(0)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
