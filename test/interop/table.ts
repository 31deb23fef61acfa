/** The measured table in `docs/interop.md`: a line for each implementation, with what was measured last. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Column, columns, type Result, targets } from './kit/targets.ts'

const begin = '<!-- interop: written by npm run interop -->'
const end = '<!-- interop: end -->'

/** What came of one implementation: its columns, or why it was not run. */
export type Row = { readonly results: ReadonlyMap<Column, Result> } | { readonly hindrance: string }

export interface Subject {
  readonly name: string
  readonly title: string
}

/** Puts the rows into the file; implementations without a new row stay as they are. */
export async function writeTable(file: string, subjects: readonly Subject[], rows: ReadonlyMap<string, Row>): Promise<void> {
  const text = await readFile(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table: ${begin} and ${end} were expected`)
  const old = new Map(
    text
      .slice(from, to)
      .split('\n')
      .map((line) => [/\(`([a-z0-9-]+)`\) \|/.exec(line)?.[1] ?? '', line])
  )
  const head = ['implementation', ...columns.map((column) => `${column}: ${targets[column]}`)]
  const lines = subjects.map(({ name, title }) => {
    const row = rows.get(name)
    if (row === undefined) return old.get(name) ?? lineOf([`${title} (\`${name}\`)`, ...columns.map(() => 'not run yet')])
    return lineOf([`${title} (\`${name}\`)`, ...columns.map((column) => cellOf(row, column))])
  })
  const table = [lineOf(head), lineOf(head.map(() => '---')), ...lines].join('\n')
  await writeFile(file, `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`)
}

export function cellOf(row: Row, column: Column): string {
  if ('hindrance' in row) return `not run: ${row.hindrance}`
  const result = row.results.get(column)
  return result === undefined ? 'not run' : `${result.isMet ? '' : '**missed**: '}${result.measured}`
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
