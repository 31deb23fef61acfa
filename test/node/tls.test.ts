/** TLS at the WebSocket port of a Node peer: both languages at one port, certificates that change, the names that are advertised. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { createNodePeer, type NodePeer, type NodePeerInit } from '../../node/index.ts'
import { type CertificateOptions, loadCertificate } from '../../node/tls-certificate.ts'
import { tlsServerOptions, withCertificate } from '../../node/tls-listener.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { until } from '../libp2p/plain-nodes.ts'
import { type NewCertificate, newCertificate } from '../support/new-certificate.ts'

const rest: (() => unknown)[] = []
let first: NewCertificate
let second: NewCertificate

beforeAll(async () => {
  ;[first, second] = await Promise.all([newCertificate(), newCertificate()])
  // This process stands for one whose system knows the authority.
  tls.setDefaultCACertificates([...tls.getCACertificates(), first.pem.cert])
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const stop of rest.splice(0).reverse()) await stop()
})

async function peer(init: Partial<NodePeerInit> = {}): Promise<NodePeer> {
  const made = await createNodePeer({
    network: 'test',
    listen: ['/ip4/127.0.0.1/tcp/0/ws'],
    minConnections: 0,
    expectedConnections: 5,
    ...init
  })
  rest.push(made.stop)
  return made
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-tls-'))
  rest.push(() => rm(path, { recursive: true, force: true }))
  return path
}

/** The fingerprint of what a new handshake presents. */
function presentedAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const portOf = (address: string | undefined): number => Number(address?.split('/')[4])

