/**
 * What two pools say to each other, decoded. Bytes are the matter of `wire/`; what a pool does on each message that of
 * `flows/`. Points are texts here: a peer wrote them, and only `Network.parsePoint` makes a `Point` of one.
 */

/** The first message of each side. */
export interface HelloMessage {
  readonly kind: 'hello'
  readonly network: string
  /** Versions of the pool protocol that the sender speaks. */
  readonly protocolVersions: readonly number[]
  /** Versions of the application's own protocol. */
  readonly applicationVersions: readonly number[]
  /** The sender must not be advertised to others. */
  readonly isPrivate: boolean
  /** False: the sender neither answers nor uses exchange messages. */
  readonly discovery: boolean
  /** Where the sender can be reached, the best first. */
  readonly points: readonly string[]
  /** The libp2p signed peer record (an envelope), empty if it has none. */
  readonly signedPeerRecord: Uint8Array
  /** Drawn anew each time the sender's pool is made: a second dial of the same run has the same one, a restarted peer another. */
  readonly instance: Uint8Array
  /** The application's connection metadata, empty if none. */
  readonly metadata: Uint8Array
  /** As in Bootstrap, for the points of a Nack; empty: not said. */
  readonly transports: readonly string[]
}

export interface AckMessage {
  readonly kind: 'ack'
}

export interface NackMessage {
  readonly kind: 'nack'
  /** `nackMotive`, or a code we do not know. */
  readonly motive: number
  /** Points to try instead. */
  readonly points: readonly string[]
}

/** Asks for points. */
export interface BootstrapMessage {
  readonly kind: 'bootstrap'
  /** Names of the transports that the asker can dial (`Transport`); others are unknown to us and ignored. */
  readonly transports: readonly string[]
}

/** Points the sender knows, and, whenever they changed, the sender's own. */
export interface AdvertiseMessage {
  readonly kind: 'advertise'
  readonly points: readonly string[]
  /** Replaces the points of the sender's Hello; `undefined`: they are as they were. */
  readonly ownPoints: readonly string[] | undefined
}

export interface SwapRequestMessage {
  readonly kind: 'swap-request'
  readonly point: string
  readonly peerId: string
}

export interface SwapAckMessage {
  readonly kind: 'swap-ack'
  readonly point: string
  readonly peerId: string
}

/** Bytes of the application. */
export interface ApplicationMessage {
  readonly kind: 'application'
  readonly payload: Uint8Array
}

/** The last message of a side that leaves. */
export interface DisconnectMessage {
  readonly kind: 'disconnect'
  /** A `reasonCode`; unknown codes are kept. */
  readonly code: number
  readonly text: string
  /** The sender asks not to be dialed before; 0: it does not ask. */
  readonly comeBackAfterMs: number
}

export type HandshakeMessage = HelloMessage | AckMessage | NackMessage
/** A message of a kind that only a later version of the protocol knows. */
export interface UnknownMessage {
  readonly kind: 'unknown'
}

export type ExchangeMessage = BootstrapMessage | AdvertiseMessage | SwapRequestMessage | SwapAckMessage
export type RunningMessage = ExchangeMessage | ApplicationMessage | DisconnectMessage
export type PoolMessage = HandshakeMessage | RunningMessage
export type ReceivedMessage = PoolMessage | UnknownMessage
