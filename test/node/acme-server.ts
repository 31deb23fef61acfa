/**
 * An authority (ACME, RFC 8555) and a p2p-forge on 127.0.0.1, for tests. The authority gives a certificate once the forge has answered its challenge for
 * the peer that proved its id there. It looks at no signature of a request but that of the certificate request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import 'reflect-metadata'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { PEER_ID_AUTH_SCHEME, serverResponds } from '@libp2p/http-peer-id-auth'
import { BasicConstraintsExtension, Pkcs10CertificateRequest, X509Certificate, X509CertificateGenerator } from '@peculiar/x509'

export interface AcmeServer {
  readonly url: string
  /** What was asked of it: paths with the peer that proved its id, for the forge. */
  readonly asked: readonly string[]
  /** How long its next certificates are valid, ms. */
  validForMs: number
  close(): Promise<void>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 24 * 3_600_000

export async function acmeServer(): Promise<AcmeServer> {
  const asked: string[] = []
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const dates = (validForMs: number) => ({ notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + validForMs) })
  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=authority',
      serialNumber: '01',
      ...dates(90 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new BasicConstraintsExtension(true)]
    },
    crypto
  )
  const forgeKey = await generateKeyPair('Ed25519')
  let serial = 1
  let certificate = ''
  let isAnswered = false
  const issue = async (csr: Uint8Array<ArrayBuffer>): Promise<void> => {
    const request = new Pkcs10CertificateRequest(csr)
    if (!(await request.verify(crypto))) throw new Error('the certificate request is signed by another key')
    const names = request.getExtension('2.5.29.17')
    const made = await X509CertificateGenerator.create(
      {
        serialNumber: `0${++serial}`,
        issuer: authority.subject,
        subject: request.subject,
        ...dates(server.validForMs),
        signingAlgorithm: algorithm,
        publicKey: request.publicKey,
        signingKey: keys.privateKey,
        extensions: names === null ? [] : [names]
      },
      crypto
    )
    certificate = [made, authority].map((one) => new X509Certificate(one.rawData).toString('pem')).join('\n')
  }
  const order = () => ({
    status: certificate !== '' ? 'valid' : isAnswered ? 'ready' : 'pending',
    identifiers: [],
    authorizations: [`${server.url}/authorization`],
    finalize: `${server.url}/finalize`,
    ...(certificate === '' ? {} : { certificate: `${server.url}/certificate` })
  })
  const challenge = () => ({ type: 'dns-01', url: `${server.url}/challenge`, token: 'token', status: isAnswered ? 'valid' : 'pending' })
  const routes: Record<string, (body: string, request: IncomingMessage) => unknown> = {
    '/directory': () =>
      Object.fromEntries(['Nonce', 'Account', 'Order'].map((name) => [`new${name}`, `${server.url}/new${name}`]).concat([['meta', '']])),
    '/newNonce': () => ({}),
    '/newAccount': () => ({ status: 'valid' }),
    '/newOrder': () => {
      certificate = ''
      isAnswered = false
      return order()
    },
    '/order': order,
    '/authorization': () => ({
      status: isAnswered ? 'valid' : 'pending',
      identifier: { type: 'dns', value: 'any' },
      challenges: [challenge()]
    }),
    '/challenge': challenge,
    '/finalize': async (body) => {
      await issue(new Uint8Array(Buffer.from(payloadOf<{ csr: string }>(body).csr, 'base64url')))
      return order()
    },
    '/certificate': () => certificate,
    '/v1/_acme-challenge': (body) => {
      isAnswered = typeof (JSON.parse(body) as { Value?: unknown }).Value === 'string'
      return {}
    }
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (path.startsWith('/v1/')) {
      const { authorization = '', host = '' } = request.headers
      const { authenticate, info, peerId } = await serverResponds(authorization, host, forgeKey)
      if (authenticate !== undefined) {
        response
          .writeHead(401, { 'www-authenticate': `${PEER_ID_AUTH_SCHEME} ${authenticate}`.replace(/^(libp2p-PeerID ){2}/, '$1') })
          .end()
        return
      }
      if (info !== undefined) response.setHeader('authentication-info', info)
      asked.push(`${path} ${peerId}`)
    } else asked.push(path)
    const found = await routes[path]?.(body, request)
    response.setHeader('replay-nonce', `nonce${asked.length}`)
    if (path === '/newAccount') response.setHeader('location', `${server.url}/account`)
    if (path === '/newOrder') response.setHeader('location', `${server.url}/order`)
    const isNew = path === '/newAccount' || path === '/newOrder'
    response.writeHead(found === undefined ? 404 : isNew ? 201 : 200, {
      'content-type': path === '/certificate' ? 'application/pem-certificate-chain' : 'application/json'
    })
    response.end(typeof found === 'string' ? found : JSON.stringify(found ?? {}))
  }
  const http: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      asked.push(`${request.url}: ${String(error)}`)
      response.writeHead(500).end()
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: AcmeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    validForMs: 90 * dayMs,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections()
        http.close(() => resolve())
      })
  }
  return server
}

function payloadOf<T>(body: string): T {
  return JSON.parse(Buffer.from((JSON.parse(body) as { payload: string }).payload, 'base64url').toString()) as T
}
