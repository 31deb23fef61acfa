/** The public servers of a world: a relay behind a proxy with a certificate, and coturn for STUN and TURN. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import type { NodePeerInit } from '../../../node/index.ts'
import { forwardFor } from '../../laboratory/forwarded-for.ts'
import { type Actor, type Lab, until } from '../../laboratory/lab.ts'
import { defineRole } from '../../laboratory/role.ts'
import { cert, key } from '../../support/certificate.ts'
import { type NodePeerVerbs, nodePeer } from './node-peer.ts'
import { type Site, scratch, serverName, type World } from './world.ts'

export const network = 'laboratory'
export const serverAddress = '203.0.113.10'
export const turnAddress = '203.0.113.20'

const httpsPort = 443
const plainPort = 4_002
const tcpPort = 4_001
const turnPort = 3_478
const account = { username: 'lab', credential: 'lab' }

/** What a browser that is told to trust the certificate needs to know of it. */
export const certificateKey = createHash('sha256')
  .update(createPublicKey(cert).export({ type: 'spki', format: 'der' }))
  .digest('base64')

export const stunOnly = [{ urls: `stun:${turnAddress}:${turnPort}` }]
export const withTurn = [...stunOnly, { urls: `turn:${turnAddress}:${turnPort}?transport=udp`, ...account }]
/** What gets through a firewall that lets out TCP 443 alone. */
export const turnOverTls = [{ urls: `turns:${turnAddress}:${httpsPort}?transport=tcp`, ...account }]

/** Ends TLS at 443 and passes on what comes, with a line that says for whom. */
const tlsProxy = defineRole(import.meta.url, 'tls-proxy', async ({ host }: { host: string }) => {
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (client) => {
    const upstream = connect(plainPort, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    upstream.pipe(client)
    forwardFor(client.remoteAddress ?? '', { client, upstream })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(httpsPort, host, resolve)
  })
  return {}
})

export interface Server {
  readonly site: Site
  readonly peer: Actor<NodePeerVerbs>
  readonly id: string
  /** Where pages, and peers behind firewalls, connect to. */
  readonly securePoint: string
  /** Where Node peers connect to. */
  readonly tcpPoint: string
}

/** A public Node peer that is a relay, as the README says to run one. */
export async function startServer(world: World, lab: Lab, options: Partial<NodePeerInit> = {}): Promise<Server> {
  const site = world.publicHost('server', serverAddress)
  const announce = [`/dns4/${serverName}/tcp/${httpsPort}/tls/ws`, `/ip4/${serverAddress}/tcp/${tcpPort}`]
  const listen = [`/ip4/127.0.0.1/tcp/${plainPort}/ws`, `/ip4/${serverAddress}/tcp/${tcpPort}`]
  const init = { network, listen, announce, trustedProxies: ['127.0.0.1'], relay: true, ...options }
  const [peer] = await Promise.all([lab.start(nodePeer, init, site.place), lab.start(tlsProxy, { host: serverAddress }, site.place)])
  const id = await peer.ask.id()
  const [securePoint, tcpPoint] = announce.map((address) => `${address}/p2p/${id}`) as [string, string]
  return { site, peer, id, securePoint, tcpPoint }
}

/** Starts coturn; resolves when it answers. It ends with the world. */
export async function startTurn(world: World): Promise<ChildProcess> {
  const site = world.publicHost('turn', turnAddress)
  writeFileSync(`${scratch}/turn.crt`, cert)
  writeFileSync(`${scratch}/turn.key`, key)
  const settings = [
    `listening-ip=${turnAddress}`,
    `relay-ip=${turnAddress}`,
    `listening-port=${turnPort}`,
    `tls-listening-port=${httpsPort}`,
    `cert=${scratch}/turn.crt`,
    `pkey=${scratch}/turn.key`,
    `user=${account.username}:${account.credential}`,
    `realm=${serverName}`,
    `userdb=${scratch}/turn.db`,
    `pidfile=${scratch}/turn.pid`,
    'lt-cred-mech',
    'no-cli',
    'no-dtls',
    'no-multicast-peers',
    'simple-log',
    'log-file=stdout'
  ]
  writeFileSync(`${scratch}/turn.conf`, `${settings.join('\n')}\n`)
  const [command = 'turnserver', ...args] = [...(site.place.command ?? []), 'turnserver', '-c', `${scratch}/turn.conf`]
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000)
    })
  const listens = await until(() => listensAt(site, httpsPort) || server.exitCode !== null, { deadlineMs: 10_000 })
  if (!listens || server.exitCode !== null) throw new Error(`coturn does not listen: ${said}`)
  return server
}

/** As the kernel sees it. coturn says nothing of it. */
function listensAt({ place: { command: [program = '', ...args] = [] } }: Site, port: number): boolean {
  const sockets = execFileSync(program, [...args, 'cat', '/proc/net/tcp'], { encoding: 'utf8' })
  const inHex = port.toString(16).toUpperCase().padStart(4, '0')
  return sockets.includes(`:${inHex} 00000000:0000 0A`)
}
