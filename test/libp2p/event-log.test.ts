/** What a pool writes to libp2p's loggers: one line for each connection, loss, refusal and block, at the right level. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import type { PeerPoolInit } from '../../src/libp2p/index.ts'
import { peerPool } from '../../src/libp2p/index.ts'
import { libp2pSettings } from '../../src/libp2p/preset.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

/** Keeps what is written, with its namespace and level. */
function recording(): { readonly logger: ComponentLogger; readonly lines: string[] } {
  const lines: string[] = []
  const writer = (name: string) => (format: unknown, first: unknown) => void lines.push(`${name} ${format === '%s' ? first : format}`)
  const forComponent = (name: string): Logger =>
    Object.assign(writer(name), {
      ...{ error: writer(`${name}:error`), trace: () => undefined, enabled: true },
      newScope: (scope: string) => forComponent(`${name}:${scope}`)
    })
  return { logger: { forComponent }, lines }
}

async function start(init: Partial<PeerPoolInit> = {}, services: { readonly ping?: ReturnType<typeof ping> } = {}) {
  const { logger, lines } = recording()
  const pool = peerPool({ network: 'test', minConnections: 0, expectedConnections: 0, maxConnections: 4, ...init })
  const settings = libp2pSettings(pool.config)
  const node = await createLibp2p({
    logger,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionGater: pool.gater,
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { identify: identify(), ...services, pool }
  })
  stops.push(() => node.stop())
  const of = (scope: string) => lines.filter((line) => line.startsWith(`p2p-pool:${scope} `)).map((line) => line.replace(/^\S+ /, ''))
  return { pool: node.services.pool, node, lines, of, address: String(node.getMultiaddrs()[0]) }
}

type Started = Awaited<ReturnType<typeof start>>

async function connect(from: Started, to: Started): Promise<void> {
  const { point, expectedPeerId } = from.pool.parsePoint(to.address)
  await from.pool.connect(point, { expectedPeerId })
  await expect.poll(() => to.pool.activeConnections).toBeGreaterThan(0)
}

const id = '12D3KooW\\w+'
const at = '/ip4/127\\.0\\.0\\.1/tcp/\\d+'

describe('the log', () => {
  it('has a line for a connection, and one for its end, on both sides', async () => {
    const [server, client] = [await start(), await start()]
    await connect(client, server)
    await client.pool.disconnect(server.pool.peerId, 'enough\u009b2J\n\u202e for "now"')
    await expect.poll(() => server.of('connections')).toHaveLength(2)
    expect(client.of('connections')).toEqual([
      expect.stringMatching(
        new RegExp(`^connection-opened peerId=${id} point=${at} direction=outgoing transport=tcp remoteAddress=${at}/p2p/${id}$`)
      ),
      expect.stringMatching(
        new RegExp(`^connection-closed peerId=${id} point=${at} by=us reason=explicit text="enough.* for \\\\"now\\\\"" lastedMs=\\d+$`)
      )
    ])
    expect(server.of('connections')).toEqual([
      expect.stringMatching(new RegExp(`^connection-opened peerId=${id} .*direction=incoming transport=tcp remoteAddress=${at}`)),
      expect.stringMatching(new RegExp(`^connection-lost peerId=${id} .*by=them reason=explicit text="enough.*" lastedMs=\\d+$`))
    ])
    // What a peer wrote steers no terminal.
    expect([...client.lines, ...server.lines].join('')).not.toMatch(/p2p-pool[^\n]*[\u009b\u202e]/)
  })

  it('has one line for a refusal: with its host on the side that refused, with the reason on both', async () => {
    const [server, client] = [await start(), await start({ network: 'another' })]
    const { point } = client.pool.parsePoint(server.address)
    await expect(client.pool.connect(point)).rejects.toThrow('unknown network')
    await expect.poll(() => server.of('attempts')).toHaveLength(1)
    expect(server.of('attempts')[0]).toMatch(
      new RegExp(
        `^handshake-refused attempt=\\d+ direction=incoming peerId=${id} reason=unknown-network text="the peer is on .*" host=127\\.0\\.0\\.1$`
      )
    )
    expect(client.of('attempts')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^connection-failed attempt=\\d+ direction=outgoing point=${at} peerId=${id} reason=rejected-by-peer text="the peer refused: unknown network"$`
        )
      )
    ])
  })

  it('has a line for each block and its end', async () => {
    const { pool, of } = await start()
    pool.points.banHost('192.0.2.1')
    pool.points.unbanHost('192.0.2.1')
    pool.points.banRange('198.51.100.0/24')
    await expect
      .poll(() => of('blocks'))
      .toEqual(['host-banned host=192.0.2.1', 'host-unbanned host=192.0.2.1', 'range-banned range=198.51.100.0/24'])
  })

  it.each([
    ['libp2p\u2019s ping', true],
    ['identify alone', false]
  ])('has no error where liveness checks by streams are answered, by a peer that speaks %s', async (_, speaksPing) => {
    const server = await start({}, speaksPing ? { ping: ping() } : {})
    const client = await start({ keepAliveIntervalMs: 100 })
    await connect(client, server)
    // As over WebRTC, whose muxer has no ping.
    Object.assign((client.node.getConnections()[0] as unknown as { muxer: object }).muxer, { ping: undefined })
    // Identify of the new connection closes a stream early, for which libp2p has an error; what follows are liveness checks.
    await expect.poll(() => checks(server)).toBeGreaterThan(0)
    const [before, asked] = [errors(client).length + errors(server).length, checks(server)]
    await expect.poll(() => checks(server), { timeout: 10_000 }).toBeGreaterThan(asked + 3)
    expect([...errors(client), ...errors(server)].slice(before)).toEqual([])
    expect(client.node.getConnections()[0]?.streams.filter(({ protocol }) => protocol !== '/p2p-pool/1.0.0').length).toBeLessThan(2)
  })
})

const errors = ({ lines }: Started): string[] => lines.filter((line) => /^\S+:error /.test(line))

/** Streams that a peer was asked for, after those of identify. */
const checks = ({ lines }: Started): number => lines.filter((line) => line.includes('negotiated protocol')).length