describe('tls of createNodePeer', () => {
  test('one port takes peers by TLS and by plain WebSockets, and both addresses are advertised', async () => {
    const server = await peer({ tls: first.pem })
    const points = server.pool.network.ownPoints()
    const port = portOf(points[0])
    expect(points).toEqual([`/ip4/127.0.0.1/tcp/${port}/ws`, `/dns4/localhost/tcp/${port}/tls/ws`])
    for (const [point, transport] of [
      [points[0], 'ws'],
      [points[1], 'wss']
    ] as const) {
      const client = await peer({ listen: [] })
      const connection = await client.pool.connect(client.pool.parsePoint(point ?? '').point)
      expect(connection).toMatchObject({ peerId: server.pool.peerId, transport })
    }
  })

  test('a listener at /tls/ws takes TLS alone', async () => {
    const server = await peer({ tls: first.pem, listen: ['/ip4/127.0.0.1/tcp/0/tls/ws'] })
    const [point, ...others] = server.pool.network.ownPoints()
    expect(others).toEqual([])
    expect(await presentedAt(portOf(point))).toBe(first.fingerprint256)
    const plain = new WebSocket(`ws://127.0.0.1:${portOf(point)}`)
    await expect(new Promise((resolve, reject) => plain.once('open', resolve).once('error', reject))).rejects.toThrow(/hang up|ECONNRESET/)
  })

  test('a peer that was stopped presents its certificate again when it is started again', async () => {
    const server = await peer({ tls: first.pem })
    await server.node.stop()
    await server.node.start()
    const point = server.pool.network.ownPoints().find((own) => own.includes('/tls/'))
    expect(point).toMatch(/^\/dns4\/localhost\//)
    expect(await presentedAt(portOf(point))).toBe(first.fingerprint256)
  })

  test('the names of the certificate are advertised, without wildcards; a given name alone, if the certificate is valid for it', async () => {
    const wide = await newCertificate({
      names: ['*.example.org', 'a.example.org', 'b.example.org'],
      addresses: ['192.0.2.7', '2001:db8::7']
    })
    const hostsOf = async (init: Partial<NodePeerInit>): Promise<string[]> => {
      const { pool } = await peer(init)
      return pool.network.ownPoints().flatMap((point) => /^(\S+)\/tcp\/\d+\/tls\/ws$/.exec(point)?.[1] ?? [])
    }
    expect(await hostsOf({ tls: wide.pem })).toEqual(['/dns4/a.example.org', '/dns4/b.example.org', '/ip4/192.0.2.7'])
    expect(await hostsOf({ tls: { ...wide.pem, name: 'c.example.org' } })).toEqual(['/dns4/c.example.org'])
    expect(await hostsOf({ tls: wide.pem, listen: ['/ip6/::1/tcp/0/ws'] })).toEqual([
      '/dns6/a.example.org',
      '/dns6/b.example.org',
      '/ip6/2001:db8::7'
    ])
    // Both families: a name is told once.
    const both = ['/ip4/127.0.0.1/tcp/0/ws', '/ip6/::1/tcp/0/ws']
    expect(await hostsOf({ tls: { ...wide.pem, name: 'a.example.org' }, listen: both })).toEqual(['/dns4/a.example.org'])
    expect(await hostsOf({ tls: wide.pem, announce: ['/dns4/d.example.org/tcp/443/tls/ws'] })).toEqual(['/dns4/d.example.org'])
    await expect(peer({ tls: { ...wide.pem, name: 'a.b.example.org' } })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('not valid for a.b.example.org, but for DNS:*.example.org')
    })
  })

  test.each([
    ['a file that is not there', { key: '/nowhere/key.pem', cert: '' }, 'tls.cert: expected a text that is not empty, got ""'],
    ['a missing option', { key: 'a' }, 'tls.cert: expected a text that is not empty, got undefined'],
    ['an unknown option', { key: 'a', cert: 'b', ca: 'c' }, 'unknown option of tls "ca"']
  ])('%s is refused', async (_, given, message) => {
    await expect(peer({ tls: given as NonNullable<NodePeerInit['tls']> })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining(message)
    })
  })

  test('keys and certificates that are none, or not a pair, are refused', async () => {
    const path = join(await folder(), 'cert.pem')
    await writeFile(path, first.pem.cert.slice(0, 200))
    for (const [tls, message] of [
      [{ key: first.pem.key, cert: '/nowhere/cert.pem' }, 'tls: cert: cannot read /nowhere/cert.pem'],
      [{ key: first.pem.key, cert: path }, 'tls: key and cert are no PEM texts that belong together'],
      [{ key: first.pem.key, cert: second.pem.cert }, 'the certificate is for another key'],
      [{ key: first.pem.cert, cert: first.pem.cert }, 'tls: key and cert are no PEM texts that belong together'],
      [{ key: await folder(), cert: first.pem.cert }, 'should be a file, but it is a folder']
    ] as const)
      await expect(peer({ tls })).rejects.toMatchObject({ code: 'invalid-config', message: expect.stringContaining(message) })
  })
})

