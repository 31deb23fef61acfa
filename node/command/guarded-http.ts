/**
 * An HTTP server for small questions of any program, on which nobody can hold a place, memory or the process: a cap on sockets, one
 * request each, and a deadline for each step. Health (`http-health.ts`), control over TCP (`control-port.ts`) and the pages of the demo and the
 * playground are served by it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A request has so long to come. */
const requestMs = 5_000
const headersMs = 2_000

export interface GuardedHttp {
  /** Where it listens. */
  readonly address: AddressInfo
  /** Ends all sockets but those that `upgrade` took. Idempotent. */
  close(): Promise<void>
}

export interface HttpPlace {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Beyond it the socket ends on which nothing was asked for longest. @default 64 */
  readonly maxSockets?: number
  /** Ends a socket on which nothing moves, such as that of a program that does not read its answer. @default 10_000 */
  readonly silenceMs?: number
}

export interface HttpHandlers {
  readonly request: RequestListener
  /** Called if the server breaks while it listens. @default the error ends the process */
  broken?(error: Error): void
  /** Takes the socket of a request to change protocols, or gives the status of a refusal. Without it each is refused. */
  upgrade?(request: IncomingMessage, head: Buffer): number | undefined
}

/** Rejects with the system's error if the port cannot be had. */
export async function listenForHttp(
  { host, port, maxSockets = 64, silenceMs = 10_000 }: HttpPlace,
  { request: answer, upgrade, broken }: HttpHandlers
): Promise<GuardedHttp> {
  const server = createServer({
    ...{ headersTimeout: headersMs, requestTimeout: requestMs, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 }
  })
  server.setTimeout(silenceMs)
  /** The longest silent one first. */
  const sockets = new Set<Socket>()
  const asked = new WeakSet<Socket>()
  server.on('connection', (socket: Socket) => {
    // Idle programs keep no supervisor out.
    const [oldest] = sockets.size >= maxSockets ? sockets : []
    if (oldest !== undefined) end(oldest)
    sockets.add(socket)
    // Node takes its own listener off a socket that changes protocols, and an error without a listener ends the process.
    socket.on('error', () => end(socket))
    socket.once('close', () => sockets.delete(socket))
  })
  const end = (socket: Socket): void => {
    sockets.delete(socket)
    socket.destroy()
  }
  server.on('clientError', (_, socket) => socket.destroy())
  server.on('request', (request, response) => {
    const { socket } = request
    // Answers to requests that were sent ahead would wait in memory for a program that does not read.
    if (asked.has(socket) || !sockets.delete(socket)) return end(socket)
    asked.add(socket)
    sockets.add(socket)
    response.setHeader('connection', 'close')
    answer(request, response)
  })
  server.on('upgrade', (request, _, head) => {
    const { socket } = request
    const refusal = upgrade === undefined ? 426 : upgrade(request, head)
    if (refusal !== undefined) return refuse(socket, refusal)
    sockets.delete(socket)
    socket.setTimeout(0)
  })
  const listening = once(server, 'listening')
  server.listen(port, host)
  await listening
  if (broken !== undefined) server.on('error', broken)
  return {
    address: server.address() as AddressInfo,
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) end(socket)
      // Sockets that `upgrade` took may stay.
      if (upgrade === undefined) await closed
    }
  }
}

/** Such as `127.0.0.1:8700`, as options take it. */
export function textOf({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

/** Ends with an answer that has no body. */
export function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}
