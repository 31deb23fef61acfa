/**
 * Advertises the public addresses of the interfaces that a Node peer listens on. libp2p advertises a public address only when a peer has
 * confirmed it, and without AutoNAT (`nat`) nobody does: a server on a public address would be known by its loopback alone, and a page would
 * not be reached through its relay. Used by `createNodePeer` where `nat` is off.
 *
 * A public IPv6 address is advertised only if `listen` names it. Most machines at home have one, behind a firewall that lets nobody in.
 */
import type { Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** What is needed of a node. */
export interface InterfaceAddressesComponents {
  readonly addressManager: Pick<AddressManager, 'getAddressesWithMetadata' | 'confirmObservedAddr'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** A service for `createLibp2p`: looks whenever a listener begins. */
export function interfaceAddresses(listen: readonly string[]): (components: InterfaceAddressesComponents) => object {
  const named = new Set(listen.map((text) => hostOf(multiaddr(text))))
  return ({ addressManager, events }) => {
    events.addEventListener('transport:listening', () => {
      for (const { multiaddr: address, type, verified } of addressManager.getAddressesWithMetadata()) {
        const isOurs = type === 'transport' && (address.toString().startsWith('/ip4/') || named.has(hostOf(address)))
        if (isOurs && !verified) addressManager.confirmObservedAddr(address, { type })
      }
    })
    return {}
  }
}

function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents()[0]?.value
}
