/**
 * `npm run test:apps`: the packed package beside real applications of libp2p, which npm installs into a temporary folder. Prints the facts
 * that held, and exits with 1 if one did not. npm needs the registry; everything else is on the loopback.
 *
 *   npm run test:apps              all of them (gossip, helia, waku), two minutes with a warm cache of npm
 *   npm run test:apps -- helia     one alone
 *   npm run test:apps -- --keep    leaves the folder with the projects
 */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runStep, startStep } from '../package/steps.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const packMs = 120_000
const installMs = 400_000
const runMs = 60_000

const helia = ['helia@7', '@helia/bitswap@4', '@helia/libp2p@2', 'multiformats@14', '@libp2p/ping@3']
const ours = ['libp2p@3', '@libp2p/tcp@11', '@libp2p/identify@4', '@libp2p/websockets@10', '@libp2p/mplex@12', '@libp2p/utils@7']
/** It brings libp2p 2.8, so it has a folder and a process of its own. */
const waku = ['@waku/sdk@0.0.36']

const apps: Readonly<Record<string, (root: string) => Promise<string>>> = {
  async gossip(root) {
    const cwd = await project(join(root, 'gossip'), [await pack(root), ...ours, '@libp2p/gossipsub@17'], ['gossip.mjs'])
    return await runStep([process.execPath, 'gossip.mjs'], { cwd, deadlineMs: runMs })
  },
  async helia(root) {
    const cwd = await project(join(root, 'helia'), [await pack(root), ...ours, ...helia], ['helia.mjs'])
    return await runStep([process.execPath, 'helia.mjs'], { cwd, deadlineMs: runMs })
  },
  async waku(root) {
    const theirs = await project(join(root, 'waku-node'), waku, ['waku-node.mjs'])
    const cwd = await project(join(root, 'waku'), [await pack(root), ...ours], ['waku.mjs'])
    const node = startStep([process.execPath, 'waku-node.mjs'], { cwd: theirs, deadlineMs: runMs })
    try {
      const [address = ''] = await node.find(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+/)
      return await runStep([process.execPath, 'waku.mjs', address], { cwd, deadlineMs: runMs })
    } finally {
      await node.stop()
    }
  }
}

const { values, positionals } = parseArgs({ options: { keep: { type: 'boolean', default: false } }, allowPositionals: true })
const unknown = positionals.filter((name) => !Object.hasOwn(apps, name))
if (unknown.length > 0) {
  console.error(`There is no application ${unknown.join(', ')}; there are ${Object.keys(apps).join(', ')}.`)
  process.exit(64)
}

const root = await mkdtemp(join(tmpdir(), 'p2p-pool-apps-'))
try {
  for (const [name, run] of Object.entries(apps)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    try {
      console.log(`${name}: installs\n${(await run(root)).trim().replaceAll(/^/gm, `${name}: `)}`)
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : error}`)
      process.exitCode = 1
    }
  }
} finally {
  if (values.keep) console.log(`the projects are in ${root}`)
  else await rm(root, { recursive: true, force: true })
}

/** A project with these packages and these programs; resolves with its folder. */
async function project(folder: string, packages: readonly string[], programs: readonly string[]): Promise<string> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  for (const name of programs) await copyFile(fileURLToPath(new URL(`programs/${name}`, import.meta.url)), join(folder, name))
  await runStep(['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], { cwd: folder, deadlineMs: installMs })
  return folder
}

async function pack(into: string): Promise<string> {
  const packed = async (): Promise<string | undefined> => (await readdir(into)).find((name) => name.endsWith('.tgz'))
  if ((await packed()) === undefined)
    await runStep(['npm', 'pack', '--silent', '--pack-destination', into], { cwd: checkout, deadlineMs: packMs })
  const tarball = await packed()
  if (tarball === undefined) throw new Error(`expected npm pack to leave a .tgz in ${into}`)
  return join(into, tarball)
}
