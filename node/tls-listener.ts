/**
 * WebSocket listeners that speak TLS and plain text at one port, by the first byte that comes. libp2p's listener (@libp2p/websockets 10.1.21)
 * does it once it is given a certificate, by the events with which its automatic certificates come; here the certificate is the operator's.
 * Advertised are the hosts that the certificate names: browsers refuse it elsewhere. Used by `createNodePeer`.
 */
import type {
  ComponentLogger,
  CreateListenerOptions,
  Libp2pEvents,
  Listener,
  TLSCertificate,
  Transport,
  TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Host } from '../src/core/values/ids.ts'
import type { FollowedCertificate, Following } from './tls-certificate.ts'

/** Limits of the TLS server behind each listener. A socket has ten seconds for everything anyway: `socket-guard.ts`. */
export const tlsLimits = { maxHeaderSize: 16 * 1024, handshakeTimeout: 10_000 }

/** For `webSockets({ https })`: listeners that open later have the certificate of then. */
export function tlsServerOptions(certificate: FollowedCertificate | undefined): typeof tlsLimits & Partial<TLSCertificate> {
  if (certificate === undefined) return tlsLimits
  return {
    ...tlsLimits,
    get key() {
      return certificate.current.key
    },
    get cert() {
      return certificate.current.cert
    }
  }
}

export interface TlsComponents {
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly addressManager: Pick<AddressManager, 'confirmObservedAddr'>
}

/** A WebSocket transport for `createLibp2p` whose listeners present the certificate, if there is one, and a newer one as soon as there is one. */
export function withCertificate<Components>(
  make: (components: Components) => Transport,
  certificate: FollowedCertificate | undefined,
  following: Following
): (components: Components & TlsComponents) => Transport {
  if (certificate === undefined) return make
  return (components) => {
    const transport = make(components)
    const log = components.logger.forComponent('p2p-pool:tls')
    const createListener = transport.createListener.bind(transport)
    /** Open listeners, each with its addresses as libp2p has them. */
    const open = new Map<Listener, () => Multiaddr[]>()
    let stopFollowing: () => void = () => undefined
    const present = (event: 'certificate:provision' | 'certificate:renew'): void => {
      const { key, cert } = certificate.current
      components.events.safeDispatchEvent<TLSCertificate>(event, { detail: { key, cert } })
    }
    const renewed = (): void => {
      log('the certificate was renewed')
      present('certificate:renew')
      for (const listener of open.keys()) listener.safeDispatchEvent('listening')
    }
    const opened = (listener: Listener, getAddrs: () => Multiaddr[]): void => {
      if (open.size === 0) stopFollowing = certificate.follow(renewed, following)
      open.set(listener, getAddrs)
    }
    const closed = (listener: Listener): void => {
      if (open.delete(listener) && open.size === 0) stopFollowing()
    }
    transport.createListener = (options: CreateListenerOptions) => {
      const listener = createListener(options)
      const listen = listener.listen.bind(listener)
      const getAddrs = listener.getAddrs.bind(listener)
      listener.getAddrs = () => {
        const others = [...open].flatMap(([other, addressesOf]) => (other === listener ? [] : secureOf(addressesOf())))
        return advertised(getAddrs(), certificate.current.hosts, others)
      }
      listener.listen = async (address) => {
        present('certificate:provision')
        await listen(address)
      }
      // libp2p announces a name once it is confirmed: the operator's certificate does.
      listener.addEventListener('listening', () => {
        // Without an address that is advertised, the certificate is followed all the same: a newer one may name hosts.
        if (getAddrs().length === 0) return
        opened(listener, getAddrs)
        for (const address of secureOf(listener.getAddrs())) components.addressManager.confirmObservedAddr(address, { type: 'transport' })
      })
      listener.addEventListener('close', () => closed(listener))
      return listener
    }
    return transport
  }
}

function secureOf(addresses: readonly Multiaddr[]): readonly Multiaddr[] {
  return addresses.filter((address) => address.getComponents().some(({ name }) => name === 'tls'))
}

/**
 * The addresses of a listener, its secure ones at the hosts of the certificate. A name that others announce for IPv4 is not announced for IPv6: who looks it
 * up finds both.
 */
function advertised(addresses: readonly Multiaddr[], hosts: readonly Host[], others: readonly Multiaddr[]): Multiaddr[] {
  const secure = secureOf(addresses)
  const [, family, , , port] = String(secure[0] ?? '').split('/')
  const namesElsewhere = family === 'ip6' && others.some((address) => address.toString().startsWith('/ip4/'))
  const starts = hosts.flatMap((host) => {
    if (!host.includes(':')) return namesElsewhere ? [] : [family === 'ip6' ? `/dns6/${host}` : `/dns4/${host}`]
    const isIPv4 = host.startsWith('::ffff:')
    if (isIPv4 !== (family === 'ip4')) return []
    return [isIPv4 ? `/ip4/${host.slice('::ffff:'.length)}` : `/ip6/${host}`]
  })
  const plain = addresses.filter((address) => !secure.includes(address))
  return port === undefined ? plain : [...plain, ...starts.map((start) => multiaddr(`${start}/tcp/${port}/tls/ws`))]
}
