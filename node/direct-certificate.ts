/**
 * The certificate of a `/webrtc-direct` listener. Its hash is part of the address, so a new one makes the old address useless: it is made once, is
 * kept beside the identity, and does not expire before 2050. Browsers compare the hash and look at nothing else in it. Used by `webrtc-direct.ts`.
 */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { loadOrCreateSecret } from './secret-file.ts'

/** As `webRTCDirect` of `@libp2p/webrtc` takes it. */
export interface DirectCertificate {
  /** PEM. */
  readonly privateKey: string
  readonly pem: string
  /** The hash as a multihash in base64url, as it stands in addresses. */
  readonly certhash: string
}

/** The one beside the identity, made if there is none. Rejects as `loadOrCreateIdentity`. Without a path it is new each time. */
export async function loadDirectCertificate(identityFile: string | undefined): Promise<DirectCertificate> {
  if (identityFile === undefined) return read(make())
  return loadOrCreateSecret(`${identityFile}.webrtc-direct.pem`, {
    name: 'certificate file',
    holds: 'certificate with its key',
    advice: 'restore it, or move it away to get a new certificate, with which the address changes',
    read: (bytes) => read(new TextDecoder().decode(bytes)),
    make: async () => {
      const text = make()
      return { value: read(text), bytes: new TextEncoder().encode(text) }
    }
  })
}

/** From the PEM texts of a key and its certificate. */
function read(text: string): DirectCertificate {
  const key = createPrivateKey(text)
  const certificate = new X509Certificate(text)
  if (!certificate.checkPrivateKey(key)) throw new Error('the certificate is for another key')
  const hash = createHash('sha256').update(certificate.raw).digest()
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pem: certificate.toString(),
    // Multibase `u` is base64url, multihash 0x12 is SHA-256.
    certhash: `u${Buffer.concat([Buffer.of(0x12, hash.length), hash]).toString('base64url')}`
  }
}

// X.509 in DER: RFC 5280, section 4.1.

const tags = { integer: 0x02, bits: 0x03, id: 0x06, text: 0x0c, time: 0x17, sequence: 0x30, set: 0x31 } as const
const ecdsaWithSha256 = '2a8648ce3d040302'
const commonName = '550403'
const validity = ['700101000000Z', '491231235959Z']

/** Signed by its own key, which is on the curve that browsers take. */
function make(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der('sequence', der('id', Buffer.from(ecdsaWithSha256, 'hex')))
  const attribute = der('sequence', der('id', Buffer.from(commonName, 'hex')), der('text', Buffer.from('p2p-pool')))
  const name = der('sequence', der('set', attribute))
  const signed = der(
    'sequence',
    // Positive, and without a leading zero.
    der('integer', Buffer.concat([Buffer.of(0x40), randomBytes(7)])),
    algorithm,
    name,
    der('sequence', ...validity.map((time) => der('time', Buffer.from(time)))),
    name,
    publicKey.export({ type: 'spki', format: 'der' })
  )
  const signature = der('bits', Buffer.of(0), sign('sha256', signed, privateKey))
  const certificate = new X509Certificate(der('sequence', signed, algorithm, signature))
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${certificate}`
}

function der(tag: keyof typeof tags, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tags[tag], ...size), content])
}
