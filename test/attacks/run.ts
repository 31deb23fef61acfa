/**
 * `npm run attacks`: attacks real peers in network namespaces of their own and writes what it measured into `docs/security.md`. Exits
 * with 1 when a row misses its target, or when it is not root, who alone can make a namespace.
 *
 *   npm run attacks                          all rows
 *   npm run attacks -- --row NAME ...        these rows; the others keep what is written of them
 *   npm run attacks -- --list                what there is
 */
import { fileURLToPath } from 'node:url'
import { endRunsWithProcess, runInNamespaces } from '../laboratory/in-namespaces.ts'
import type { Finding, Row } from './kit/row.ts'
import { rows } from './rows/index.ts'
import { writeTable } from './table.ts'

const rowProcess = fileURLToPath(new URL('./kit/row-process.ts', import.meta.url))
const document = fileURLToPath(new URL('../../docs/security.md', import.meta.url))
/** Rows that wait more than they compute run side by side. */
const lanes = 2

endRunsWithProcess()
process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log('npm run attacks [-- --row NAME ... | --list]')
    return 0
  }
  if (args.includes('--list')) {
    for (const { name, attack, target } of rows) console.log(`${name}\n  ${attack}\n  target: ${target}`)
    return 0
  }
  const names = args.filter((arg) => arg !== '--row')
  const unknown = names.filter((name) => rows.every((row) => row.name !== name))
  if (unknown.length > 0) {
    console.error(`There is no row ${unknown.join(', ')}: npm run attacks -- --list names them all.`)
    return 1
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.error('The attacks need root on Linux: they make network namespaces with public-looking addresses. Nothing was run.')
    return 1
  }
  const chosen = names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name))
  const began = performance.now()
  const findings = await runAll(chosen)
  await writeTable(document, rows, findings)
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  const counted = (verdict: Finding['verdict']) => [...findings.values()].filter((finding) => finding.verdict === verdict).length
  console.log(
    `\n${counted('met')} of ${chosen.length} rows met their target, ${counted('missed')} missed it, ${counted('not run')} did not run; ${minutes} min`
  )
  return counted('missed') === 0 ? 0 : 1
}

async function runAll(chosen: readonly Row[]): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>()
  const runNext = async (queue: Row[]): Promise<void> => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const began = performance.now()
      const hindrance = await row.prepare?.()
      const finding: Finding = hindrance === undefined ? await runRow(row) : { measured: hindrance, verdict: 'not run' }
      findings.set(row.name, finding)
      const seconds = Math.round((performance.now() - began) / 1_000)
      console.log(
        `${finding.verdict === 'met' ? '✓' : finding.verdict === 'missed' ? '✗' : '–'} ${row.name} (${seconds} s)\n    target:   ${row.target}\n    measured: ${finding.measured}`
      )
    }
  }
  const patient = chosen.filter(({ alone }) => alone !== true)
  await Promise.all(Array.from({ length: lanes }, () => runNext(patient)))
  await runNext(chosen.filter(({ alone }) => alone === true))
  return findings
}

async function runRow(row: Row): Promise<Finding> {
  try {
    return (await runInNamespaces(rowProcess, { args: [row.name], deadlineMs: row.deadlineMs })) as Finding
  } catch (error) {
    return { measured: error instanceof Error ? error.message : String(error), verdict: 'missed' }
  }
}
