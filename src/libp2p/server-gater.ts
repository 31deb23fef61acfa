/** The connection gater of a node that others can dial, and that may run a relay: `gater.ts`, and what a page does not load. */
import type { PeerId } from '../core/values/ids.ts'
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
