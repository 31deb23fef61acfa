import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createNodePeer, type NodePeer, type NodePeerInit, type Point } from '../../node/index.ts'

const band = { minConnections: 0, expectedConnections: 0, maxConnections: 10, inboundConnectionThreshold: 1_000 }

describe('features of createNodePeer', () => {
  const peers: NodePeer[] = []

  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.stop()))
  })

  const start = async (init: Partial<NodePeerInit> = {}): Promise<NodePeer> => {
    const peer = await createNodePeer({ network: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], ...band, ...init })
    peers.push(peer)
    return peer
  }
  const pointLike = async ({ pool }: NodePeer, form: RegExp): Promise<Point> => {
    for (;;) {
      const found = pool.network.ownPoints().find((point) => form.test(point))
      if (found !== undefined) return found
      await pool.next('own-points-changed', { signal: AbortSignal.timeout(10_000) })
    }
  }

  test.each([
    ['TCP', '/ip6/::1/tcp/0', 'tcp'],
    ['WebSockets', '/ip6/::1/tcp/0/ws', 'ws']
  ] as const)('two peers connect over IPv6, by %s', async (_name, listen, transport) => {
    const [a, b] = await Promise.all([start(), start({ listen: [listen] })])
    const connection = await a.pool.connect(await pointLike(b, /^\/ip6\/::1\//))
    expect(connection).toMatchObject({ peerId: b.pool.peerId, transport, host: '::1' })
  })

  test('listens on IPv4 and IPv6 by default, where the system has both', async () => {
    const peer = await createNodePeer({ network: 'test', ...band })
    peers.push(peer)
    const points = peer.pool.network.ownPoints()
    for (const form of [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/]) {
      expect(points).toContainEqual(expect.stringMatching(form))
    }
    const ports = points.filter((point) => point.startsWith('/ip6/::1/'))
    expect([0, 2]).toContain(ports.length)
  })

  test('answers pings, and says at once which protocols it speaks from now on', async () => {
    const [a, b] = await Promise.all([start(), start()])
    await a.pool.connect(await pointLike(b, /tcp/))
    const connection = a.node.getConnections(b.node.peerId)[0]
    const stream = await connection?.newStream('/ipfs/ping/1.0.0')
    const answer = new Promise<Uint8Array>((resolve) => {
      stream?.addEventListener('message', ({ data }) => resolve(Uint8Array.from(data.subarray())), { once: true })
    })
    const sent = crypto.getRandomValues(new Uint8Array(32))
    stream?.send(sent)
    expect(await answer).toEqual(sent)
    stream?.abort(new Error('enough'))
    await vi.waitFor(async () => expect((await a.node.peerStore.get(b.node.peerId)).protocols).toContain('/ipfs/id/push/1.0.0'))
    await b.node.handle('/new/1.0.0', () => undefined)
    await vi.waitFor(async () => expect((await a.node.peerStore.get(b.node.peerId)).protocols).toContain('/new/1.0.0'), 5_000)
  })

  test('two peers connect over WebRTC, by way of a relay', async () => {
    const relay = await start({ relay: true, listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    const relayPoint = `${await pointLike(relay, /\/ws$/)}/p2p/${relay.pool.peerId}`
    const listen = ['/p2p-circuit', '/webrtc']
    const hidden = await start({ webRtc: true, listen, trustedPoints: [relayPoint] })
    const point = await pointLike(hidden, /\/p2p-circuit\/webrtc\/p2p\//)
    const other = await start({ webRtc: { iceServers: [] } })
    const arrived = hidden.pool.next('connection-opened')
    const connection = await other.pool.connect(point)
    expect(connection).toMatchObject({ peerId: hidden.pool.peerId, transport: 'webrtc' })
    await arrived
    const theirs = hidden.pool.connections.findByPeerId(other.pool.peerId)
    await connection.send(new Uint8Array([1, 2, 3]))
    expect((await theirs?.messages[Symbol.asyncIterator]().next())?.value).toEqual(new Uint8Array([1, 2, 3]))
    // Streams that never name a protocol.
    for (const [opener, taker] of [
      [other, hidden],
      [hidden, other]
    ] as const) {
      const direct = ({ node }: NodePeer, { pool }: NodePeer) => {
        const found = node.getConnections().find(({ remotePeer, limits }) => remotePeer.toString() === pool.peerId && limits === undefined)
        return Reflect.get(found ?? {}, 'muxer') as { createStream(): Promise<unknown>; streams: { direction: string }[] }
      }
      for (let i = 0; i < 60; i++)
        await direct(opener, taker)
          .createStream()
          .catch(() => undefined)
      const open = (): number => direct(taker, opener).streams.filter(({ direction }) => direction === 'inbound').length
      await vi.waitFor(() => expect(open()).toBe(32), 5_000)
    }
  })

  test.each<readonly [object, string]>([
    [{ nat: 'yes' }, 'nat: expected true or false, got "yes"'],
    [{ mdns: 1 }, 'mdns: expected true or false, got 1'],
    [{ webRtc: 'yes' }, 'webRtc: expected true or false or an object with options, got "yes"'],
    [{ webRtc: { iceServer: [] } }, 'unknown option of webRtc "iceServer": did you mean iceServers?'],
    [{ services: { upnp: () => 1 } }, 'services.upnp: the preset has a service of this name']
  ])('%j is refused', async (options, message) => {
    await expect(start(options)).rejects.toMatchObject({ code: 'invalid-config', message })
  })
})

/** Multicast and searches for routers must not leave this process: they get a network of their own, where the system can make one. */
const canMakeNetworks = spawnSync('unshare', ['--net', '--map-root-user', 'ip', 'link', 'set', 'lo', 'up']).status === 0
if (canMakeNetworks) describe('in a network of its own', inOwnNetwork)

function inOwnNetwork(): void {
  const child = fileURLToPath(new URL('optional-parts-child.ts', import.meta.url))
  const inNetwork = async (feature: 'mdns' | 'nat' | 'addresses'): Promise<unknown> => {
    const setUp =
      'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo && ip addr add 5.5.5.5/32 dev lo && ip addr add 2a00::5/128 dev lo'
    const args = ['--net', '--map-root-user', '--kill-child', 'sh', '-c', `${setUp} && exec "$0" "$@"`, process.execPath, child, feature]
    const running = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    running.stdout.on('data', (text) => {
      said += text
    })
    await Promise.race([once(running, 'close'), once(running, 'error').then(([error]) => Promise.reject(error))])
    return JSON.parse(said)
  }

  test('mdns: two peers find each other and connect', async () => {
    expect(await inNetwork('mdns')).toEqual({ connected: true })
  })

  test('the public IPv4 address of an interface is advertised, a public IPv6 address if it is named', async () => {
    expect(await inNetwork('addresses')).toEqual({ everywhere: ['/ip4/5.5.5.5/tcp/4001'], named: ['/ip6/2a00::5/tcp/4001'] })
  })

  test('nat: a public address is advertised once another peer has dialed it, and the connection of the pool stays', async () => {
    expect(await inNetwork('nat')).toEqual({
      before: [],
      after: ['/ip4/5.5.5.5/tcp/4001'],
      lost: 0,
      protocols: ['/libp2p/autonat/2/dial-back', '/libp2p/autonat/2/dial-request', '/libp2p/dcutr']
    })
  })
}
