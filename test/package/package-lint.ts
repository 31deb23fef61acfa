/**
 * `npm run lint:package`: packs the package and has publint and attw (Are The Types Wrong?) look at it. Exits with 1 for any finding.
 * attw has 38 MB, so it is installed in a temporary folder; where npm cannot install it, that is said and nothing more. Part of `.ci/run`,
 * and of `npm run release`, which needs both.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { runStep } from './steps.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const packMs = 120_000
const installMs = 120_000
const lintMs = 60_000

const attw = '@arethetypeswrong/cli@0.18.5'
/**
 * The package has ES modules alone, and no entry points for module resolution of Node 10. attw takes TypeScript 5.6, which does not know that Node 22
 * requires ES modules: consumer.test.ts type-checks a CommonJS program with the TypeScript of today instead.
 */
const profile = 'esm-only'

/** Packs a checkout, which builds it. The path of the tarball. */
export async function packInto(folder: string, from = checkout): Promise<string> {
  await runStep(['npm', 'pack', '--silent', '--pack-destination', folder], { cwd: from, deadlineMs: packMs })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${folder}`)
  return join(folder, tarball)
}

/** Rejects with the findings, suggestions too. */
export async function runPublint(tarball: string): Promise<void> {
  const report = await runStep(['npx', 'publint', 'run', tarball, '--strict', '--level', 'suggestion'], {
    cwd: checkout,
    deadlineMs: lintMs
  })
  if (!report.includes('All good!')) throw new Error(report)
}

/** Leaves attw in the folder. */
export async function installAttw(folder: string): Promise<void> {
  await runStep(['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder, attw], {
    cwd: folder,
    deadlineMs: installMs
  })
}

/** Rejects with the findings. The folder is that of `installAttw`. */
export async function runAttw(tarball: string, folder: string): Promise<void> {
  await runStep(['npx', '--prefix', folder, 'attw', '--profile', profile, '--no-color', tarball], { cwd: folder, deadlineMs: lintMs })
}

async function lint(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-lint-'))
  try {
    const tarball = await packInto(folder)
    await runPublint(tarball)
    console.log('publint: all good')
    const tool = join(folder, 'attw')
    await mkdir(tool)
    try {
      await installAttw(tool)
    } catch (error) {
      console.warn(`attw: not run, npm could not install it: ${error instanceof Error ? error.message : error}`)
      return
    }
    await runAttw(tarball, tool)
    console.log('attw: all good')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  try {
    await lint()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
