/**
 * How large anything on the wire may be. Checked on reading before memory is given to a value, and on writing, so that we
 * never send what a peer of our own kind would greylist us for. docs/protocol.md repeats the numbers; a test compares. Imported as `wireCaps`.
 */

import { maxMetadataBytes, maxNetworkBytes, maxVersions } from '../values/bounds.ts'

/** Length prefix: 4 bytes reach 256 MiB, more than any frame may have. */
export const framePrefixBytes = 4
/** Every frame but those of application messages: 100 points of 600 bytes, or the largest Hello three times. */
export const frameBytes = 65_536
/** What an application frame may have beside its payload: tag and length (5), the rest left to later versions. */
export const frameOverheadBytes = 64
/** The largest application cap that can be configured: its frame still fits the prefix. */
export const applicationBytes = 2 ** 28 - 1 - 64
/** A name, compared byte by byte. */
export const networkBytes = maxNetworkBytes
/** Versions of each kind; who speaks more leaves out the oldest. */
export const versions = maxVersions
/** Real ones have 30 to 300 bytes; the longest are relayed ones with certificate hashes. */
export const pointBytes = 1_024
/** Addresses of one peer. More are of no use and would let one peer fill tables. */
export const ownPoints = 8
export const nackPoints = 50
export const advertisePoints = 100
/** libp2p's envelope: key and signature below 1 KiB with RSA, the rest addresses. */
export const signedPeerRecordBytes = 8_192
/** Random: 8 bytes do not collide by chance among the runs of one peer; 16 are a UUID. */
export const instanceMinBytes = 8
export const instanceMaxBytes = 16
export const metadataBytes = maxMetadataBytes
/** Names one of a few. */
export const invitationBytes = 32
export const transports = 16
export const transportBytes = 32
/** Text of a peer id: 52 characters for Ed25519, 46 for RSA, up to 110 for inlined others. */
export const peerIdBytes = 128
/** One or two sentences for a log. */
export const disconnectTextBytes = 256

/** The one cap that the operator sets. */
export interface WireLimits {
  /** Payload of an application message that we accept, from 0 to `applicationBytes`. */
  readonly maxApplicationBytes: number
}
