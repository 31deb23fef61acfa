/**
 * `npm run lab`: builds networks with NATs and firewalls from network namespaces, runs real pages, Node peers and servers in them, and writes
 * what it measured into `docs/networks.md`. Exits with 1 when a target is missed, a tool is missing, or when it is not root.
 *
 *   npm run lab                              all sections
 *   npm run lab -- --section NAME ...        these sections; the others keep what is written of them
 *   npm run lab -- --list                    what there is
 */
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findOrInstallChromium } from '../../node/cli/chromium.ts'
import { endRunsWithProcess, runInNamespaces } from '../laboratory/in-namespaces.ts'
import { writeBetween } from '../laboratory/measured-text.ts'
import { bundlePage } from '../node/pages.ts'
import { missingOn, thisMachine } from './kit/requirements.ts'
import { type Findings, markersOf, type Section } from './section.ts'
import { sections } from './sections/index.ts'

const sectionProcess = fileURLToPath(new URL('./section-process.ts', import.meta.url))
const document = fileURLToPath(new URL('../../docs/networks.md', import.meta.url))

endRunsWithProcess()
process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log('npm run lab [-- --section NAME ... | --list]')
    return 0
  }
  if (args.includes('--list')) {
    for (const { name, title } of sections) console.log(`${name}\n  ${title}`)
    return 0
  }
  const names = args.filter((arg) => arg !== '--section')
  const unknown = names.filter((name) => sections.every((section) => section.name !== name))
  if (unknown.length > 0) {
    console.error(`There is no section ${unknown.join(', ')}: npm run lab -- --list names them all.`)
    return 1
  }
  const missing = missingOn(thisMachine)
  if (missing !== undefined) {
    console.error(missing)
    return 1
  }
  const chosen = names.length === 0 ? sections : sections.filter(({ name }) => names.includes(name))
  const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-lab-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const chromium = await findOrInstallChromium({ log: (line) => console.error(line) })
  const script = join(folder, 'page.js')
  await writeFile(script, await bundlePage('../lab/page.ts'))
  let missed = 0
  for (const section of chosen) missed += (await runSection(section, [chromium, script])).missed.length
  console.log(
    `\n${missed === 0 ? 'All targets were met' : `${missed} targets were missed`}; ${(performance.now() / 60_000).toFixed(1)} min`
  )
  return missed === 0 ? 0 : 1
}

async function runSection(section: Section, parts: readonly string[]): Promise<Findings> {
  console.log(`${section.name}: ${section.title}`)
  const findings = await found(section, parts)
  for (const miss of findings.missed) console.log(`  ✗ ${miss}`)
  if (findings.text !== '') await writeBetween(document, markersOf(section), findings.text)
  return findings
}

async function found({ name, deadlineMs }: Section, parts: readonly string[]): Promise<Findings> {
  try {
    return (await runInNamespaces(sectionProcess, { args: [name, ...parts], deadlineMs })) as Findings
  } catch (error) {
    return { text: '', missed: [error instanceof Error ? error.message : String(error)] }
  }
}
