/**
 * `npm run interop`: runs peers of other implementations as processes on this machine, and writes what a pool reaches among them into
 * `docs/interop.md`. Exits with 1 when a target is missed, or when no implementation could be run.
 *
 *   npm run interop                   all of them, some ten minutes; the first time they are built
 *   npm run interop -- go rust        these alone; the others keep what is written of them
 *   npm run interop -- --idle 20      idle for so many seconds instead of 180, and write nothing
 *   npm run interop -- --list
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { implementations } from './kit/implementations.ts'
import type { Implementation } from './kit/program.ts'
import { type Column, columns, measure, type Result, targets } from './kit/targets.ts'
import { type Row, writeTable } from './table.ts'

const document = fileURLToPath(new URL('../../docs/interop.md', import.meta.url))
const defaultIdleS = 180

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

process.exitCode = await main()
// Sockets of peers that were killed must not hold it up.
process.exit()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean' }, list: { type: 'boolean' }, idle: { type: 'string' } },
    allowPositionals: true
  })
  if (values.help === true) {
    console.log('npm run interop [-- NAME ... | --idle SECONDS | --list]')
    return 0
  }
  if (values.list === true) {
    for (const { name, title, tool } of implementations) console.log(`${name}: ${title}, needs ${tool}`)
    return 0
  }
  const unknown = positionals.filter((name) => implementations.every((one) => one.name !== name))
  if (unknown.length > 0) {
    console.error(`There is no implementation ${unknown.join(', ')}: npm run interop -- --list names them all.`)
    return 1
  }
  if (process.platform !== 'linux') {
    console.error('The sockets of other programs are read from /proc, which Linux alone has. Nothing was run.')
    return 1
  }
  const idleMs = Number(values.idle ?? defaultIdleS) * 1_000
  const chosen = positionals.length === 0 ? implementations : implementations.filter(({ name }) => positionals.includes(name))
  const rows = new Map<string, Row>()
  const built: Implementation[] = []
  for (const one of chosen) {
    const hindrance = await build(one)
    if (hindrance === undefined) built.push(one)
    else rows.set(one.name, { hindrance })
    console.log(hindrance === undefined ? `${one.name}: built` : `${one.name}: not run, ${hindrance}`)
  }
  const alone = oneByOne()
  await Promise.all(built.map(async (one) => rows.set(one.name, await runOne(one, { idleMs, alone }))))
  if (values.idle === undefined) await writeTable(document, implementations, rows)
  const results = [...rows.values()].flatMap((row) => ('results' in row ? columns.map((column) => row.results.get(column)) : []))
  const missed = results.filter((result) => result?.isMet !== true).length
  console.log(`\n${results.length - missed} targets met, ${missed} missed; ${chosen.length - built.length} implementations not run`)
  return missed > 0 || built.length === 0 ? 1 : 0
}

/** Gives what hinders it. */
async function build({ tool, build }: Implementation): Promise<string | undefined> {
  if (spawnSync(tool, [tool === 'go' ? 'version' : '--version'], { stdio: 'ignore' }).status !== 0) return `${tool} is not installed`
  try {
    await build()
    return undefined
  } catch (error) {
    return `it could not be built (${error instanceof Error ? error.message : String(error)})`
  }
}

async function runOne(one: Implementation, { idleMs, alone }: { idleMs: number; alone: ReturnType<typeof oneByOne> }): Promise<Row> {
  const results = new Map<Column, Result>()
  try {
    await measure(one, {
      idleMs,
      alone,
      found: (column, result) => {
        results.set(column, result)
        console.log(`${result.isMet ? '✓' : '✗'} ${one.name}, ${column} (${targets[column]}): ${result.measured}`)
      }
    })
  } catch (error) {
    console.error(`✗ ${one.name}: ${error instanceof Error ? error.message : String(error)}`)
    for (const column of columns) if (!results.has(column)) results.set(column, { measured: 'a program failed', isMet: false })
  }
  return { results }
}

/** Runs one after the other what is given to it. */
function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work, work)
    last = result
    return result
  }
}