describe('certificates in files', () => {
  /** A node whose files are looked at by a clock of the test's. */
  async function following(files: CertificateOptions, listen = '/ip4/127.0.0.1/tcp/0/ws') {
    const clock = new VirtualClock(Date.now())
    const warnings: string[] = []
    const certificate = await loadCertificate(files)
    const node = await createLibp2p({
      addresses: { listen: [listen] },
      transports: [
        withCertificate(webSockets({ https: tlsServerOptions(certificate) }), certificate, { clock, warn: (text) => warnings.push(text) })
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    rest.push(() => node.stop())
    const port = portOf(node.getMultiaddrs().map(String)[0])
    /** Reading takes turns of the event loop that the clock knows nothing of. */
    const pass = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 1_000) {
        await clock.advance(1_000)
        await until(() => clock.pending === 2)
      }
    }
    return { clock, warnings, node, port, pass }
  }

  async function files({ pem: { key, cert } }: NewCertificate) {
    const path = await folder()
    const named = { key: join(path, 'key.pem'), cert: join(path, 'cert.pem') }
    await Promise.all([writeFile(named.key, key, { mode: 0o600 }), writeFile(named.cert, cert)])
    return named
  }

  test('changed files are presented in new handshakes within 12 seconds, and open connections stay', async () => {
    const named = await files(first)
    const { port, pass, warnings, node, clock } = await following(named)
    expect(await presentedAt(port)).toBe(first.fingerprint256)
    const open = new WebSocket(`wss://localhost:${port}`, { ca: first.pem.cert })
    await new Promise((resolve, reject) => open.once('open', resolve).once('error', reject))
    rest.push(() => open.terminate())
    await pass(20_000)
    expect(await presentedAt(port)).toBe(first.fingerprint256)
    const next = await newCertificate({ names: ['renewed.example'] })
    await Promise.all([writeFile(named.key, next.pem.key), writeFile(named.cert, next.pem.cert)])
    await pass(12_000)
    expect(await presentedAt(port)).toBe(next.fingerprint256)
    expect(node.getMultiaddrs().map(String)).toEqual([
      expect.stringContaining('/ip4/127.0.0.1/tcp/'),
      expect.stringMatching(/^\/dns4\/renewed\.example\/tcp\/\d+\/tls\/ws\//)
    ])
    expect(open.readyState).toBe(WebSocket.OPEN)
    expect(warnings).toEqual([])
    open.terminate()
    await node.stop()
    expect(clock.pending).toBe(0)
  })

  test('a link that leads to other files is followed, as certbot and Kubernetes renew', async () => {
    const [old, renewed, path] = [await files(first), await files(second), await folder()]
    const named = { key: join(path, 'key.pem'), cert: join(path, 'cert.pem') }
    await Promise.all([symlink(old.key, named.key), symlink(old.cert, named.cert)])
    const { port, pass } = await following(named)
    await Promise.all([rm(named.key), rm(named.cert)])
    await Promise.all([symlink(renewed.key, named.key), symlink(renewed.cert, named.cert)])
    await pass(12_000)
    expect(await presentedAt(port)).toBe(second.fingerprint256)
  })

  test.each([
    ['a half-written file', async () => ({ key: second.pem.key, cert: second.pem.cert.slice(0, 200) }), /cert are no PEM texts/],
    ['a certificate without its key', async () => ({ key: first.pem.key, cert: second.pem.cert }), /for another key/],
    ['an empty file', async () => ({ key: '', cert: second.pem.cert }), /cert are no PEM texts/],
    ['an expired certificate', async () => (await newCertificate({ validFrom: -9, validTo: -2 })).pem, /it has been invalid since/]
  ])('%s is said once, the certificate before stays, and a good one is taken after', async (_, bad, says) => {
    const named = await files(first)
    const { port, pass, warnings } = await following(named)
    const { key, cert } = await bad()
    await Promise.all([writeFile(named.key, key), writeFile(named.cert, cert)])
    await pass(60_000)
    expect(await presentedAt(port)).toBe(first.fingerprint256)
    expect(warnings).toEqual([expect.stringMatching(says)])
    await Promise.all([writeFile(named.key, second.pem.key), writeFile(named.cert, second.pem.cert)])
    await pass(12_000)
    expect(await presentedAt(port)).toBe(second.fingerprint256)
    expect(warnings.length).toBe(1)
  })

  test('a file that is gone for a moment is no change', async () => {
    const named = await files(first)
    const { port, pass, warnings } = await following(named)
    await rm(named.cert)
    await pass(10_000)
    await writeFile(named.cert, first.pem.cert)
    await pass(20_000)
    expect(await presentedAt(port)).toBe(first.fingerprint256)
    expect(warnings).toEqual([])
  })

  test.each(['key', 'cert'] as const)('a pipe in place of the %s is said, not waited for, and a file after it is taken', async (what) => {
    const named = await files(first)
    const { port, pass, warnings, node } = await following(named)
    await rm(named[what])
    await promisify(execFile)('mkfifo', [named[what]])
    await pass(30_000)
    expect(warnings).toEqual([expect.stringContaining(`${named[what]} should be a file, but it is a pipe`)])
    await rm(named[what])
    await Promise.all([writeFile(named.key, second.pem.key, { mode: 0o600 }), writeFile(named.cert, second.pem.cert)])
    await pass(12_000)
    expect(await presentedAt(port)).toBe(second.fingerprint256)
    await node.stop()
  })

  test('a certificate that names no host is used with a warning, and followed until it names one', async () => {
    const named = await files(await newCertificate({ names: [], subject: 'pool.example.org' }))
    const { pass, warnings, node } = await following(named, '/ip4/127.0.0.1/tcp/0/tls/ws')
    expect(warnings).toEqual([
      expect.stringMatching(/^tls: the certificate names no host: browsers look for it in subjectAltName alone, and it has none, /)
    ])
    expect(node.getMultiaddrs()).toEqual([])
    await Promise.all([writeFile(named.key, second.pem.key), writeFile(named.cert, second.pem.cert)])
    await pass(12_000)
    expect(node.getMultiaddrs().map(String)).toEqual([expect.stringMatching(/^\/dns4\/localhost\//)])
    expect(warnings.length).toBe(1)
  })

  test('a name in the subject alone is none', async () => {
    const { pem } = await newCertificate({ names: [], subject: 'pool.example.org' })
    await expect(loadCertificate({ ...pem, name: 'pool.example.org' })).rejects.toThrow(
      'is not valid for pool.example.org, but for no name'
    )
  })

  const twelve = Array.from({ length: 12 }, (_, at) => `n${at}.example.org`)
  test.each([
    ['wildcards alone', { names: ['*.example.org', '*.example.com'] }, ['wildcards alone (*.example.org, *.example.com)']],
    [
      'more hosts than are advertised',
      { names: twelve },
      ['names 12 hosts, and the first 8 are advertised; left out: n8.example.org, n9.']
    ],
    [
      'hosts that nobody can dial',
      { names: [], addresses: ['0.0.0.0'] },
      ['names no host: browsers look for it in subjectAltName alone, and there is only IP']
    ],
    ['a host beside a wildcard', { names: ['*.example.org', 'example.org'] }, []]
  ])('%s: what is said', async (_, options, says) => {
    const { pem } = await newCertificate(options)
    expect((await following(pem)).warnings).toEqual(says.map((text) => expect.stringContaining(text)))
    expect((await following({ ...pem, isElsewhere: true })).warnings).toEqual([])
  })

  test.each([
    [0o644, true],
    [0o602, true],
    [0o640, false],
    [0o660, false],
    [0o600, false]
  ])('a key of mode %o: the warning that others may use it is %s', async (mode, isSaid) => {
    const named = await files(first)
    await chmod(named.key, mode)
    const expected = expect.stringContaining(`the key ${named.key} is open to all users (mode ${mode.toString(8)}`)
    expect((await following(named)).warnings).toEqual(isSaid ? [expected] : [])
  })

  test.each(['key', 'cert'] as const)('a %s of another user is refused', async (what) => {
    const named = await files(first)
    const nobody = 65_534
    if (process.geteuid?.() === 0) await chown(named[what], nobody, nobody)
    else vi.spyOn(process, 'geteuid').mockReturnValue(nobody)
    await expect(peer({ tls: named })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(/^tls: (key|cert): cannot read .* belongs to user \d+, expected/)
    })
  })

  test('the end of a certificate is said once a day, from three days before', async () => {
    const named = await files(await newCertificate({ validTo: 2 }))
    const { clock, warnings } = await following(named)
    expect(warnings).toEqual([expect.stringMatching(/^tls: the certificate becomes invalid on \d{4}-\d\d-\d\d: no newer one was found$/)])
    await clock.advance(3 * 24 * 3_600_000)
    expect(warnings.length).toBe(4)
    expect(warnings.at(-1)).toMatch(/has been invalid since/)
  })
})
