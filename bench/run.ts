/**
 * `npm run bench`: every row of the table of benchmarks, each in a process of its own, printed as a markdown table. With
 * `--write` the table also goes into `docs/performance.md`, with machine and date. Names of rows measure these alone.
 * Exit code 0 even where a bar is not met: the table says so.
 */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Row, toMarkdown } from './row.ts'

const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url))
const begin = '<!-- measured: begin -->'
const end = '<!-- measured: end -->'

/** Loaded in the process that measures them: a row must not begin with a heap that another one left. Those about pages need a Chromium. */
const measures: Readonly<Record<string, () => Promise<Row[]>>> = {
  tables: async () => (await import('./tables.ts')).tables(),
  connecting: async () => (await import('./links.ts')).connecting(),
  messages: async () => (await import('./links.ts')).messages(),
  heap: async () => (await import('./heap.ts')).connectionHeap(),
  idle: async () => (await import('./idle.ts')).idle(),
  metrics: async () => (await import('./metrics.ts')).metrics(),
  recording: async () => (await import('./recording.ts')).recording(),
  visits: async () => (await import('./visits.ts')).visits(),
  'idle-page': async () => (await import('./idle-page.ts')).idlePage(),
  'hidden-page': async () => (await import('./hidden-page.ts')).hiddenPage()
}

const args = process.argv.slice(2)
if (args[0] === '--row') await measureHere(args[1] ?? '')
else await measureAll(args)

async function measureHere(name: string): Promise<void> {
  const rows = await measures[name]?.()
  process.send?.(rows, () => process.exit(0))
}

async function measureAll(wanted: readonly string[]): Promise<void> {
  const names = wanted.filter((arg) => arg !== '--write')
  const unknown = names.find((name) => measures[name] === undefined)
  if (unknown !== undefined) throw new Error(`expected --write or rows out of ${Object.keys(measures).join(', ')}, got ${unknown}`)
  const all = names.length === 0
  const rows: (Row & { readonly command: string })[] = []
  for (const name of all ? Object.keys(measures) : names) {
    const started = performance.now()
    for (const row of await inChild(name)) rows.push({ ...row, command: `npm run bench -- ${name}` })
    console.error(`${name}: ${Math.round((performance.now() - started) / 1_000)} s`)
  }
  const table = `${machine()}\n\n${toMarkdown(rows)}`
  console.log(table)
  if (!wanted.includes('--write')) return
  if (!all) throw new Error('--write takes the whole table: leave the names of rows out')
  const text = await readFile(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${page} should have ${begin} and then ${end}`)
  await writeFile(page, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`)
}

function inChild(name: string): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const flags = ['--expose-gc', '--max-old-space-size=8192']
    const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url), '--row', name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    let rows: Row[] | undefined
    child.on('message', (message) => {
      rows = message as Row[]
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (rows === undefined) reject(new Error(`${name} ended with code ${code} and without a result`))
      else resolve(rows)
    })
  })
}

function machine(): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 1_073_741_824)
  const day = new Date().toISOString().slice(0, 10)
  return `Measured on ${day} with Node ${process.versions.node} on ${process.platform} ${release()}, ${cpus().length} cores (${cpu?.model.trim()}), ${memory} GiB.`
}
