/**
 * The three names that everything else is about. They are branded strings, so that a raw string from a user or a peer cannot be taken
 * for one: only the parser of an adapter (`parsePoint`, `parsePeerId`), `parseHost` or the storage codec makes them.
 */

declare const brand: unique symbol

/** One dialable address: the canonical text of a multiaddr, e.g. `/ip4/192.0.2.1/tcp/4001`. */
export type Point = string & { readonly [brand]: 'Point' }

/** The canonical text of a libp2p peer id, e.g. `12D3KooW…`. */
export type PeerId = string & { readonly [brand]: 'PeerId' }

/** The key of an address ban: a canonical IPv6 text (IPv4 mapped into it, `::ffff:192.0.2.1`) or a lower-case DNS name. */
export type Host = string & { readonly [brand]: 'Host' }

/** What an address text means: the point, and the peer id that must answer there, if the text names one. */
export interface ParsedPoint {
  /** The address without the id of its peer; a relayed point keeps it. */
  readonly point: Point
  /** The peer that must answer there; `undefined`: any. */
  readonly expectedPeerId: PeerId | undefined
}

/** How links travel; also what a Bootstrap names, so that the answer holds only points that the asker can dial. */
export type Transport = 'tcp' | 'ws' | 'wss' | 'webrtc' | 'webrtc-direct' | 'webtransport' | 'quic' | 'circuit' | 'memory' | 'other'
