/** Addresses of libp2p and the peers at their other end. */
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { transportOf } from '../core/values/address.ts'
import type { Host, PeerId } from '../core/values/ids.ts'
import type { Transport } from '../core/values/ports.ts'
import { hostOfAddress, isWebRtc } from './gater.ts'
import { parsePeerId, pointOf } from './point.ts'

/** What the address of a connection tells. */
export interface LinkAddress {
  readonly peerId: PeerId
  readonly host: Host | undefined
  readonly transport: Transport
}

/** The address with the id of its peer, without which a relay's leads nowhere. */
export function naming(address: Multiaddr, peerId: PeerId): Multiaddr {
  return address.getComponents().at(-1)?.name === 'p2p' ? address : address.encapsulate(`/p2p/${peerId}`)
}

export function addressOf(connection: Connection): LinkAddress {
  const { remoteAddr } = connection
  const point = pointOf(remoteAddr)?.point
  const transport = isWebRtc(remoteAddr) ? 'webrtc' : point === undefined ? 'other' : transportOf(point)
  return { peerId: parsePeerId(connection.remotePeer), host: hostOfAddress(remoteAddr), transport }
}
