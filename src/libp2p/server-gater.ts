/** What libp2p's connections need in a node that others can dial, and that may run a relay. A page does not load it. */
import type { MultiaddrConnection, Stream } from '@libp2p/interface'
import type { PeerId } from '../core/values/ids.ts'
import type { ConnectionKeeper } from './connection-keeper.ts'
import { type GaterOptions, hostOfAddress, type PoolGater, pageGater, refuse } from './gater.ts'

/**
 * Makes the connection gater of libp2p. It denies what the dial rule forbids, and, once `bind` was called, what the pool denies.
 * `peerPool` makes its own: `pool.gater`.
 */
export function createGater(options: GaterOptions = {}): PoolGater {
  const { guard, relay } = options
  return pageGater(options, ({ deniesRelayed, isTrusted }) => ({
    async denyInboundUpgradedConnection(peer, link) {
      if (guard === undefined) return false
      const peerId = peer.toString() as PeerId
      const host = hostOfAddress(link.remoteAddr)
      const isIn = await guard.admitsConnection(link, { peerId, host, trusted: isTrusted(peerId) })
      return !isIn && refuse(link)
    },
    denyInboundRelayReservation: async (source) =>
      deniesRelayed(source) || (relay !== undefined && !(await relay.admitsReservation(source.toString() as PeerId))),
    denyOutboundRelayedConnection: (source, destination) =>
      deniesRelayed(source) || deniesRelayed(destination) || relay?.admitsCircuit(source.toString() as PeerId) === false
  })) as PoolGater
}

/** By incoming streams of it, others ask our relay for a reservation, or for a circuit to one of its guests, which then runs on it. */
const hop = '/libp2p/circuit/relay/0.2.0/hop'

export function isToOurRelay({ protocol, direction }: Stream): boolean {
  return protocol === hop && direction === 'inbound'
}

/** Is the connection in use that libp2p made of this link? One that it does not list yet is not. */
export function isLinkNeeded(keeper: ConnectionKeeper, link: MultiaddrConnection): Promise<boolean> {
  // libp2p hands the link's own timeline to the connection, and nothing else of it.
  const connection = keeper.components.connectionManager.getConnections().find(({ timeline }) => timeline === link.timeline)
  return connection === undefined ? Promise.resolve(false) : keeper.isNeeded(connection)
}
