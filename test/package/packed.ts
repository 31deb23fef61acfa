/**
 * The package as a stranger gets it: built, packed, unpacked into a folder of its own, beside links to exactly the packages
 * that it declares. An undeclared import is therefore not found. Used by consumer.test.ts, and by tests of the examples.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { lock } from 'proper-lockfile'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** Types of Node, and packages of libp2p that examples of the guide use, belong to the consumer's project, not to ours. */
const consumersOwn = ['@types/node', '@libp2p/bootstrap', '@libp2p/gossipsub', '@libp2p/kad-dht', '@libp2p/utils']

const cache = join(checkout, '.cache/packed')
/** Another test may be packing: it takes some seconds, on a busy machine many. */
const packWithinMs = 120_000

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

export interface Consumer {
  /** The consumer's project. */
  readonly folder: string
  /** Where p2p-pool lies in it. */
  readonly installed: string
  readonly manifest: Manifest
  /** Paths of all packed files, from the package's root, sorted. */
  readonly files: readonly string[]
  /** Copies an example into the project, with the packages that it declares. Returns its folder. */
  copyExample(name: string): Promise<string>
  /** Puts a file into the project. */
  write(name: string, text: string): Promise<void>
  /** Installs packages that the checkout has. */
  install(names: readonly string[]): Promise<void>
  /** Installs the optional packages, and those of the examples. Before, the project has what `npm install p2p-pool libp2p` installs. */
  installOptional(): Promise<void>
  /** Runs Node in the project; resolves with what it printed, rejects with it if it failed. */
  node(...args: string[]): Promise<string>
  /** Type-checks files of the project with options over strict ones. */
  typeCheck(name: string, files: readonly string[], options: Readonly<Record<string, unknown>>): Promise<void>
  remove(): Promise<void>
}

/** Leaves nothing behind if it fails; else `remove` the result. */
export async function packAndInstall(): Promise<Consumer> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'p2p-pool-consumer-')))
  try {
    return await fill(folder)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** The path of the packed checkout as it is now. It is packed again after a change only, and by one test at a time: each build clears `dist`. */
async function packOnce(): Promise<string> {
  const hash = createHash('sha256')
  const { files }: { files: string[] } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  // What is in the package, but not what is built for it; and what decides how that is built.
  const folders = files.map((path) => path.split('/')[0] ?? '').filter((path) => path !== 'dist' && !path.startsWith('!'))
  for (const path of new Set([...folders, 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md'])) {
    const inside = await filesBelow(join(checkout, path)).catch(() => [''])
    for (const file of inside) hash.update(`${path}/${file}\0`).update(await readFile(join(checkout, path, file)))
  }
  const packed = join(cache, `${hash.digest('hex').slice(0, 16)}.tgz`)
  await mkdir(cache, { recursive: true })
  const release = await lock(cache, {
    stale: packWithinMs,
    retries: { forever: true, maxRetryTime: packWithinMs, minTimeout: 200, maxTimeout: 200 }
  })
  try {
    if (await isThere(packed)) return packed
    await rm(cache, { recursive: true })
    const fresh = await mkdtemp(join(tmpdir(), 'p2p-pool-packed-'))
    await run('npm', ['pack', '--silent', '--pack-destination', fresh], checkout)
    const tarball = (await readdir(fresh)).find((name) => name.endsWith('.tgz'))
    if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${fresh}`)
    await mkdir(cache, { recursive: true })
    await cp(join(fresh, tarball), `${packed}.part`)
    await rename(`${packed}.part`, packed)
    await rm(fresh, { recursive: true })
    return packed
  } finally {
    await release()
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}

async function fill(folder: string): Promise<Consumer> {
  const modules = join(folder, 'node_modules')
  const installed = join(modules, 'p2p-pool')
  await mkdir(installed, { recursive: true })

  await run('tar', ['-xzf', await packOnce(), '--strip-components=1', '-C', installed], folder)

  const manifest: Manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const install = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      if (await isThere(join(modules, name))) continue
      await mkdir(dirname(join(modules, name)), { recursive: true })
      await symlink(join(checkout, 'node_modules', name), join(modules, name), 'junction')
    }
  }
  const optional = Object.keys(manifest.peerDependenciesMeta)
  const required = Object.keys(manifest.peerDependencies).filter((name) => !optional.includes(name))
  await install([...Object.keys(manifest.dependencies), ...required])
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))

  return {
    folder,
    installed,
    manifest,
    files: await filesBelow(installed),
    install,
    installOptional: () => install([...optional, ...consumersOwn]),
    async copyExample(name) {
      const example = join(folder, name)
      const left = /\/(node_modules|dist|data)(\/|$)/
      const from = join(checkout, 'examples', name)
      await cp(from, example, { recursive: true, filter: (path) => !left.test(path.slice(from.length)) })
      const { dependencies = {}, devDependencies = {} }: Partial<Manifest> & { devDependencies?: Record<string, string> } = JSON.parse(
        await readFile(join(example, 'package.json'), 'utf8')
      )
      await install(Object.keys({ ...dependencies, ...devDependencies }))
      return example
    },
    write: (name, text) => writeFile(join(folder, name), text),
    node: (...args) => runNode(args, folder),
    async typeCheck(name, files, options) {
      const compilerOptions = { target: 'ES2023', strict: true, noEmit: true, ...options }
      await writeFile(join(folder, name), JSON.stringify({ compilerOptions, files }))
      await run(process.execPath, [join(checkout, 'node_modules/@typescript/native/bin/tsc'), '-p', name], folder)
    },
    remove: () => rm(folder, { recursive: true, force: true })
  }
}

/** The TypeScript examples of the README and the guide, in order. */
export async function examplesInDocuments(consumer: Consumer): Promise<string[]> {
  const guide = consumer.files.filter((file) => /^docs\/guide\/.*\.md$/.test(file))
  const texts = await Promise.all(['README.md', ...guide].map((file) => readFile(join(consumer.installed, file), 'utf8')))
  return texts.flatMap((text) => [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? ''))
}

/** Runs Node; rejects with what it printed. */
export function runNode(args: readonly string[], cwd: string): Promise<string> {
  return run(process.execPath, args, cwd)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** Compilers and npm print their errors on standard output, which the error of `execFile` leaves out. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd, maxBuffer: 10_000_000 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
