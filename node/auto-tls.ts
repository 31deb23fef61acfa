/**
 * `autoTls`: a certificate for a name that p2p-forge gives this peer id (`*.ID.libp2p.direct`), from Let's Encrypt, by `@ipshipyard/libp2p-auto-tls`
 * 2.0.2. The peer must be reachable at a public address. Keys and certificate are kept beside the identity, since a new certificate at each
 * start would soon be refused. Used by `createNodePeer`.
 *
 * The package is run apart from the node: it has a store of its own, and HTTP without a handler that others could call. Its faults that
 * are mended here: a renewed certificate is dispatched as a first one, which listeners ignore, and after a stop it dispatches none.
 */
import { privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type {
  AbortOptions,
  ComponentLogger,
  Libp2pEvents,
  NodeInfo,
  PeerId,
  PrivateKey,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type Check, flag, name, recordOf, type Shape, whole } from '../src/core/values/arguments.ts'
import { KeptSecrets } from './kept-secrets.ts'
import { optionalPackages } from './optional-package.ts'

/** The option `autoTls` of `createNodePeer`, where the defaults do not do. */
export interface AutoTlsOptions {
  /** Of the authority. @default Let's Encrypt's */
  readonly acmeDirectory?: string
  /** Of the service that answers the authority's challenge. @default https://registration.libp2p.direct */
  readonly forgeEndpoint?: string
  /** Under which that service gives names. @default libp2p.direct */
  readonly forgeDomain?: string
  /** How long an address must stay before a certificate is asked for, ms. @default 5000 */
  readonly provisionDelayMs?: number
}

const shape: Shape<AutoTlsOptions> = { acmeDirectory: name, forgeEndpoint: name, forgeDomain: name, provisionDelayMs: whole(0, 3_600_000) }
const record = recordOf(shape)
export const autoTlsOptions: Check = (value, at) =>
  typeof value === 'object' ? record(value, at) : flag(value, { ...at, or: ' or an object with options' })

interface AutoTlsComponents {
  readonly privateKey: PrivateKey
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly addressManager: AddressManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly nodeInfo: NodeInfo
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
}

/**
 * The service for `createLibp2p`. Rejects with `PoolError` `invalid-config` if a package is missing, and with `StorageError` for a file beside the
 * identity that cannot be used.
 */
export async function autoTlsService(
  { provisionDelayMs, ...options }: AutoTlsOptions,
  identityFile: string | undefined
): Promise<(components: AutoTlsComponents) => Startable> {
  const [{ autoTLS }, { http }] = await optionalPackages('autoTls', ['@ipshipyard/libp2p-auto-tls', '@libp2p/http'])
  const secrets = await KeptSecrets.open(identityFile === undefined ? undefined : `${identityFile}.auto-tls.json`)
  const init = { ...options, ...(provisionDelayMs === undefined ? {} : { provisionDelay: provisionDelayMs }), autoConfirmAddress: true }
  return (components) => {
    const { privateKey, peerId, logger, addressManager, nodeInfo, registrar, connectionManager } = components
    /** Each start has one of its own: a stopped one would not dispatch its certificate to the listeners of the next start. */
    const make = (): Startable => {
      const forHttp = { privateKey, registrar, connectionManager, logger }
      const client = http()(forHttp)
      // The part that proves the peer id asks over it.
      Object.assign(forHttp, { http: client })
      const parts = { privateKey, peerId, logger, addressManager, nodeInfo, http: client, events: renewing(components.events) }
      // The package asks no more of the two than these methods.
      const stores = { keychain: keychainIn(secrets), datastore: datastoreIn(secrets) } as unknown as Pick<
        Parameters<ReturnType<typeof autoTLS>>[0],
        'keychain' | 'datastore'
      >
      return autoTLS(init)({ ...parts, ...stores }) as unknown as Startable
    }
    let running: Startable | undefined
    return {
      start: async () => {
        running = make()
        await running.start()
      },
      stop: async () => {
        await running?.stop()
        running = undefined
      }
    }
  }
}

/** Events of the node, where only the first certificate is a first one. */
function renewing(events: TypedEventTarget<Libp2pEvents>): TypedEventTarget<Libp2pEvents> {
  let isFirst = true
  const dispatch: typeof events.safeDispatchEvent = (type, detail) => {
    if (type !== 'certificate:provision') return events.safeDispatchEvent(type, detail)
    const sent = isFirst ? type : 'certificate:renew'
    isFirst = false
    return events.safeDispatchEvent(sent, detail)
  }
  return new Proxy(events, {
    get: (target, name) => {
      if (name === 'safeDispatchEvent') return dispatch
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

const keyName = (name: string): string => `key ${name}`

function keychainIn(secrets: KeptSecrets) {
  return {
    exportKey: async (name: string): Promise<PrivateKey> => privateKeyFromProtobuf(secrets.get(keyName(name))),
    importKey: (name: string, key: PrivateKey): Promise<void> => secrets.put(keyName(name), privateKeyToProtobuf(key))
  }
}

function datastoreIn(secrets: KeptSecrets) {
  return {
    get: async (key: object, _options?: AbortOptions): Promise<Uint8Array> => secrets.get(String(key)),
    put: (key: object, value: Uint8Array): Promise<void> => secrets.put(String(key), value)
  }
}

/**
 * What is announced: with certificates of this kind only secure addresses that name it, and beside the addresses that the operator announces
 * the secure ones at the same ports.
 */
export function autoTlsAddresses(announce: readonly string[]) {
  const texts = announce.map((text) => multiaddr(text).toString())
  const secure = texts.flatMap((text) => (/^\/ip[46]\/[^/]+\/tcp\/\d+\/ws$/.test(text) ? [text.replace(/\/ws$/, '/tls/ws')] : []))
  const announced = new Set([...texts, ...secure])
  return {
    announce: [],
    appendAnnounce: [...announced],
    announceFilter: (addresses: Multiaddr[]): Multiaddr[] =>
      addresses.filter((address) => {
        const text = address.toString().replace(/\/p2p\/[^/]+$/, '')
        if (/^\/ip[46]\/[^/]+\/tcp\/\d+\/tls\/ws$/.test(text)) return false
        return announced.size === 0 || announced.has(text.replace(/\/tls\/sni\/[^/]+\/ws$/, '/tls/ws'))
      })
  }
}
