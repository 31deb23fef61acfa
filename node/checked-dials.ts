/**
 * DNS names are judged by what they stand for. The names of a dial are looked up here, once; addresses that are banned or that the
 * point must not lead to are dropped, the socket opens at one that is left, and its address is asked for once more when it is
 * open. What `/dnsaddr` stands for is judged in the same way, in `checked-names.ts`.
 *
 * The whole node is concerned: also what the application dials leads to public addresses only, unless the point is the operator's.
 * Used by `createNodePeer`; a node that you make yourself needs it beside `pool.gater`.
 */
import { lookup } from 'node:dns/promises'
import type { LookupFunction, Socket } from 'node:net'
import type { MultiaddrResolver, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { dnsaddrResolver } from 'libp2p'
import { WebSocket as WebSocketClient } from 'ws'
import { PoolError } from '../src/core/values/reason.ts'
import { dialPolicies } from '../src/libp2p/dial-rule.ts'
import { CheckedNames, type LookUpName, nameIn } from './checked-names.ts'

/** One WebSocket message. libp2p's are 64 KiB at most. */
const maxMessageBytes = 16 * 1_024 * 1_024

/** How names are looked up. */
export interface CheckedDialsOptions {
  /** @default the system's: `dns.lookup` */
  readonly lookUp?: LookUpName
}

/** Makes a transport of libp2p. */
export type TransportFactory<Components> = (components: Components) => Transport

/** Parts for `createLibp2p` that check where DNS names lead. */
export interface CheckedDials {
  /** `tcp()` of `@libp2p/tcp` with checked names. */
  tcp<Components>(make: TransportFactory<Components>): TransportFactory<Components>
  /** `webSockets()` of `@libp2p/websockets` with checked names. */
  webSockets<Components>(make: TransportFactory<Components>): TransportFactory<Components>
  /** For `createLibp2p({ connectionManager: { resolvers } })`: what `/dnsaddr` stands for, checked. */
  readonly resolvers: Record<string, MultiaddrResolver>
}

/**
 * What `createLibp2p` needs to check names. `pool` is what `peerPool` returned, for the same node. Throws `PoolError`
 * `invalid-config` for anything else.
 */
export function checkedDials(
  pool: object,
  { lookUp = (name, family) => lookup(name, { all: true, family }) }: CheckedDialsOptions = {}
): CheckedDials {
  const policy = dialPolicies.get(pool)
  if (policy === undefined) throw new PoolError('invalid-config', `checkedDials: expected what peerPool returned, got ${typeof pool}`)
  const names = new CheckedNames(policy, lookUp)
  return {
    tcp: (make) => connecting(make, (connect) => (address, options) => connectTcp(names, connect, { address, options })),
    webSockets: (make) => connecting(make, (connect) => (address, options) => connectWebSocket(names, connect, { address, options })),
    resolvers: {
      dnsaddr: {
        canResolve: (address) => dnsaddrResolver.canResolve(address),
        resolve: async (address, options) => names.answersOf(address, await dnsaddrResolver.resolve(address, options))
      }
    }
  }
}

interface DialOptions {
  readonly signal?: AbortSignal | undefined
}

/** How both transports of libp2p open a socket. */
type Connect = (address: Multiaddr, options: DialOptions & { lookup?: LookupFunction }) => Promise<unknown>

function connecting<Components>(make: TransportFactory<Components>, wrap: (connect: Connect) => Connect): TransportFactory<Components> {
  return (components) => {
    const transport = make(components)
    const connect: unknown = Reflect.get(transport, '_connect')
    // Another version of the transport, which would dial names unchecked.
    if (typeof connect !== 'function') {
      throw new PoolError(
        'invalid-config',
        `checkedDials: expected a transport of libp2p with _connect, got ${transport[Symbol.toStringTag]}`
      )
    }
    Reflect.set(
      transport,
      '_connect',
      wrap((address, options) => connect.call(transport, address, options))
    )
    return transport
  }
}

interface Dial {
  readonly address: Multiaddr
  readonly options: DialOptions
}

async function connectTcp(names: CheckedNames, connect: Connect, { address, options }: Dial): Promise<unknown> {
  if (nameIn(address) === undefined) return connect(address, options)
  const socket = (await connect(address, { ...options, lookup: names.lookupFor(address) })) as Socket
  try {
    names.connected(address, socket)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Node's own WebSocket takes no look-up, hence the one that libp2p listens with. */
async function connectWebSocket(names: CheckedNames, connect: Connect, { address, options: { signal } }: Dial): Promise<unknown> {
  const name = nameIn(address)
  if (name === undefined) return connect(address, { signal })
  signal?.throwIfAborted()
  const components = address.getComponents()
  const isSecure = components.some((component) => component.name === 'tls' || component.name === 'wss')
  const port = components.find((component) => component.name === 'tcp')?.value
  const url = `${isSecure ? 'wss' : 'ws'}://${name}${port === undefined ? '' : `:${port}`}`
  const lookup = names.lookupFor(address)
  const socket = new WebSocketClient(url, { lookup, perMessageDeflate: false, maxPayload: maxMessageBytes })
  socket.binaryType = 'arraybuffer'
  const abort = (): void => socket.terminate()
  signal?.addEventListener('abort', abort, { once: true })
  // Without a listener an error would end the process; a close follows each.
  socket.on('error', () => undefined)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('upgrade', ({ socket: opened }) => {
        try {
          names.connected(address, opened)
        } catch (error) {
          reject(error)
        }
      })
      socket.once('open', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error(`the WebSocket to ${url} closed before it was open`)))
    })
    return socket
  } catch (error) {
    socket.terminate()
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
