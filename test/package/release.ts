/**
 * `npm run release -- --dry-run`: everything that a release needs, and not the release: the last step is `npm publish --dry-run`. All of it runs in a
 * clean clone. Exits with 1 at the first step that fails. CONTRIBUTING says how to release.
 *
 *   npm run release -- --dry-run                                      some 15 minutes; npm needs the registry
 *   npm run release -- --dry-run --skip-tests --skip-bundlers         the quick run, a minute
 *   npm run release -- --publish                                      publishes, in a CI job that may sign provenance
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installAttw, packInto, runAttw, runPublint } from './package-lint.ts'
import { type Manifest, releaseFaults } from './release-rules.ts'
import { runStep } from './steps.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const gitMs = 60_000
const installMs = 600_000
const testMs = 1_800_000
const publishMs = 300_000

const { values: options } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    'skip-tests': { type: 'boolean', default: false },
    'skip-bundlers': { type: 'boolean', default: false }
  }
})

if (options['dry-run'] === options.publish) {
  console.error('Say one of two: npm run release -- --dry-run, which publishes nothing, or npm run release -- --publish.')
  process.exit(64)
}
if (options.publish && (options['skip-tests'] || options['skip-bundlers'])) {
  console.error('A release skips no step: --skip-tests and --skip-bundlers go with --dry-run alone.')
  process.exit(64)
}

const root = await mkdtemp(join(tmpdir(), 'p2p-pool-release-'))
try {
  await release()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}

async function release(): Promise<void> {
  const clone = join(root, 'clone')
  const git = (...words: string[]): Promise<string> => runStep(['git', ...words], { cwd: checkout, deadlineMs: gitMs })
  const npm = (deadlineMs: number, ...words: string[]): Promise<string> => runStep(['npm', ...words], { cwd: clone, deadlineMs })

  await step('the tree is clean', async () => {
    const changed = await git('status', '--porcelain')
    if (changed !== '') throw new Error(`commit or remove these first:\n${changed}`)
  })
  await step('a clean clone', () => git('clone', '--quiet', checkout, clone))
  const manifest: Manifest = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8'))
  const tag = `v${manifest.version}`
  const faults = releaseFaults({
    manifest,
    changelog: await readFile(join(clone, 'CHANGELOG.md'), 'utf8'),
    tags: (await git('tag')).split('\n'),
    env: process.env
  })
  await step('version, CHANGELOG, tag, provenance', async () => {
    // A dry run shows how all of it goes, before the version is set.
    if (options.publish && faults.length > 0) throw new Error(faults.join('\n'))
    for (const fault of faults) console.log(`         would stop a release: ${fault}`)
  })
  await step('npm ci', () => npm(installMs, 'ci', '--no-audit', '--no-fund'))
  if (!options['skip-tests']) await step('npm test', () => npm(testMs, 'test'))
  let tarball = ''
  await step('build and pack', async () => {
    tarball = await packInto(root, clone)
  })
  await step('publint', () => runPublint(tarball))
  await step('attw', async () => {
    const tool = join(root, 'attw')
    await mkdir(tool)
    await installAttw(tool)
    await runAttw(tarball, tool)
  })
  if (!options['skip-bundlers']) await step('bundlers', async () => console.log(await npm(testMs, 'run', '-s', 'test:bundlers')))

  const words = ['publish', tarball, '--ignore-scripts', '--access', 'public']
  if (options.publish) {
    await step('npm publish', () => npm(publishMs, ...words, '--provenance'))
    console.log(`${manifest.name} ${manifest.version} is published. Now: git tag ${tag} && git push origin ${tag}`)
    return
  }
  // npm signs in a CI job alone, and stops elsewhere.
  await step('npm publish --dry-run', async () => {
    const report = JSON.parse(await npm(publishMs, ...words, '--dry-run', '--provenance=false', '--json'))
    console.log(contents(report[manifest.name] ?? report))
  })
  console.log(
    `Nothing was published. A release would run: npm publish ${manifest.name}-${manifest.version}.tgz --access public --provenance`
  )
  console.log(`After it: git tag ${tag} && git push origin ${tag}`)
  if (faults.length > 0) console.log(`Before it:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
}

interface Report {
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** What npm would publish: files and bytes of each folder. */
function contents({ size, unpackedSize, files }: Report): string {
  const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(2)} MB`
  const folders = new Map<string, { count: number; bytes: number }>()
  for (const file of files) {
    const [first = ''] = file.path.split('/')
    const { count, bytes } = folders.get(first) ?? { count: 0, bytes: 0 }
    folders.set(first, { count: count + 1, bytes: bytes + file.size })
  }
  const lines = [...folders].map(([name, { count, bytes }]) => `         ${String(count).padStart(5)}  ${megabytes(bytes)}  ${name}`)
  return [
    ...lines,
    `         ${String(files.length).padStart(5)} files, ${megabytes(size)} packed, ${megabytes(unpackedSize)} unpacked`
  ].join('\n')
}

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  const since = performance.now()
  try {
    await work()
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  console.log(`${((performance.now() - since) / 1_000).toFixed(1).padStart(6)} s  ${name}`)
}
