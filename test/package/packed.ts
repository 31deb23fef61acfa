/**
 * The package as a stranger gets it: built, packed, unpacked into a folder of its own, beside links to exactly the packages
 * that it declares. An undeclared import is therefore not found. Used by consumer.test.ts.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** Types of Node, and packages of libp2p that examples of the guide use, belong to the consumer's project, not to ours. */
const consumersOwn = ['@types/node', '@libp2p/bootstrap', '@libp2p/gossipsub', '@libp2p/kad-dht']

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
  /** Puts a file into the project. */
  write(name: string, text: string): Promise<void>
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

async function fill(folder: string): Promise<Consumer> {
  const modules = join(folder, 'node_modules')
  const installed = join(modules, 'p2p-pool')
  await mkdir(installed, { recursive: true })

  await run('npm', ['pack', '--silent', '--pack-destination', folder], checkout)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${folder}`)
  await run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', installed], folder)

  const manifest: Manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const install = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
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
    installOptional: () => install([...optional, ...consumersOwn]),
    write: (name, text) => writeFile(join(folder, name), text),
    node: (...args) => run(process.execPath, args, folder),
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
