/** A project in a folder of its own: the packed package with what it asks for, a bundler, the README's programs. */

import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type StaticServer, serveFolder } from '../static-server.ts'
import { type LongStep, runStep, startStep } from '../steps.ts'
import type { Bundler } from './builds.ts'

/** A slow network and a cold cache: Next has 150 MB. */
const installMs = 300_000
const buildMs = 240_000
const startMs = 30_000
/** What a page needs, as docs/guide/page.md says. */
const pagePackages = ['libp2p', '@libp2p/webrtc']
const withoutReactNative = { 'react-native-webrtc': 'npm:empty-npm-package@1.0.0' }
const quiet = { NEXT_TELEMETRY_DISABLED: '1', CI: '1' }

export interface BuiltPage {
  readonly version: string
  readonly buildMs: number
}

/** Writes the files, installs what is named, from npm's cache where it can. */
export async function makeProject(folder: string, packages: readonly string[], files: Readonly<Record<string, string>>): Promise<void> {
  const manifest = { name: 'bundled', private: true, type: 'module', overrides: withoutReactNative }
  for (const [name, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  await runStep(['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], { cwd: folder, deadlineMs: installMs })
}

/** Installs the bundler beside the package, and builds the page. */
export async function buildPage(
  { package: name, packages, page, files, build }: Bundler,
  { folder, tarball, source }: { folder: string; tarball: string; source: string }
): Promise<BuiltPage> {
  await makeProject(folder, [tarball, ...pagePackages, ...packages], { ...files, [page]: source })
  const { version } = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  const since = performance.now()
  await runStep(build, { cwd: folder, deadlineMs: buildMs, env: quiet })
  return { version, buildMs: performance.now() - since }
}

/** Serves what was built. Rejects where a path does not answer as it should. */
export async function servePage({ serve, answers = {} }: Bundler, folder: string): Promise<StaticServer> {
  const server = 'folder' in serve ? await serveFolder(join(folder, serve.folder)) : await startServer(serve.command, folder)
  try {
    for (const [path, pattern] of Object.entries(answers)) {
      const response = await fetch(server.url + path, { signal: AbortSignal.timeout(startMs) })
      const text = await response.text()
      if (!response.ok || !pattern.test(text))
        throw new Error(`/${path} answers ${response.status}, without ${pattern}: ${text.slice(0, 2_000)}`)
    }
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}

async function startServer(command: (port: number) => readonly string[], folder: string): Promise<StaticServer> {
  const port = await freePort()
  const server: LongStep = startStep(command(port), { cwd: folder, deadlineMs: startMs, env: quiet })
  try {
    await server.find(/ready/i)
    return { url: `http://127.0.0.1:${port}/`, close: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
