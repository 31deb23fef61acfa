/**
 * `npm run test:runtimes`: a smoke test of the packed package in Node 22, Node 24, Bun and Deno, each from npm, in a folder of its own. Exits
 * with 1 if a program of ours fails. Plain libp2p runs beside them, to tell what is its own: it may hang, and the table says so. Some two
 * minutes; npm needs the registry.
 */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { makeProject } from '../bundlers/project.ts'
import { runStep } from '../steps.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const programs = fileURLToPath(new URL('programs/', import.meta.url))
const packMs = 120_000
const programMs = 40_000
/** Scripts that put the binary in its place, which npm runs by permission only. */
const allowScripts = { bun: true, deno: true, node: true }

interface Runtime {
  readonly name: string
  /** To install. */
  readonly packages: readonly string[]
  readonly command: readonly string[]
}

const runtimes: readonly Runtime[] = [
  { name: 'Node 22', packages: ['node@22'], command: ['node_modules/.bin/node'] },
  { name: 'Node 24', packages: ['node@24'], command: ['node_modules/.bin/node'] },
  { name: 'Bun', packages: ['bun'], command: ['node_modules/.bin/bun'] },
  { name: 'Deno', packages: ['deno'], command: ['node_modules/.bin/deno', 'run', '-A'] }
]

interface Program {
  readonly words: readonly string[]
  /** What it prints when all is done. */
  readonly last: string
  readonly isOurs: boolean
}

const cases: readonly Program[] = [
  { words: ['core.mjs'], last: 'said:', isOurs: true },
  { words: ['node-peers.mjs', 'tcp'], last: 'all stopped', isOurs: true },
  { words: ['node-peers.mjs', 'ws'], last: 'all stopped', isOurs: true },
  { words: ['bare-libp2p.mjs', 'tcp'], last: 'all stopped', isOurs: false },
  { words: ['bare-libp2p.mjs', 'ws'], last: 'all stopped', isOurs: false }
]

const root = await mkdtemp(join(tmpdir(), 'p2p-pool-runtimes-'))
try {
  await runStep(['npm', 'pack', '--silent', '--pack-destination', root], { cwd: checkout, deadlineMs: packMs })
  const [tarball] = (await readdir(root)).filter((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${root}`)
  let failed = 0
  for (const runtime of runtimes) failed += await tryOne(runtime, join(root, tarball))
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  await rm(root, { recursive: true, force: true })
}

/** How many programs of ours fail in it. */
async function tryOne({ name, packages, command }: Runtime, tarball: string): Promise<number> {
  const folder = join(root, name.replace(' ', '-'))
  await makeProject(folder, [tarball, 'libp2p'], {})
  await cp(programs, folder, { recursive: true })
  await runStep(['npm', 'pkg', 'set', '--json', `allowScripts=${JSON.stringify(allowScripts)}`], { cwd: folder, deadlineMs: programMs })
  await runStep(['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], { cwd: folder, deadlineMs: packMs })
  const version = (await runStep([...command.slice(0, 1), '--version'], { cwd: folder, deadlineMs: programMs })).split('\n')[0]
  let failed = 0
  for (const { words, last, isOurs } of cases) {
    const end = await endOf([...command, ...words], { folder, last })
    console.log(`${name.padEnd(8)} ${version?.padEnd(12)} ${words.join(' ').padEnd(20)} ${end.text}`)
    if (isOurs && !end.isDone) failed++
  }
  return failed
}

/** A process that goes on after its last line was stopped here: its runtime keeps it. */
async function endOf(
  words: readonly string[],
  { folder, last }: { folder: string; last: string }
): Promise<{ readonly isDone: boolean; readonly text: string }> {
  try {
    await runStep(words, { cwd: folder, deadlineMs: programMs })
    return { isDone: true, text: 'runs and ends' }
  } catch (error) {
    const said = String(error)
    const isLate = said.includes('took longer than')
    if (isLate && said.includes(last)) return { isDone: true, text: 'runs; its process does not end by itself' }
    const line = said.trim().split('\n').at(-1)
    return { isDone: false, text: isLate ? `hangs after: ${line}` : `fails: ${said.slice(0, 2_000)}` }
  }
}
