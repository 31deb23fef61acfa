/**
 * Bounds the sockets at a WebSocket listener that have not become WebSockets yet. libp2p's listener (@libp2p/websockets 10.1.21) waits
 * for their first byte and for their request without end, and libp2p counts them only afterwards. Each address group has a share of
 * them, a time, and a rate: a handshake of TLS costs a signature, and the message that asks for it costs nothing. Used by `createNodePeer`.
 */
import { Server, type Socket } from 'node:net'
import type { CreateListenerOptions, Transport } from '@libp2p/interface'
import { hostOfIp } from '../src/core/values/address.ts'
import type { Host } from '../src/core/values/ids.ts'
import type { Clock } from '../src/core/values/ports.ts'
import { GroupRate } from '../src/libp2p/group-rate.ts'
import { defaultConnectionsPerSecond } from '../src/libp2p/listener-guard.ts'
import { Shares } from '../src/libp2p/place-shares.ts'

/** A request takes two round trips, four with TLS. */
const deadlineMs = 10_000
/** One that is older makes room for the next of its group. */
const graceMs = 3_000
const maxSockets = 100
/** For each connection that libp2p takes: some sockets only ask over HTTP, or fail and come again. */
const socketsPerConnection = 2

export interface SocketGuardOptions {
  readonly clock: Clock
  /** Hosts behind which many peers stand, such as a trusted proxy. @default none */
  readonly isShared?: (host: Host) => boolean
  /** New connections a second that libp2p takes from one public address. @default as in `ListenerGuard` */
  readonly connectionsPerSecond?: number | undefined
}

/** A WebSocket transport for `createLibp2p`, whose listeners keep sockets without a request in bounds. */
export function guardingSockets<Components>(
  make: (components: Components) => Transport,
  { clock, isShared = () => false, connectionsPerSecond = defaultConnectionsPerSecond }: SocketGuardOptions
): (components: Components) => Transport {
  return (components) => {
    const transport = make(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options: CreateListenerOptions) => {
      const listener = createListener(options)
      const server: unknown = Reflect.get(listener, 'server')
      const webSockets: unknown = Reflect.get(listener, 'wsServer')
      if (server instanceof Server && isEmitter(webSockets)) guard(server, webSockets, { clock, isShared, connectionsPerSecond })
      return listener
    }
    return transport
  }
}

/** What `ws` tells just before it answers a request: from then on libp2p counts the connection. */
interface WebSocketServer {
  on(event: 'headers', listener: (headers: string[], request: { readonly socket: Socket }) => void): void
}

function isEmitter(value: unknown): value is WebSocketServer {
  return typeof value === 'object' && value !== null && 'on' in value && typeof value.on === 'function'
}

function guard(
  server: Server,
  webSockets: WebSocketServer,
  { clock, isShared, connectionsPerSecond }: SocketGuardOptions & { isShared(host: Host): boolean; connectionsPerSecond: number }
): void {
  // By address and port: under TLS the request's socket is another object than the one that came.
  const waiting = new Map<string, { readonly socket: Socket; readonly cancel: () => void }>()
  const shares = new Shares<string>({
    max: maxSockets,
    reserve: 0,
    perGroup: 5,
    perWiderGroup: maxSockets / 4,
    perLocalHost: maxSockets / 2,
    perPeer: Number.POSITIVE_INFINITY
  })
  const rate = new GroupRate(clock, socketsPerConnection * connectionsPerSecond)
  const settle = (key: string): void => {
    shares.leave(key)
    waiting.get(key)?.cancel()
    waiting.delete(key)
  }
  const end = (key: string): void => {
    const socket = waiting.get(key)?.socket
    settle(key)
    socket?.destroy()
  }
  server.prependListener('connection', (socket) => {
    const key = keyOf(socket)
    const seen = socket.remoteAddress === undefined ? undefined : hostOfIp(socket.remoteAddress)
    const host = seen === undefined || isShared(seen) ? undefined : seen
    if (!rate.takes(host)) {
      socket.destroy()
      return
    }
    for (;;) {
      const now = clock.now()
      const rivals = shares.take(key, { host }, now)
      if (rivals === undefined) break
      const rival = rivals.find(({ because, since }) => because === 'larger-group' || now - since >= graceMs)
      if (rival === undefined) {
        socket.destroy()
        return
      }
      end(rival.holder)
    }
    waiting.set(key, { socket, cancel: clock.schedule(deadlineMs, () => end(key)) })
    socket.once('close', () => settle(key))
    // One that is ended before it is read from may fail, and nobody else listens yet.
    socket.on('error', () => socket.destroy())
  })
  webSockets.on('headers', (_headers, { socket }) => settle(keyOf(socket)))
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
