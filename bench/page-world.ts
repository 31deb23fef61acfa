/** The network of the rows about pages: pages with a pool and bare ones, built and served as a user would, a Chromium, and peers to connect to. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { Chromium, type Tab } from '../node/cli/chromium-windows.ts'
import type { BenchPage, PageInit } from './pages/bench-page.ts'
import { PeerProcess } from './processes.ts'
import { pause } from './timing.ts'

declare const benchPage: BenchPage | undefined

/** The connections that a page has in the end: what its pool aims at by default. */
export const connections = 5
const patienceMs = 20_000

export type PageKind = 'bare' | 'ours'

type Peers = Readonly<Record<PageKind, { readonly process: PeerProcess; readonly addresses: readonly string[] }>>

export class PageWorld {
  readonly #server: Server
  readonly #peers: Peers
  readonly #browsers: Chromium[] = []

  /** `isSplit`: libp2p in a chunk named `vendor`, and names of functions kept, so that a stack says whose code it is. */
  static async make({ isSplit = false } = {}): Promise<PageWorld> {
    const [bare, ours, barePeers, ourPeers] = await Promise.all([
      buildPage('bare', isSplit),
      buildPage('ours', isSplit),
      startPeers('bare'),
      startPeers('ours')
    ])
    return new PageWorld(await serve({ bare, ours }), { bare: barePeers, ours: ourPeers })
  }

  private constructor(server: Server, peers: Peers) {
    this.#server = server
    this.#peers = peers
  }

  async launch(): Promise<Chromium> {
    const browser = await Chromium.launch()
    this.#browsers.push(browser)
    return browser
  }

  /** A page of that origin with nothing in it. */
  get blank(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/blank`
  }

  urlOf(kind: PageKind): string {
    const [relay = '', ...others] = this.#peers[kind].addresses
    const init: PageInit = { relay, others }
    return `${new URL(`/${kind}/`, this.blank)}#${encodeURIComponent(JSON.stringify(init))}`
  }

  async end(): Promise<void> {
    await Promise.all(this.#browsers.map((browser) => browser.close()))
    this.#server.closeAllConnections()
    this.#server.close()
    for (const { process } of Object.values(this.#peers)) process.end()
  }
}

/** From the start of the navigation to the first connection that runs, ms. */
export async function firstMsOf(tab: Tab): Promise<number> {
  await reached(tab, 1)
  return tab.evaluate(() => benchPage?.firstMs ?? Number.NaN)
}

/** Waits until the page has so many connections. */
export async function reached(tab: Tab, count: number): Promise<void> {
  const until = performance.now() + patienceMs
  while ((await connectionsOf(tab)) < count) {
    if (performance.now() > until) throw new Error(`the page has ${await connectionsOf(tab)} of ${count} connections`)
    await pause(100)
  }
}

export function connectionsOf(tab: Tab): Promise<number> {
  return tab.evaluate(() => (typeof benchPage === 'object' ? benchPage.connections() : 0))
}

/** Each file by its name; the page itself by none. */
type Files = ReadonlyMap<string, string>

async function buildPage(kind: PageKind, isSplit: boolean): Promise<Files> {
  const groups = [{ name: 'vendor', test: /node_modules/ }]
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    base: './',
    root: fileURLToPath(new URL('..', import.meta.url)),
    build: {
      write: false,
      target: 'es2023',
      minify: !isSplit,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: fileURLToPath(new URL(`pages/${kind}.ts`, import.meta.url)),
        output: { entryFileNames: 'page.js', chunkFileNames: '[name]-[hash].js', ...(isSplit ? { codeSplitting: { groups } } : {}) }
      }
    }
  })
  const [{ output }] = (Array.isArray(result) ? result : [result]) as Rolldown.RolldownOutput[] as [Rolldown.RolldownOutput]
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])))
  const files = new Map(Array.from(chunks, ([name, { code }]) => [name, code]))
  return files.set('', pageOf(importsOf('page.js', chunks)))
}

/** What the chunk imports before it runs, whatever imports it. */
function importsOf(name: string, chunks: ReadonlyMap<string, { readonly imports: readonly string[] }>): ReadonlySet<string> {
  const found = new Set<string>([name])
  for (const one of found) for (const imported of chunks.get(one)?.imports ?? []) found.add(imported)
  found.delete(name)
  return found
}

/** As Vite writes it. */
function pageOf(preloaded: Iterable<string>): string {
  const links = Array.from(preloaded, (file) => `<link rel="modulepreload" crossorigin href="${file}">`)
  return blankPage('<script type="module" crossorigin src="page.js"></script>', ...links)
}

function blankPage(...head: readonly string[]): string {
  return `<!doctype html><title>bench</title><link rel="icon" href="data:">${head.join('')}`
}

/** On localhost, where a page counts as secure. */
function serve(pages: Readonly<Record<PageKind, Files>>): Promise<Server> {
  const server = createServer((request, response) => {
    const [, kind = '', file = ''] = /^\/(bare|ours)\/(.*)$/.exec(request.url ?? '') ?? []
    const code = kind === '' ? undefined : pages[kind as PageKind].get(file)
    if (file === '') response.writeHead(200, { 'content-type': 'text/html' }).end(code ?? blankPage())
    else if (code !== undefined) response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=3600' }).end(code)
    else response.writeHead(404).end()
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

/** As many as a page connects to; the first one is a relay. */
async function startPeers(kind: PageKind): Promise<{ process: PeerProcess; addresses: readonly string[] }> {
  const process = new PeerProcess()
  const [relay, others] = kind === 'ours' ? (['relay', 'preset-ws'] as const) : (['bare-relay', 'bare-ws'] as const)
  const addresses = [...(await process.call('make', relay, 1)), ...(await process.call('make', others, connections - 1))]
  return { process, addresses }
}
