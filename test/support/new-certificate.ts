/** Makes certificates that sign themselves, for tests: for the names and the days that a test needs. */
import { createHash, X509Certificate } from 'node:crypto'
import 'reflect-metadata'
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'

export interface NewCertificate {
  readonly pem: { readonly key: string; readonly cert: string }
  /** Of the certificate, as `tls.connect` shows it. */
  readonly fingerprint256: string
  /** Of the public key in base64, for Chromium's --ignore-certificate-errors-spki-list. */
  readonly spki: string
}

export interface NewCertificateOptions {
  readonly names?: readonly string[]
  readonly addresses?: readonly string[]
  /** Days from now; both may be negative. */
  readonly validFrom?: number
  readonly validTo?: number
  readonly subject?: string
}

const dayMs = 24 * 3_600_000

export async function newCertificate({
  names = ['localhost'],
  addresses = [],
  validFrom = -1,
  validTo = 30,
  subject = 'p2p-pool test'
}: NewCertificateOptions = {}): Promise<NewCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const alternatives = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value }))
  ]
  const made = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: Date.now().toString(16).padStart(12, '0'),
      name: `CN=${subject}`,
      notBefore: new Date(Date.now() + validFrom * dayMs),
      notAfter: new Date(Date.now() + validTo * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        ...(alternatives.length === 0 ? [] : [new SubjectAlternativeNameExtension(alternatives)])
      ]
    },
    crypto
  )
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const cert = `${made.toString('pem')}\n`
  const { fingerprint256, publicKey } = new X509Certificate(cert)
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  const lines = pkcs8.replace(/.{64}/g, '$&\n')
  return { pem: { key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`, cert }, fingerprint256, spki }
}
