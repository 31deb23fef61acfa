/**
 * libp2p's WebSocket transport, mended. Its connections (@libp2p/websockets 10.1.21) abort with `close(1006)`, a code that no
 * WebSocket takes, so an aborted one stays open at both ends; a connection whose upgrade fails leaves its socket open; and an error of a
 * server's socket ends the process. Used by the presets of `node` and `web`.
 */
import type { CreateListenerOptions, DialTransportOptions, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { messageOf } from '../core/values/reason.ts'

/** `webSockets(…)`, whose sockets close when their connection is aborted or its upgrade fails. */
export function closing<Components>(make: (components: Components) => Transport): (components: Components) => Transport {
  return (components) => {
    const transport = make(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = (address, options: DialTransportOptions) => dial(address, { ...options, upgrader: mending(options.upgrader) })
    transport.createListener = (options: CreateListenerOptions) => createListener({ ...options, upgrader: mending(options.upgrader) })
    return transport
  }
}

function mending(upgrader: Upgrader): Upgrader {
  return {
    upgradeOutbound: mendingFirst(upgrader.upgradeOutbound.bind(upgrader)),
    upgradeInbound: mendingFirst(upgrader.upgradeInbound.bind(upgrader)),
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters()
  }
}

function mendingFirst<Options, Result>(upgrade: (link: MultiaddrConnection, options: Options) => Promise<Result>): typeof upgrade {
  return async (link, options) => {
    mend(link)
    try {
      return await upgrade(link, options)
    } catch (error) {
      // A listener closes it politely, which leaves the socket open for half a minute.
      link.abort(new Error(messageOf(error), { cause: error }))
      throw error
    }
  }
}

const mended = new WeakSet<MultiaddrConnection>()

/** Gives a connection on a WebSocket a way to reset that works, in place of its own, and an end when it is sent what is no frame. */
export function mend(link: MultiaddrConnection): void {
  const socket: unknown = Reflect.get(link, 'websocket')
  if (typeof socket !== 'object' || socket === null || mended.has(link)) return
  mended.add(link)
  // Node's server sockets emit errors, and nothing else listens: seven bytes of an attacker would end the process.
  const on: unknown = Reflect.get(socket, 'on')
  if (typeof on === 'function') on.call(socket, 'error', (error: Error) => link.abort(error))
  // Node's server sockets can end at once; all others only by the closing handshake.
  const end: unknown = Reflect.get(socket, 'terminate') ?? Reflect.get(socket, 'close')
  if (typeof end === 'function') Reflect.set(link, 'sendReset', () => void end.call(socket))
}
