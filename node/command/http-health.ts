/**
 * `/health`, `/ready` and `/metrics` over HTTP, for load balancers, supervisors and Prometheus. Off by default, on the loopback by default.
 * It shows figures alone and changes nothing. On the loopback a request must name a loopback host: a website whose name was made to
 * lead here cannot read it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { hostOfName, scopeOf } from '../../src/core/values/address.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { CommandError } from './command-error.ts'
import { listenForHttp, textOf } from './guarded-http.ts'
import { type Health, healthOf } from './health.ts'
import type { PrometheusText } from './prometheus-text.ts'

export interface HttpAddress {
  readonly host: string
  readonly port: number
}

export interface HttpServer {
  /** Such as `http://127.0.0.1:8700`. */
  readonly url: string
  /** Ends open requests too. */
  close(): Promise<void>
}

/** Reads `PORT`, `HOST:PORT` or `[IPv6]:PORT`. Throws `CommandError` `usage` naming the option. Port 0: the system chooses. */
export function readHttpAddress(text: string, option = '--http'): HttpAddress {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) throw new CommandError('usage', `${option}: expected PORT or HOST:PORT, got ${JSON.stringify(text)}`)
  return { host: bracketed ?? plain ?? '127.0.0.1', port }
}

const statusOfHealth: Readonly<Record<Health, number>> = { 'in-band': 200, filling: 206, 'below-minimum': 503, 'not-running': 503 }

/** Without `metrics` there is no `/metrics`. Rejects with the system's error if the port cannot be had. */
export async function serveHealth(
  snapshot: () => PoolSnapshot,
  { host, port }: HttpAddress,
  metrics?: Pick<PrometheusText, 'contentType' | 'read'>
): Promise<HttpServer> {
  // Where it listens decides, not how that was written: any name may lead to the loopback.
  let isLoopback = true
  const answer: RequestListener = (request, response) => {
    if (isLoopback && !isLoopbackHost(hostnameOf(request.headers.host))) {
      const error = `Host: expected a name of this machine's loopback, got ${request.headers.host ?? 'none'}`
      send(request, response, json(403, { error }))
    } else if (metrics !== undefined && isReading(request) && pathOf(request) === '/metrics') {
      metrics.read().then(
        (text) => send(request, response, { status: 200, type: metrics.contentType, text }),
        () => send(request, response, json(500, { error: 'the metrics cannot be collected' }))
      )
    } else send(request, response, answerTo(request, snapshot))
  }
  const { address, close } = await listenForHttp({ host, port }, { request: answer })
  isLoopback = isLoopbackHost(address.address)
  return { url: `http://${textOf(address)}`, close }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json; charset=utf-8', text: `${JSON.stringify(body)}\n` }
}

function pathOf({ url = '' }: IncomingMessage): string | undefined {
  return url.split('?', 1)[0]
}

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function answerTo(request: IncomingMessage, snapshot: () => PoolSnapshot): Answer {
  if (!isReading(request)) return json(405, { error: `expected GET, got ${request.method}` })
  const path = pathOf(request)
  if (path !== '/health' && path !== '/ready') return json(404, { error: 'expected /health, /ready or /metrics' })
  const now = snapshot()
  const { status, active, band, network } = now
  const health = healthOf(now)
  const body = { version: 1, health, status, active, band, network }
  return json(path === '/health' ? statusOfHealth[health] : health === 'not-running' ? 503 : 200, body)
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff'
  })
  response.end(method === 'HEAD' ? undefined : text)
}

export function hostnameOf(header: string | undefined): string {
  const url = `http://${header ?? ''}`
  return header !== undefined && URL.canParse(url) ? new URL(url).hostname : ''
}

export function isLoopbackHost(name: string): boolean {
  const host = hostOfName(name)
  return host !== undefined && scopeOf(host) === 'loopback'
}
