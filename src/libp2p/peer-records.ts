/**
 * libp2p's signed peer records: ours, made anew when our points change, and the check of those that others send in their
 * Hello. Used by `network.ts`. What a record proves is that its peer names these addresses, never that it is there.
 */
import type { PeerId as Libp2pPeerId, Logger, PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import type { PeerId, Point } from '../core/values/ids.ts'
import type { SignedRecords } from '../core/values/ports.ts'
import { pointOf, toMultiaddr } from './point.ts'

/** As many as a Hello names; further ones are not looked at. */
const maxPoints = 8

export interface RecordKeys {
  readonly peerId: Libp2pPeerId
  readonly privateKey: PrivateKey
}

export class Libp2pRecords implements SignedRecords {
  readonly #keys: RecordKeys
  readonly #log: Logger
  #own: Uint8Array = new Uint8Array(0)
  #turn = 0

  constructor(keys: RecordKeys, log: Logger) {
    this.#keys = keys
    this.#log = log
  }

  get own(): Uint8Array {
    return this.#own
  }

  /** Our points are these from now on; the record follows a moment later. Never rejects. */
  async sign(points: readonly Point[]): Promise<void> {
    const turn = ++this.#turn
    this.#own = new Uint8Array(0)
    if (points.length === 0) return
    const { peerId, privateKey } = this.#keys
    try {
      const multiaddrs = points.slice(0, maxPoints).map((point) => toMultiaddr(point, undefined))
      const envelope = await RecordEnvelope.seal(new PeerRecord({ peerId, multiaddrs }), privateKey)
      if (turn === this.#turn) this.#own = envelope.marshal().subarray()
    } catch (error) {
      this.#log.error('could not sign our peer record - %e', error)
    }
  }

  async open(bytes: Uint8Array, peerId: PeerId): Promise<readonly Point[]> {
    const { publicKey, payload } = await RecordEnvelope.openAndCertify(bytes, PeerRecord.DOMAIN)
    const record = PeerRecord.createFromProtobuf(payload)
    const signer = peerIdFromPublicKey(publicKey).toString()
    if (signer !== peerId || record.peerId.toString() !== peerId) throw new Error(`signed by ${signer}`)
    return record.multiaddrs.slice(0, maxPoints).flatMap((address) => pointOf(address)?.point ?? [])
  }
}
