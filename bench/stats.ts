/**
 * `npm run stats`: files and lines of each folder, and how far they are from the targets. A line is code, comment or blank; a line with both
 * code and a comment counts as code. With `--write` the table also goes into `docs/architecture.md`. A missed target fails nothing.
 */
import { glob, readFile, writeFile } from 'node:fs/promises'
import { parseSync } from 'vite'

/** A file belongs to the first folder whose name its path begins with. */
const folders = [
  ...['src/core/values', 'src/core/wire', 'src/core/tables', 'src/core/decisions', 'src/core/flows', 'src/core/api', 'src/core'],
  ...['src/libp2p', 'src/recording', 'src/testing', 'node/cli', 'node/command', 'node', 'web/demo', 'web', 'examples', 'bench', 'test']
] as const

interface Lines {
  readonly files: number
  readonly code: number
  readonly comments: number
  readonly blank: number
}

type Count = Readonly<Record<(typeof folders)[number], Lines>>

const total = ({ code, comments, blank }: Lines): number => code + comments + blank

function sum(parts: readonly Lines[]): Lines {
  const of = (key: keyof Lines): number => parts.reduce((all, part) => all + part[key], 0)
  return { files: of('files'), code: of('code'), comments: of('comments'), blank: of('blank') }
}

const coreOf = (count: Count): Lines => sum(folders.filter((folder) => folder.startsWith('src/core')).map((folder) => count[folder]))

const targets: readonly { readonly name: string; readonly most: number; readonly of: (count: Count) => number }[] = [
  { name: 'lines of src/core', most: 8_700, of: (count) => total(coreOf(count)) },
  { name: 'files in src/core/tables', most: 18, of: (count) => count['src/core/tables'].files }
]

const page = new URL('../docs/architecture.md', import.meta.url)
const [begin, end] = ['<!-- stats: begin -->', '<!-- stats: end -->']

function linesOf(path: string, text: string): Lines {
  const isSpace = (part: string): boolean => part.trim() === ''
  let bare = text
  for (const { start, end: over } of parseSync(path, text, { lang: 'ts' }).comments)
    bare = bare.slice(0, start) + bare.slice(start, over).replace(/[^\n]/g, ' ') + bare.slice(over)
  const lines = text.replace(/\n$/, '').split('\n')
  const bareLines = bare.split('\n')
  const blank = lines.filter(isSpace).length
  const code = lines.filter((_, index) => !isSpace(bareLines[index] ?? '')).length
  return { files: 1, code, comments: lines.length - blank - code, blank }
}

async function count(): Promise<Count> {
  const found = new Map<string, Lines[]>(folders.map((folder) => [folder, []]))
  for await (const path of glob('{src,node,web,examples,bench,test}/**/*.ts')) {
    const folder = folders.find((name) => path.startsWith(`${name}/`))
    if (folder !== undefined) found.get(folder)?.push(linesOf(path, await readFile(path, 'utf8')))
  }
  return Object.fromEntries(folders.map((folder) => [folder, sum(found.get(folder) ?? [])])) as Count
}

const counted = await count()
const row = (name: string, lines: Lines): string =>
  `| ${[name, lines.files, lines.code, lines.comments, lines.blank, total(lines)].map((cell) => cell.toLocaleString('en')).join(' | ')} |`
const nameOf = (folder: string): string => (folder === 'src/core' ? '`src/core`, beside its folders' : `\`${folder}\``)
const table = [
  '| folder | files | code | comments | blank | lines |',
  '| --- | --- | --- | --- | --- | --- |',
  ...folders.map((folder) => row(nameOf(folder), counted[folder])),
  row('all of `src/core`', coreOf(counted))
].join('\n')
const verdicts = targets.map(({ name, most, of }) => {
  const is = of(counted)
  return `- ${name}: ${is.toLocaleString('en')}; target ${most.toLocaleString('en')} at most: ${is <= most ? 'met' : '**missed**'}`
})
const report = `${table}\n\n${verdicts.join('\n')}`
console.log(report)

if (process.argv.includes('--write')) {
  const text = await readFile(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`expected ${begin} and ${end} in docs/architecture.md`)
  await writeFile(page, `${text.slice(0, from + begin.length)}\n\n${report}\n\n${text.slice(to)}`)
}
