/** Two kinds of proxy before a WebSocket listener, for tests: one that reads requests and one that knows nothing but bytes. */
import http from 'node:http'
import net, { type AddressInfo, type Server } from 'node:net'

export interface RunningProxy {
  readonly port: number
  close(): Promise<void>
}

/** Forwards bytes to a port of 127.0.0.1. */
export function tcpProxy(target: number): Promise<RunningProxy> {
  return listening(net.createServer((socket) => join(socket, net.connect(target, '127.0.0.1'))))
}

/** Forwards upgrades, adding the address that it was called from to `X-Forwarded-For`, or what `clientOf` says. */
export function httpProxy(target: number, clientOf: (request: http.IncomingMessage) => string | undefined): Promise<RunningProxy> {
  const server = http.createServer((_, response) => response.writeHead(404).end())
  server.on('upgrade', (request, socket: net.Socket, head) => {
    const client = clientOf(request)
    const chain = [request.headers['x-forwarded-for'], client].filter((part) => part !== undefined).join(', ')
    const kept = Object.entries(request.headers).filter(([name]) => name !== 'x-forwarded-for')
    const lines = [
      ...kept.map(([name, value]) => `${name}: ${String(value)}`),
      ...(client === undefined ? [] : [`X-Forwarded-For: ${chain}`])
    ]
    const upstream = net.connect(target, '127.0.0.1')
    upstream.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    upstream.write(head)
    join(socket, upstream)
  })
  return listening(server)
}

function join(one: net.Socket, other: net.Socket): void {
  one.pipe(other).pipe(one)
  for (const [from, to] of [
    [one, other],
    [other, one]
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}

async function listening(server: Server): Promise<RunningProxy> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  return { port: (server.address() as AddressInfo).port, close }
}
