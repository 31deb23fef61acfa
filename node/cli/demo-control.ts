/**
 * The way from the demo's page to what breaks the demo's network: `GET /break.json` gives the page its token, `POST /break.json` with that
 * token asks for one break. Served by demo-server.ts; what a break does is in demo-breaks.ts.
 *
 * Any web page that runs in a browser here can send requests to this machine. So only a page that this server itself has served is
 * answered: its request names this server (demo-host.ts), comes
 * from the page's own origin, and carries the token, which no other page can read. Requests from outside the local network
 * are refused, too, but at a public address that was given with `--host`.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hostOfIp, isLocal } from '../../src/core/values/address.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import type { PeerId } from '../index.ts'
import { isForUs, type LocalEnd } from './demo-host.ts'

/** What the server breaks on request and mends by itself; and what it stops until it is asked to start it again. */
export const breakKinds = ['relay', 'half', 'liar', 'stop-relay', 'stop-servers', 'start-servers'] as const
export type BreakKind = (typeof breakKinds)[number]

/** What was broken: the answer to the page. */
export interface BreakReport {
  readonly kind: BreakKind
  /** The peers that were killed, or stopped. */
  readonly killed: readonly PeerId[]
  /** When those that were killed are back, or the liar is gone, ms from now; `null`: when it is asked to start them. */
  readonly mendsInMs: number | null
  /** The address of the liar, with its id; `null` for other breaks. */
  readonly liar: string | null
}

/** Breaks one thing. Rejects with `Busy` while another break is not mended, and with what went wrong. */
export type BreakNow = (kind: BreakKind) => Promise<BreakReport>

/** Another break is not mended yet. */
export class Busy extends Error {
  override readonly name = 'Busy'
}

export const tokenHeader = 'x-demo-token'

/** The body of a request is a few words. */
const maxBodyBytes = 256
/** Requests for breaks, whatever comes of them: five at once, one each two seconds in the long run. */
const burst = 5
const everyMs = 2_000

export interface ControlOptions {
  readonly breakNow: BreakNow
  /** What is broken now. @default nothing */
  readonly broken?: () => readonly string[]
  /** The address that the operator opened with `--host`. Who comes in there may be anybody, also where it is a public one. @default none */
  readonly host?: string | undefined
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
}

export type Endpoint = (request: IncomingMessage, response: ServerResponse) => void

/** Answers requests for one path, each with JSON. */
export function controlEndpoint({ breakNow, broken = () => [], host, now = () => performance.now() }: ControlOptions): Endpoint {
  const token = randomBytes(32).toString('hex')
  let allowance = burst
  let at = now()
  const mayTry = (): boolean => {
    allowance = Math.min(burst, allowance + (now() - at) / everyMs)
    at = now()
    if (allowance < 1) return false
    allowance -= 1
    return true
  }
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const why = whyForeign(request, host)
    if (why !== undefined) return { status: 403, body: { problem: why } }
    if (request.method === 'GET') return { status: 200, body: { token, kinds: breakKinds, broken: broken() } }
    if (request.method !== 'POST') return { status: 405, body: { problem: 'expected GET or POST' } }
    // A GET of the page itself names no origin, a POST always does.
    if (request.headers.origin === undefined) return { status: 403, body: { problem: 'expected the Origin of the demo’s page' } }
    if (!isToken(request.headers[tokenHeader], token)) return { status: 401, body: { problem: 'expected the token of /break.json' } }
    if (!mayTry()) return { status: 429, body: { problem: 'too many breaks at once; wait some seconds' } }
    const kind = await kindIn(request)
    if (kind === undefined) return { status: 400, body: { problem: `expected one of ${breakKinds.join(', ')}` } }
    try {
      return { status: 200, body: await breakNow(kind) }
    } catch (error) {
      return { status: error instanceof Busy ? 409 : 500, body: { problem: messageOf(error) } }
    }
  }
  return (request, response) => {
    void answer(request).then(({ status, body }) => {
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff'
      }
      // What was not read of the request is not worth waiting for.
      response.writeHead(status, { ...headers, ...(request.complete ? {} : { connection: 'close' }) }).end(JSON.stringify(body))
    })
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

/**
 * Why a request is not from a page of this server; `undefined`: it may be. `open`: the address given with `--host`; where that is not one of
 * a local network, requests from anywhere may come in there, since the page is open to all there. Pure.
 */
export function whyForeign(request: Asked, open?: string): string | undefined {
  const { headers, socket } = request
  const from = socket.remoteAddress === undefined ? undefined : hostOfIp(socket.remoteAddress)
  if (from === undefined || !(isLocal(from) || isOpenAt(socket, open))) return 'only this machine and its local network may break the demo'
  const { host, origin } = headers
  if (!isForUs(request)) return 'expected the address of the demo in the header Host'
  if (origin !== undefined && origin !== `http://${host}`) return 'other web pages may not break the demo'
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return 'other web pages may not break the demo'
  return undefined
}

interface Asked extends Pick<IncomingMessage, 'headers'> {
  readonly socket: Place
}

function isOpenAt({ localAddress }: Place, open: string | undefined): boolean {
  const host = open === undefined ? undefined : hostOfIp(open)
  return host !== undefined && !isLocal(host) && localAddress !== undefined && hostOfIp(localAddress) === host
}

/** Both ends of the socket. */
interface Place extends LocalEnd {
  readonly remoteAddress?: string | undefined
}

function isToken(shown: string | readonly string[] | undefined, token: string): boolean {
  return typeof shown === 'string' && timingSafeEqual(digestOf(shown), digestOf(token))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** `undefined`: the body names nothing that can be broken, or is too long. */
async function kindIn(request: IncomingMessage): Promise<BreakKind | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of request) {
      bytes += (part as Buffer).byteLength
      if (bytes > maxBodyBytes) return undefined
      parts.push(part as Buffer)
    }
    const said: unknown = JSON.parse(Buffer.concat(parts).toString())
    const kind = typeof said === 'object' && said !== null && 'kind' in said ? said.kind : undefined
    return breakKinds.find((known) => known === kind)
  } catch {
    // It ended in the middle, or is no JSON.
    return undefined
  }
}
