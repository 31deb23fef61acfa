/**
 * The private key of a peer as stored bytes: libp2p's protobuf form. `node/identity.ts` and `web/identity.ts` keep the
 * bytes; what makes them a usable key is decided here, once for both.
 */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

const probe = new TextEncoder().encode('p2p-pool identity')

export interface IdentityKey {
  readonly privateKey: PrivateKey
  readonly bytes: Uint8Array
}

/** A new Ed25519 key: the kind whose peer id is the public key itself (`12D3KooW…`). */
export async function newIdentityKey(): Promise<IdentityKey> {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, bytes: privateKeyToProtobuf(privateKey) }
}

/**
 * The key that stored bytes mean, of any kind libp2p knows. Rejects if they do not decode, and if the two halves do not
 * fit each other: a flipped bit would otherwise show only as handshakes that fail, with a peer id that looks right.
 */
export async function readIdentityKey(bytes: Uint8Array): Promise<PrivateKey> {
  const privateKey = privateKeyFromProtobuf(bytes)
  if (!(await privateKey.publicKey.verify(probe, await privateKey.sign(probe)))) {
    throw new Error('the private key does not fit its public key')
  }
  return privateKey
}
