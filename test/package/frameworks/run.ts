/**
 * `npm run test:frameworks`: builds the recipes of docs/guide/react.md as they stand there, each with its framework as npm has it today and the packed
 * package, and opens each page in Chromium beside the README's Node peer. A page must connect, say hello, and leave no lock when it unmounts. Exits with
 * 1 if one does not. npm needs the registry.
 *
 *   npm run test:frameworks              all of them, under a minute with a warm cache of npm
 *   npm run test:frameworks -- vue       this one alone
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findOrInstallChromium } from '../../../node/cli/chromium.ts'
import { makeProject } from '../bundlers/project.ts'
import { readmePrograms } from '../bundlers/readme.ts'
import { serveFolder } from '../static-server.ts'
import { runStep, startStep } from '../steps.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const stepMs = 120_000
const pageMs = 30_000

interface Framework {
  readonly name: string
  readonly packages: readonly string[]
  /** For Vite: where the plugin comes from, and its call. */
  readonly plugin: readonly [string, string]
  /** The program of the page, beside the recipe's files. It leaves `unmount` in the page. */
  readonly main: string
}

const frameworks: readonly Framework[] = [
  {
    name: 'react',
    packages: ['react@19', 'react-dom@19', '@vitejs/plugin-react'],
    plugin: ["import react from '@vitejs/plugin-react'", 'react()'],
    main: `import { StrictMode, createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './recipe.tsx'
const root = createRoot(document.getElementById('root'))
root.render(createElement(StrictMode, null, createElement(Chat)))
globalThis.unmount = () => root.unmount()
`
  },
  {
    name: 'vue',
    packages: ['vue@3', '@vitejs/plugin-vue'],
    plugin: ["import vue from '@vitejs/plugin-vue'", 'vue()'],
    main: `import { createApp } from 'vue'
import Page from './recipe.vue'
const app = createApp(Page)
app.mount('#root')
globalThis.unmount = () => app.unmount()
`
  },
  {
    name: 'svelte',
    packages: ['svelte@5', '@sveltejs/vite-plugin-svelte'],
    plugin: ["import { svelte } from '@sveltejs/vite-plugin-svelte'", 'svelte()'],
    main: `import { mount, unmount } from 'svelte'
import Page from './recipe.svelte'
const page = mount(Page, { target: document.getElementById('root') })
globalThis.unmount = () => unmount(page)
`
  }
]

const html = `<!doctype html>
<html lang="en"><head><title>Recipe</title><link rel="icon" href="data:,"></head><body><div id="root"></div><script type="module" src="main.js"></script></body></html>
`

/** The recipes, by file: those that begin with their name, and one component of each framework. */
async function recipes(address: string): Promise<Record<string, string>> {
  const guide = await readFile(join(checkout, 'docs/guide/react.md'), 'utf8')
  const files: Record<string, string> = {}
  for (const [, language = '', code = ''] of guide.matchAll(/^```(js|tsx|vue|svelte)\n(.*?)^```$/gms)) {
    const name = /^\/\/ (\S+)\n/.exec(code)?.[1] ?? (language === 'js' ? undefined : `recipe.${language}`)
    if (name === undefined) continue
    files[name] = code.replace('[relay]', `['${address}']`).replace(/'\/dns4\/relay\.example\.org\/[^']*'/, `'${address}'`)
  }
  return files
}

const chosen = process.argv.slice(2)
const root = await mkdtemp(join(tmpdir(), 'p2p-pool-frameworks-'))
try {
  process.exitCode = (await run(frameworks.filter(({ name }) => chosen.length === 0 || chosen.includes(name)))) ? 0 : 1
} finally {
  await rm(root, { recursive: true, force: true })
}

async function run(wanted: readonly Framework[]): Promise<boolean> {
  await runStep(['npm', 'pack', '--silent', '--pack-destination', root], { cwd: checkout, deadlineMs: stepMs })
  const tarball = join(root, (await readdir(root)).find((name) => name.endsWith('.tgz')) ?? '')
  const programs = await readmePrograms(join(checkout, 'README.md'))
  const folder = join(root, 'peer')
  await makeProject(folder, [tarball, 'libp2p'], { 'peer.mts': programs.node })
  const peer = startStep([process.execPath, 'peer.mts'], { cwd: folder, deadlineMs: stepMs })
  const executablePath = await findOrInstallChromium({ log: (line) => console.error(line) })
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] })
  let failures = 0
  try {
    const [address = ''] = await peer.find(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+/)
    const files = await recipes(address)
    for (const [i, framework] of wanted.entries()) {
      try {
        const heard = () => peer.find(new RegExp(`(says hello[^]*){${i + 1 - failures}}`))
        const version = await tryOne(framework, { tarball, files, browser, heard })
        console.log(`${framework.name} ${version}: connects, says hello, and leaves no lock`)
      } catch (error) {
        failures++
        console.error(`${framework.name}: ${error instanceof Error ? error.message : error}`)
      }
    }
  } finally {
    await browser.close()
    await peer.stop()
  }
  return failures === 0
}

interface Means {
  readonly tarball: string
  readonly files: Readonly<Record<string, string>>
  readonly browser: Browser
  /** Resolves when the Node peer has read what the page said. */
  heard(): Promise<unknown>
}

/** Returns the version of the framework. */
async function tryOne(
  { name, packages, plugin: [from, plugin], main }: Framework,
  { tarball, files, browser, heard }: Means
): Promise<string> {
  const folder = join(root, name)
  const config = `${from}\nexport default { plugins: [${plugin}], logLevel: 'error', build: { target: 'es2023' } }\n`
  const page = { 'index.html': html, 'main.js': main, 'vite.config.mjs': config, ...files }
  await makeProject(folder, [tarball, 'libp2p', '@libp2p/webrtc', 'vite@8', ...packages], page)
  await runStep([process.execPath, 'node_modules/vite/bin/vite.js', 'build'], { cwd: folder, deadlineMs: stepMs })
  const server = await serveFolder(join(folder, 'dist'))
  const context = await browser.newContext()
  try {
    await visit(await context.newPage(), server.url, heard)
  } finally {
    await context.close()
    await server.close()
  }
  return JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version
}

async function visit(page: Page, url: string, heard: () => Promise<unknown>): Promise<void> {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.setDefaultTimeout(pageMs)
  await page.goto(url)
  await page.getByText('1 connected').waitFor()
  await page.getByRole('button', { name: 'Say hello' }).click()
  await heard()
  await page.evaluate(() => (globalThis as unknown as { unmount(): void }).unmount())
  await page.waitForFunction(async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return held.length + pending.length === 0
  })
  if (faults.length > 0) throw new Error(faults.join('; '))
}
