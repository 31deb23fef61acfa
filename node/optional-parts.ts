/**
 * Parts of a Node peer that are loaded only when an option asks for them: reach behind a NAT, discovery in the local network, and WebRTC. Their
 * packages are the user's to install. Used by `createNodePeer`.
 */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { ServiceMap } from '@libp2p/interface'
import { anything, type Check, flag, listOf, recordOf, type Shape } from '../src/core/values/arguments.ts'
import type { Libp2pParts } from '../src/libp2p/libp2p-parts.ts'
import { boundingStreams } from './bounded-streams.ts'
import { optionalPackages } from './optional-package.ts'

/** Options of WebRTC on Node. */
export interface WebRtcOptions {
  /** STUN and TURN servers, as in a page. A public one learns which peers connect with each other. @default [] */
  readonly iceServers?: readonly { readonly urls: string | string[]; readonly username?: string; readonly credential?: string }[]
}

/** Features of a Node peer that need packages of their own. A package that is missing rejects with `PoolError` naming the install command. */
export interface OptionalFeatures {
  /**
   * For a peer behind a NAT. It asks the router to forward its ports (UPnP), has other peers check its public addresses (AutoNAT v2), which are
   * advertised once they are confirmed, and makes relayed connections direct (DCUtR). It also checks the addresses of others, so turn it on at
   * public peers, too. @default false
   */
  readonly nat?: boolean | undefined
  /** Find peers in the local network by multicast DNS. Everybody there learns the addresses of this peer. @default false */
  readonly mdns?: boolean | undefined
  /** Dial pages over WebRTC, by way of their relays. With `/p2p-circuit` and `/webrtc` in `listen` it is reached as pages are. @default false */
  readonly webRtc?: boolean | WebRtcOptions | undefined
}

const webRtcShape: Shape<WebRtcOptions> = {
  // libp2p's WebRTC judges each when the first connection is made.
  iceServers: listOf(anything)
}
const webRtcRecord = recordOf(webRtcShape)
const webRtc: Check = (value, at) =>
  typeof value === 'object' ? webRtcRecord(value, at) : flag(value, { ...at, or: ' or an object with options' })

/** What each option may be. */
export const optionalFeatures: Shape<OptionalFeatures> = { nat: flag, mdns: flag, webRtc }

/** Names of services that the parts bring. */
export const optionalServices = ['autoNat', 'dcutr', 'upnp'] as const

/** The parts that are asked for. */
export async function optionalParts({ nat = false, mdns = false, webRtc = false }: OptionalFeatures): Promise<Libp2pParts<ServiceMap>[]> {
  const parts: (Libp2pParts<ServiceMap> | false)[] = await Promise.all([
    // Dials relayed addresses. Both DCUtR and WebRTC begin with one.
    (nat || webRtc !== false) && { transports: [circuitRelayTransport()] },
    nat && natPart(),
    mdns && mdnsPart(),
    webRtc !== false && webRtcPart(webRtc === true ? {} : webRtc)
  ])
  return parts.filter((part) => part !== false)
}

async function natPart(): Promise<Libp2pParts<ServiceMap>> {
  const packages = ['@libp2p/autonat-v2', '@libp2p/dcutr', '@libp2p/upnp-nat'] as const
  const [{ autoNATv2 }, { dcutr }, { uPnPNAT }] = await optionalPackages('nat', packages)
  return { services: { autoNat: autoNATv2(), dcutr: dcutr(), upnp: uPnPNAT() } }
}

async function mdnsPart(): Promise<Libp2pParts<ServiceMap>> {
  const [{ mdns }] = await optionalPackages('mdns', ['@libp2p/mdns'])
  return { peerDiscovery: [mdns()] }
}

async function webRtcPart({ iceServers = [] }: WebRtcOptions): Promise<Libp2pParts<ServiceMap>> {
  const [{ webRTC }] = await optionalPackages('webRtc', ['@libp2p/webrtc'])
  return { transports: [boundingStreams(webRTC({ rtcConfiguration: { iceServers: iceServers.map((server) => ({ ...server })) } }))] }
}
