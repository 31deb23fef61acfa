/**
 * The page of the demo: built by Vite into memory, and served from there with the settings it asks for. Called by
 * demo-start.ts. A build, not Vite's development server: from nothing to a page that runs its pool it takes 1.6 s on two
 * cores, the development server, which first bundles libp2p's packages, 2.7 s.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/core/values/reason.ts'
import { type GuardedHttp, listenForHttp } from '../command/guarded-http.ts'
import type { Endpoint } from './demo-control.ts'
import { isForUs } from './demo-host.ts'
import { pageHeaders } from './page-headers.ts'

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
/** Sockets at once, at each address: idle ones leave the peers of this process their descriptors. */
const maxSockets = 128
/** A break may take so long to begin on a busy machine. */
const silenceMs = 30_000
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
  const servers: GuardedHttp[] = []
  const listenAt = async (at: string, wanted: number): Promise<number> => {
    const place = { host: at, port: wanted }
    const handlers = { request: (request: IncomingMessage, response: ServerResponse) => answer(files, request, response) }
    const server = await listenForHttp({ ...place, maxSockets, silenceMs }, { ...handlers, broken: broken.reject }).catch(
      (error: unknown) => {
        throw new Error(portTrouble(error, place), { cause: error })
      }
    )
    servers.push(server)
    return server.address.port
  }
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()))
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

function answer(files: PageFiles, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const found = files.get(path)
  const file = typeof found === 'function' ? found() : found
  const isHtml = file !== undefined && 'type' in file && file.type === contentTypes['.html']
  response.setHeaders(new Map(Object.entries(pageHeaders(isHtml ? textOf(file) : ''))))
  const say = (status: number, text: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
  }
  if (!isForUs(request)) say(421, 'The demo does not answer under this name. Open the address that it printed when it started.')
  else if (file !== undefined && 'endpoint' in file) file.endpoint(request, response)
  else if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end()
  else if (file === undefined) say(404, `there is no ${path} here`)
  else response.writeHead(200, { 'content-type': file.type }).end(request.method === 'GET' ? file.body : undefined)
}

function textOf({ body }: PageFile): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

interface Place {
  readonly host: string
  readonly port: number
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
