/** The measured table in `docs/security.md`: what each row found last, beside what it found before the faults were fixed. */
import { readBetween, writeBetween } from '../laboratory/measured-text.ts'
import type { Finding, Row } from './kit/row.ts'

const place = { begin: '<!-- attacks: written by npm run attacks -->', end: '<!-- attacks: end -->' }
const head = '| attack | target | measured | verdict | before the fixes |\n| --- | --- | --- | --- | --- |'

interface Line {
  readonly measured: string
  readonly verdict: string
  readonly before: string
}

/** Puts the findings into the file; rows without a new finding stay as they are. */
export async function writeTable(file: string, rows: readonly Row[], findings: ReadonlyMap<string, Finding>): Promise<void> {
  const known = readTable(await readBetween(file, place))
  const lines = rows.map((row) => {
    const old = known.get(row.name)
    const { measured, verdict } = findings.get(row.name) ?? old ?? { measured: 'not run yet', verdict: 'not run' }
    return `| ${cell(row.attack)} (\`${row.name}\`) | ${[cell(row.target), cell(measured), verdict, old?.before ?? ''].join(' | ')} |`
  })
  await writeBetween(file, place, [head, ...lines].join('\n'))
}

/** By the row's name, which ends its first cell. */
function readTable(text: string): Map<string, Line> {
  const known = new Map<string, Line>()
  for (const line of text.split('\n')) {
    const [attack = '', , measured = '', verdict = '', before = ''] = line
      .split(/(?<!\\)\|/)
      .slice(1)
      .map((part) => part.trim())
    const name = /\(`([a-z0-9-]+)`\)$/.exec(attack)?.[1]
    if (name !== undefined) known.set(name, { measured, verdict, before })
  }
  return known
}

function cell(text: string): string {
  return text.replaceAll(/(?<!\\)\|/g, '\\|').replaceAll('\n', ' ')
}
