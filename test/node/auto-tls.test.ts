/** `autoTls` of a Node peer, with an authority and a p2p-forge on this machine. The real services were not tried. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { autoTlsAddresses } from '../../node/auto-tls.ts'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'
import { type AcmeServer, acmeServer } from './acme-server.ts'
import { eventually } from './pages.ts'

const rest: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of rest.splice(0).reverse()) await stop()
})

async function authority(): Promise<AcmeServer> {
  const made = await acmeServer()
  rest.push(made.close)
  return made
}

async function peer({ url }: AcmeServer, init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const made = await createNodePeer({
    network: 'test',
    listen: ['/ip4/127.0.0.1/tcp/0/ws'],
    announce: ['/ip4/8.8.8.8/tcp/4002/ws'],
    minConnections: 0,
    expectedConnections: 5,
    autoTls: { acmeDirectory: `${url}/directory`, forgeEndpoint: `${url}/`, forgeDomain: 'forge.test', provisionDelayMs: 10 },
    ...init
  })
  rest.push(made.stop)
  return made
}

const portOf = ({ node }: NodePeer): number => {
  const listener = node.getMultiaddrs() && Reflect.get(Reflect.get(node, 'components'), 'transportManager').getListeners()[0]
  return Number(String(listener.getAddrs()[0]).split('/')[4])
}

/** The names in what a handshake presents, and its serial number. */
function presentedAt(port: number): Promise<{ names: string | undefined; serial: string }> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const { subjectaltname, serialNumber } = socket.getPeerCertificate()
      resolve({ names: subjectaltname, serial: serialNumber })
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

async function identity(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-auto-'))
  rest.push(() => rm(path, { recursive: true, force: true }))
  return join(path, 'identity')
}

test('a peer asks for a certificate, presents it, advertises its name, and asks for no other after a restart', async () => {
  const server = await authority()
  const identityFile = await identity()
  const first = await peer(server, { identityFile })
  await eventually(async () => {
    expect((await presentedAt(portOf(first))).names).toMatch(/^DNS:\*\.k\w+\.forge\.test$/)
  }, 15_000)
  const { names = '', serial } = await presentedAt(portOf(first))
  const name = names.slice('DNS:*.'.length)
  expect(server.asked).toContain(`/v1/_acme-challenge ${first.pool.peerId}`)
  await eventually(async () => {
    expect(first.pool.network.ownPoints()).toEqual([`/dns4/8-8-8-8.${name}/tcp/4002/tls/ws`, '/ip4/8.8.8.8/tcp/4002/ws'])
  })
  const { mode } = await stat(`${identityFile}.auto-tls.json`)
  expect(mode & 0o777).toBe(0o600)
  expect(await readFile(`${identityFile}.auto-tls.json`, 'utf8')).toContain('/libp2p/auto-tls/certificate')

  // The same node, and another process.
  const asked = server.asked.length
  await first.node.stop()
  await first.node.start()
  await eventually(async () => expect((await presentedAt(portOf(first))).serial).toBe(serial))
  await first.stop()
  const second = await peer(server, { identityFile })
  await eventually(async () => expect((await presentedAt(portOf(second))).serial).toBe(serial))
  expect(server.asked.length).toBe(asked)
}, 40_000)

test('a renewed certificate is presented in new handshakes', async () => {
  const server = await authority()
  // It is renewed a day before its end.
  server.validForMs = 24 * 3_600_000 + 4_000
  const one = await peer(server)
  await eventually(async () => expect((await presentedAt(portOf(one))).names).toContain('forge.test'), 15_000)
  const { serial } = await presentedAt(portOf(one))
  server.validForMs = 90 * 24 * 3_600_000
  await eventually(async () => expect((await presentedAt(portOf(one))).serial).not.toBe(serial), 20_000)
}, 40_000)

test('tls and autoTls together are refused, and unknown options', async () => {
  const server = await authority()
  await expect(peer(server, { tls: { key: 'a', cert: 'b' } })).rejects.toMatchObject({ code: 'invalid-config', message: /got both/ })
  await expect(peer(server, { autoTls: { acme: 'x' } as NonNullable<NodePeerInit['autoTls']> })).rejects.toThrow(
    'unknown option of autoTls "acme"'
  )
})

test('addresses are announced as the operator says, and secure ones by the name of the certificate alone', () => {
  const shown = (announce: readonly string[], addresses: readonly string[]): string[] =>
    autoTlsAddresses(announce)
      .announceFilter(addresses.map((text) => multiaddr(text)))
      .map(String)
  const own = ['/ip4/10.0.0.1/tcp/1/ws', '/ip4/10.0.0.1/tcp/1/tls/ws', '/ip4/8.8.8.8/tcp/1/tls/sni/a.test/ws']
  expect(shown([], own)).toEqual([own[0], own[2]])
  const announce = ['/ip4/8.8.8.8/tcp/2/ws', '/dns4/b.test/tcp/443/tls/ws']
  expect(autoTlsAddresses(announce).appendAnnounce).toEqual([...announce, '/ip4/8.8.8.8/tcp/2/tls/ws'])
  expect(shown(announce, [...own, ...announce, '/ip4/8.8.8.8/tcp/2/tls/sni/a.test/ws', '/ip4/8.8.8.8/tcp/2/tls/ws'])).toEqual([
    ...announce,
    '/ip4/8.8.8.8/tcp/2/tls/sni/a.test/ws'
  ])
})
