/**
 * Binds outgoing sockets to a host of the laboratory. All that runs inside `atHost` dials from that address, whichever library makes
 * the socket, so that many peers, each with a host of its own, fit into one process.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import net from 'node:net'

const hosts = new AsyncLocalStorage<string>()
let ownHost: string | undefined

/** What a socket is connected with, as far as it matters here. */
interface Target {
  host?: string
  localAddress?: string | null
}

/** Node hands over what `net.connect` made of its arguments as one list. */
type Connect = (this: net.Socket, ...args: (Target | Target[])[]) => net.Socket

const connect: Connect = net.Socket.prototype.connect as unknown as Connect

const bound: Connect = function (...args) {
  const host = hosts.getStore() ?? ownHost
  const first = args[0]
  const target = Array.isArray(first) ? first[0] : first
  if (host !== undefined && typeof target === 'object' && target !== null && fits(host, target)) {
    target.localAddress = host
  }
  return connect.apply(this, args)
}

net.Socket.prototype.connect = bound as unknown as typeof net.Socket.prototype.connect

/** The whole process is at `host`, wherever nothing else is said. */
export function beAt(host: string): void {
  ownHost = host
}

/** Runs `action` and all that it starts; its connections come from `host`. */
export function atHost<T>(host: string, action: () => T): T {
  return hosts.run(host, action)
}

/** An address reaches targets of its own family only. What a name resolves to is not known yet: its family must stay open. */
function fits(host: string, target: Target): boolean {
  const family = net.isIP(target.host ?? '')
  return typeof target.localAddress !== 'string' && family !== 0 && family === net.isIP(host)
}
