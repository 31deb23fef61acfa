/**
 * `/webrtc-direct`: pages dial a Node peer over UDP, with the hash of its certificate in the address, and need neither a DNS name nor an
 * authority. Experimental: it is version 1 of a handshake that browsers are about to give up. Used by `createNodePeer`.
 *
 * libp2p's listener (@libp2p/webrtc 6.0.33) makes a connection of the native stack for each datagram with a new name in it, from an address that
 * anybody can forge, and bounds neither their number nor their rate. Here both are bounded, by address group.
 */
import type { CreateListenerOptions, Transport } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { hostOfIp } from '../src/core/values/address.ts'
import type { Clock } from '../src/core/values/ports.ts'
import { PoolError } from '../src/core/values/reason.ts'
import { GroupRate } from '../src/libp2p/group-rate.ts'
import { defaultConnectionsPerSecond } from '../src/libp2p/listener-guard.ts'
import { handshakeShares, Shares } from '../src/libp2p/place-shares.ts'
import { boundingStreams } from './bounded-streams.ts'
import type { TransportFactory } from './checked-dials.ts'
import { loadDirectCertificate } from './direct-certificate.ts'
import { optionalPackages } from './optional-package.ts'

/** Handshakes in progress. Each holds a connection of the native stack, some hundred KiB. */
const maxHandshakes = 50
/** A handshake that is older makes room for the next of its group: it takes six round trips. */
const graceMs = 3_000
/** The native stack closes a connection in threads of its own, and does not say when they are done. */
const settleMs = 1_000
/** libp2p waits for the native stack without end. */
const closeWithinMs = 3_000

export interface WebRtcDirectOptions {
  /** The certificate is beside it. */
  readonly identityFile: string | undefined
  readonly clock: Clock
  /** New connections a second from one public address. @default as in `ListenerGuard` */
  readonly connectionsPerSecond?: number | undefined
}

/** The transport for `createLibp2p`. Rejects as `loadDirectCertificate`, and with `PoolError` `invalid-config` without `@libp2p/webrtc`. */
export async function webRtcDirectTransport({ identityFile, ...guarding }: WebRtcDirectOptions) {
  const [{ webRTCDirect }] = await optionalPackages('webRtcDirect', ['@libp2p/webrtc'])
  const certificate = await loadDirectCertificate(identityFile)
  // Without the empty list it asks public STUN servers.
  return guardingHandshakes(boundingStreams(webRTCDirect({ certificate, rtcConfiguration: { iceServers: [] } })), guarding)
}

/** The addresses to listen on: those given, and where none is for this transport, the UDP port of the first WebSocket listener. */
export function withDirectListener(listen: readonly string[]): readonly string[] {
  const addresses = listen.map((text) => multiaddr(text).toString())
  if (addresses.some((address) => address.includes('/webrtc-direct'))) return listen
  const [, start, port] =
    addresses.map((address) => /^(\/ip[46]\/[^/]+)\/tcp\/(\d+)(?:\/tls)?\/ws$/.exec(address)).find((found) => found !== null) ?? []
  return start === undefined ? listen : [...listen, `${start}/udp/${port}/webrtc-direct`]
}

type Incoming = (name: string, host: string, port: number, signal: AbortSignal) => Promise<void>

/** A transport whose listeners keep handshakes in bounds. */
export function guardingHandshakes<Components>(
  make: TransportFactory<Components>,
  { clock, connectionsPerSecond = defaultConnectionsPerSecond }: Omit<WebRtcDirectOptions, 'identityFile'>
): TransportFactory<Components> {
  return (components) => {
    const transport: Transport = make(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options: CreateListenerOptions) => {
      const listener = createListener(options)
      const incoming: unknown = Reflect.get(listener, 'incomingConnection')
      // Another version of the listener, which would be without bounds.
      if (typeof incoming !== 'function')
        throw new PoolError('invalid-config', 'webRtcDirect: expected @libp2p/webrtc 6, got another version')
      const guard = new HandshakeGuard(clock, connectionsPerSecond)
      const accept: Incoming = (...args) => incoming.apply(listener, args)
      Reflect.set(listener, 'incomingConnection', ((...args) => guard.run(accept, ...args)) satisfies Incoming)
      const close = listener.close.bind(listener)
      listener.close = async () => {
        // The node closes its connections meanwhile. libp2p would close them a second time, and that ends the process in the native stack.
        await new Promise<void>((resolve) => void clock.schedule(settleMs, resolve))
        await Promise.race([close(), new Promise<void>((resolve) => void clock.schedule(closeWithinMs, resolve))])
      }
      return listener
    }
    return transport
  }
}

class HandshakeGuard {
  readonly #clock: Clock
  readonly #rate: GroupRate
  readonly #running = new Map<string, AbortController>()
  readonly #shares = new Shares<string>(handshakeShares(maxHandshakes))

  constructor(clock: Clock, connectionsPerSecond: number) {
    this.#clock = clock
    this.#rate = new GroupRate(clock, connectionsPerSecond)
  }

  /** A handshake has a place until it settles: then libp2p counts the connection, or has closed it. */
  async run(accept: Incoming, ...[name, remoteHost, port, signal]: Parameters<Incoming>): Promise<void> {
    const key = `${remoteHost} ${port} ${name}`
    // The first request is repeated until it is answered.
    if (this.#running.has(key)) return
    const host = hostOfIp(remoteHost)
    if (!this.#rate.takes(host)) return
    for (;;) {
      const now = this.#clock.now()
      const rivals = this.#shares.take(key, { host }, now)
      if (rivals === undefined) break
      const rival = rivals.find(({ because, since }) => because === 'larger-group' || now - since >= graceMs)
      if (rival === undefined) return
      this.#running.get(rival.holder)?.abort(new Error('it made room for another'))
      this.#leave(rival.holder)
    }
    const controller = new AbortController()
    this.#running.set(key, controller)
    try {
      await accept(name, remoteHost, port, AbortSignal.any([signal, controller.signal]))
    } finally {
      if (this.#running.get(key) === controller) this.#leave(key)
    }
  }

  #leave(key: string): void {
    this.#running.delete(key)
    this.#shares.leave(key)
  }
}
