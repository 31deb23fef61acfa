/** The page of the playground: built by Vite into a folder, and served from there on this machine. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { messageOf } from '../../src/core/values/reason.ts'
import { codeOf } from '../system-error.ts'
import { contentTypeOf, type PageFile, type PageFiles, type PageServer, serveFiles } from './demo-server.ts'

const root = fileURLToPath(new URL('../../web/playground', import.meta.url))

/** By this a folder is known as an earlier build. */
const title = '<title>p2p-pool playground</title>'

/**
 * The path of a folder that may be written into: one that is not there yet, is empty, or holds an earlier build. Rejects with `RangeError` for
 * any other path: a build empties its folder, and nothing of others may be lost.
 */
export async function freeFolder(path: string, from: string): Promise<string> {
  const folder = resolve(from, path)
  const expected = '--out: expected a folder that is new, empty, or holds an earlier build'
  if (path === '') throw new RangeError(`${expected}, got ""`)
  try {
    const names = await readdir(folder)
    if (names.length === 0) return folder
    const page = names.includes('index.html') ? await readFile(join(folder, 'index.html'), 'utf8') : ''
    const isEarlierBuild = page.includes(title) && names.every((name) => name === 'index.html' || name === 'assets')
    if (isEarlierBuild) return folder
    throw new RangeError(`${expected}, got ${folder}, which has other files`)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return folder
    if (error instanceof RangeError) throw error
    throw new RangeError(`${expected}, got ${folder}: ${messageOf(error)}`)
  }
}

/** Empties the folder first. Relative addresses, so that it may lie anywhere below a web host's root. Rejects with Vite's error. */
export async function buildPlayground(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'error',
    // One file: a chunk that is loaded takes a turn of real time, which a world on a virtual clock must not see.
    worker: { format: 'es', rolldownOptions: { output: { codeSplitting: false } } },
    build: { target: 'es2023', outDir, emptyOutDir: true, modulePreload: { polyfill: false } }
  })
}

/** The built page as a plain web server sees it. `at`: the folder of the host where it lies, with both its slashes. */
export async function playgroundFiles(outDir: string, at = '/'): Promise<PageFiles> {
  const files = new Map<string, PageFile>()
  for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const file = { type: contentTypeOf(path), body: await readFile(path) }
    files.set(`${at}${relative(outDir, path).replaceAll(sep, '/')}`, file)
    if (path === join(outDir, 'index.html')) files.set(at, file)
  }
  return files
}

/** Port 0 takes a free one. Rejects with a sentence for people if the port cannot be had. */
export async function servePlayground(outDir: string, port: number): Promise<PageServer> {
  return serveFiles(await playgroundFiles(outDir), port)
}
