/**
 * `npm run test:bundlers`: builds the page of README.md with each bundler, from the packed package as npm installs it, and opens each page in
 * Chromium. Each must connect with the README's Node peer and get its answer. Exits with 1 if one does not. npm needs the registry.
 *
 *   npm run test:bundlers                 all of them, some two minutes with a warm cache of npm
 *   npm run test:bundlers -- vite next    these alone
 *   npm run test:bundlers -- --keep       leaves the folder with the projects
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { chromiumFlags, findOrInstallChromium } from '../../../node/cli/chromium.ts'
import { type LongStep, runStep, startStep } from '../steps.ts'
import { type Bundler, bundlers } from './builds.ts'
import { buildPage, makeProject, servePage } from './project.ts'
import { readmePrograms } from './readme.ts'
import { visit } from './visit.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const packMs = 120_000
const peerMs = 30_000

const { values, positionals } = parseArgs({ options: { keep: { type: 'boolean', default: false } }, allowPositionals: true })
const unknown = positionals.filter((name) => bundlers.every((one) => one.name !== name))
if (unknown.length > 0) {
  console.error(`There is no bundler ${unknown.join(', ')}; there are ${bundlers.map(({ name }) => name).join(', ')}.`)
  process.exit(64)
}

const root = await mkdtemp(join(tmpdir(), 'p2p-pool-bundlers-'))
try {
  process.exitCode = (await run(positionals.length === 0 ? bundlers : bundlers.filter(({ name }) => positionals.includes(name)))) ? 0 : 1
} finally {
  if (values.keep) console.log(`the projects are in ${root}`)
  else await rm(root, { recursive: true, force: true })
}

interface Row {
  readonly bundler: string
  readonly version: string
  readonly buildS: string
  readonly gzipped: string
  readonly connects: 'yes' | 'no'
}

async function run(chosen: readonly Bundler[]): Promise<boolean> {
  const tarball = await pack()
  const programs = await readmePrograms(join(checkout, 'README.md'))
  const folder = join(root, 'peer')
  await makeProject(folder, [tarball, 'libp2p'], { 'peer.mts': programs.node })
  const peer = startStep([process.execPath, 'peer.mts'], { cwd: folder, deadlineMs: peerMs })
  const executablePath = await findOrInstallChromium({ log: (line) => console.error(line) })
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] })
  try {
    const [address = ''] = await peer.find(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+/)
    const rows: Row[] = []
    for (const bundler of chosen) rows.push(await tryOne(bundler, { tarball, source: programs.page(address), browser, peer }))
    console.log(table(rows))
    return rows.every(({ connects }) => connects === 'yes')
  } finally {
    await browser.close()
    await peer.stop()
  }
}

function table(rows: readonly Row[]): string {
  const lines = [
    ['bundler', 'version', 'build', 'gzipped', 'connects'],
    ...rows.map(({ bundler, version, buildS, gzipped, connects }) => [bundler, version, buildS, gzipped, connects])
  ]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

interface Means {
  readonly tarball: string
  readonly source: string
  readonly browser: Browser
  readonly peer: LongStep
}

async function tryOne(bundler: Bundler, { tarball, source, browser, peer }: Means): Promise<Row> {
  const { name } = bundler
  const row = { bundler: name, version: '', buildS: '', gzipped: '' }
  try {
    const folder = join(root, name)
    await mkdir(folder)
    console.log(`${name}: installs and builds`)
    const { version, buildMs } = await buildPage(bundler, { folder, tarball, source })
    Object.assign(row, { version, buildS: `${(buildMs / 1_000).toFixed(1)} s` })
    const server = await servePage(bundler, folder)
    try {
      const { scriptBytes } = await visit(browser, server.url, peer)
      return { ...row, gzipped: `${(scriptBytes / 1_000).toFixed(1)} kB`, connects: 'yes' }
    } finally {
      await server.close()
    }
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
    return { ...row, connects: 'no' }
  }
}

async function pack(): Promise<string> {
  await runStep(['npm', 'pack', '--silent', '--pack-destination', root], { cwd: checkout, deadlineMs: packMs })
  const tarball = (await readdir(root)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${root}`)
  return join(root, tarball)
}
