import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findingOf, type Row } from './kit/row.ts'
import { writeTable } from './table.ts'

const runner = fileURLToPath(new URL('run.ts', import.meta.url))
const document = fileURLToPath(new URL('../../docs/security.md', import.meta.url))

/** Run by somebody who is not root, whoever runs the tests. */
function attacks(...args: readonly string[]): { status: number | null; said: string } {
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: 'utf8', ...nobody })
  return { status, said: stdout + stderr }
}

describe('the command', () => {
  it('without root says so, runs nothing and exits with 1', () => {
    expect(attacks()).toEqual({ status: 1, said: expect.stringMatching(/need root.*Nothing was run/s) })
  })

  it('lists the rows that the document has, each once, in the same order', async () => {
    const { status, said } = attacks('--list')
    const listed = said.match(/^[a-z0-9-]+$/gm)
    const written = [...(await readFile(document, 'utf8')).matchAll(/^\| .*?\(`([a-z0-9-]+)`\) \|/gm)].map(([, name]) => name)
    expect({ status, listed }).toEqual({ status: 0, listed: written })
    expect(new Set(listed).size).toBe(22)
  })
})

describe('the table', () => {
  let folder: string
  let file: string
  const row = (name: string): Row => ({ name, attack: `attack ${name}`, target: 'a | b', deadlineMs: 1, run: async () => findingOf() })
  const rows = [row('one'), row('two')]
  const tableOf = async (): Promise<string[]> => (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('| attack '))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'table-'))
    file = join(folder, 'security.md')
    await writeFile(
      file,
      'before\n<!-- attacks: written by npm run attacks -->\n| x (`two`) | t | old | met | then |\n<!-- attacks: end -->\nafter\n'
    )
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('has the new finding of a row that ran, the old one of a row that did not, and keeps all around it', async () => {
    await writeTable(file, rows, new Map([['one', { measured: '1 | 2', verdict: 'missed' }]]))
    expect((await tableOf()).slice(1)).toEqual([
      '| attack one (`one`) | a \\| b | 1 \\| 2 | missed |  |',
      '| attack two (`two`) | a \\| b | old | met | then |'
    ])
    expect(await readFile(file, 'utf8')).toMatch(/^before\n<!--.*-->\nafter\n$/s)
  })

  it('is the same when it is written again', async () => {
    await writeTable(file, rows, new Map([['one', { measured: '1 | 2', verdict: 'met' }]]))
    const first = await readFile(file, 'utf8')
    await writeTable(file, rows, new Map())
    expect(await readFile(file, 'utf8')).toBe(first)
  })

  it('is refused where the document has no place for it', async () => {
    await writeFile(file, 'nothing')
    await expect(writeTable(file, rows, new Map())).rejects.toThrow('has no place for the table')
  })
})
