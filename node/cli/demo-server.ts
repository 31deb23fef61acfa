/**
 * The page of the demo: built by Vite into memory, and served from there with the settings it asks for. Called by
 * demo-start.ts. A build, not Vite's development server: from nothing to a page that runs its pool it takes 1.6 s on two
 * cores, the development server, which first bundles libp2p's packages, 2.7 s.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/core/values/reason.ts'
import type { Endpoint } from './demo-control.ts'

/** The path of a request (with its slash) to what is served there. */
export type PageFiles = ReadonlyMap<string, PageFile | (() => PageFile) | { readonly endpoint: Endpoint }>

export interface PageFile {
  readonly type: string
  readonly body: string | Uint8Array
}

/** What the page reads of `/demo.json`; web/demo/settings.ts checks it there. */
export interface PageSettings {
  readonly network: string
  /** Multiaddrs. */
  readonly trustedPoints: readonly string[]
  readonly band: { readonly min: number; readonly expected: number; readonly max: number }
  /** The URL of the page for other machines in the network; `null`: they cannot open it. */
  readonly address: string | null
}

/** What the page reads of `/reservations.json`: how many relay reservations the demo's relay has left. */
export interface ReservationsLeft {
  /** Peer id. */
  readonly relay: string
  readonly max: number
  readonly left: number
}

export interface PageServer {
  /** On this machine. */
  readonly url: string
  /** For other machines; none without `host`. */
  readonly address: string | undefined
  /** Rejects if the server breaks; never resolves. */
  readonly broken: Promise<never>
  /** Ends open requests too. Idempotent. */
  close(): Promise<void>
}

const loopback = '127.0.0.1'
const pageFolder = fileURLToPath(new URL('../../web/demo', import.meta.url))

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8'
}

export function contentTypeOf(fileName: string): string {
  return contentTypes[extname(fileName)] ?? 'application/octet-stream'
}

/** `folder` holds an index.html. Rejects with Vite's error if the page does not build. Writes no file. */
export async function buildPage(folder = pageFolder): Promise<PageFiles> {
  const { build } = await import('vite')
  const built = await build({
    // Not vite.config.ts: it is mostly about tests, and loading it takes longer than the build.
    configFile: false,
    root: folder,
    logLevel: 'error',
    build: { target: 'es2023', write: false, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 2_000 }
  })
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((bundle) => ('output' in bundle ? bundle.output : []))
  const files = new Map<string, PageFile>()
  for (const output of outputs) {
    const body = output.type === 'chunk' ? output.code : output.source
    const file = { type: contentTypeOf(output.fileName), body }
    files.set(`/${output.fileName}`, file)
    if (output.fileName === 'index.html') files.set('/', file)
  }
  if (!files.has('/')) throw new Error(`the page did not build: expected an index.html, got ${[...files.keys()].join(', ') || 'nothing'}`)
  return files
}

export interface ServedPage {
  readonly settings: Omit<PageSettings, 'address'>
  /** Asked at each request; none: `null` is served. */
  reservations?(): ReservationsLeft | undefined
  /** Answers `/break.json`. @default nothing can be broken */
  readonly control?: Endpoint | undefined
  readonly port: number
  /** An address of this machine that others reach. @default none: only this machine opens the page */
  readonly host?: string | undefined
}

/** The page with its settings; as `serveFiles`. */
export async function servePage(files: PageFiles, { settings, reservations, control, port, host }: ServedPage): Promise<PageServer> {
  let address: string | null = null
  const served = new Map(files)
    .set('/demo.json', () => jsonFile({ ...settings, address } satisfies PageSettings))
    .set('/reservations.json', () => jsonFile(reservations?.() ?? null))
  if (control !== undefined) served.set('/break.json', { endpoint: control })
  const server = await serveFiles(served, port, host)
  address = server.address ?? null
  return server
}

export function jsonFile(value: unknown): PageFile {
  return { type: contentTypes['.json'] ?? '', body: JSON.stringify(value) }
}

/**
 * Listens on the loopback, and at the same port of `host` if there is one. Rejects with a sentence for people if the port cannot be had.
 * `port` 0: any free one.
 */
export async function serveFiles(files: PageFiles, port: number, host?: string): Promise<PageServer> {
  const broken = Promise.withResolvers<never>()
  // Most often nobody waits for it.
  broken.promise.catch(() => undefined)
  const servers: Server[] = []
  const listenAt = async (at: string, wanted: number): Promise<number> => {
    const server = createServer((request, response) => answer(files, request, response))
    await listen(server, { port: wanted, host: at })
    server.on('error', broken.reject)
    servers.push(server)
    return (server.address() as AddressInfo).port
  }
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer))
  }
  const found = await listenAt(loopback, port)
  try {
    if (host !== undefined && host !== loopback) await listenAt(host, found)
  } catch (error) {
    await close()
    throw error
  }
  const urlAt = (at: string): string => `http://${at}:${found}/`
  return { url: urlAt(loopback), address: host === undefined ? undefined : urlAt(host), broken: broken.promise, close }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function answer(files: PageFiles, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const found = files.get(path)
  if (found !== undefined && 'endpoint' in found) {
    found.endpoint(request, response)
    return
  }
  const file = typeof found === 'function' ? found() : found
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { ...headers, allow: 'GET, HEAD' }).end()
  else if (file === undefined) response.writeHead(404, { ...headers, 'content-type': 'text/plain' }).end(`there is no ${path} here\n`)
  else response.writeHead(200, { ...headers, 'content-type': file.type }).end(request.method === 'GET' ? file.body : undefined)
}

interface Place {
  readonly host: string
  readonly port: number
}

function listen(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(portTrouble(error, place), { cause: error })))
    server.listen(place, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

/** What a person can do about a port. */
function portTrouble(error: unknown, { port, host }: Place): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return `port ${port} of ${host} is taken by another program; choose another one with --port, or none for a free one`
  if (code === 'EADDRNOTAVAIL') return `${host} is no address of this machine; give one of its own with --host, or --host alone`
  if (code === 'EACCES') return `port ${port} of ${host} needs more rights than this program has; choose one above 1023 with --port`
  return `cannot listen on port ${port} of ${host}: ${messageOf(error)}`
}
