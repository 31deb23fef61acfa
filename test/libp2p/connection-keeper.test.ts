/** Real connections, with the keeper's clock in the test's hands: what it closes, and what it leaves alone. */
import type { Connection, Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import type { Link } from '../../src/core/values/ports.ts'
import { ConnectionKeeper } from '../../src/libp2p/connection-keeper.ts'
import { isToOurRelay } from '../../src/libp2p/server-gater.ts'
import { Arrivals, closeBoth } from '../contract/network.ts'
import { HandClock } from './hand-clock.ts'
import { startNode, type TestNode } from './nodes.ts'

const never = new AbortController().signal
const appProtocol = '/app/1.0.0'
const hop = '/libp2p/circuit/relay/0.2.0/hop'

describe('connections of libp2p', () => {
  let a: TestNode
  let b: TestNode
  let clock: HandClock
  let arrivals: Arrivals
  let denied: string[]

  beforeEach(async () => {
    clock = new HandClock()
    denied = []
    const denies = (peerId: string): boolean => denied.includes(peerId)
    ;[a, b] = await Promise.all([startNode('tcp', { clock, denies }), startNode('tcp')])
    a.network.keeper.isToOurRelay = isToOurRelay
    arrivals = new Arrivals()
    await Promise.all([a.network.start(new Arrivals().handlers), b.network.start(arrivals.handlers)])
    await b.node.handle(appProtocol, () => undefined)
  })

  afterEach(async () => {
    await Promise.all([a.network.stop(), b.network.stop()])
    await Promise.all([a.node.stop(), b.node.stop()])
  })

  const dial = async (): Promise<readonly [Link, Link]> =>
    Promise.all([a.network.dial(b.point, { expectedPeerId: b.network.peerId, signal: never }), arrivals.next()])
  const dialPlain = async (): Promise<Connection> => {
    const connection = await a.node.dial(b.node.getMultiaddrs())
    await identified(connection)
    return connection
  }
  const open = (): Connection[] => a.node.getConnections().filter(({ status }) => status === 'open')

  test('a connection ends with its only link, at both ends', async () => {
    await closeBoth(...(await dial()))
    await until(() => open().length === 0 && b.node.getConnections().length === 0)
  })

  test('a connection ends with its only link, also when that is aborted', async () => {
    const [ours, theirs] = await dial()
    ours.abort('enough')
    await theirs.close()
    await until(() => open().length === 0 && b.node.getConnections().length === 0)
  })

  test('a connection that the application uses outlives the link', async () => {
    const [ours, theirs] = await dial()
    const stream = await a.node.dialProtocol(b.node.peerId, appProtocol)
    await closeBoth(ours, theirs)
    expect(open()).toHaveLength(1)
    expect(stream.status).toBe('open')
  })

  test('a connection to a peer with a tag outlives the link', async () => {
    const [ours, theirs] = await dial()
    await a.node.peerStore.merge(b.node.peerId, { tags: { 'keep-alive-circuit-relay': { value: 1 } } })
    await b.node.peerStore.merge(a.node.peerId, { tags: { 'circuit-relay-source': { value: 1 } } })
    await closeBoth(ours, theirs)
    expect(open()).toHaveLength(1)
  })

  test('neither saves the connection to a peer that the pool denies', async () => {
    const [ours, theirs] = await dial()
    await a.node.dialProtocol(b.node.peerId, appProtocol)
    await a.node.peerStore.merge(b.node.peerId, { tags: { app: { value: 1 } } })
    denied.push(b.network.peerId)
    await closeBoth(ours, theirs)
    await until(() => open().length === 0)
  })

  test('of two links on one connection the last one closes it', async () => {
    const first = await dial()
    const second = await dial()
    expect(a.node.getConnections()).toHaveLength(1)
    await closeBoth(...first)
    expect(open()).toHaveLength(1)
    await closeBoth(...second)
    await until(() => open().length === 0)
  })

  test('a connection that the application opened to the same point is taken', async () => {
    await dialPlain()
    const [ours, theirs] = await dial()
    expect(a.node.getConnections()).toHaveLength(1)
    await closeBoth(ours, theirs)
  })

  test('a connection that the peer opened proves nothing of a point', async () => {
    await b.node.dial(a.node.getMultiaddrs())
    await until(() => a.node.getConnections().length === 1)
    const [ours, theirs] = await dial()
    expect(a.node.getConnections()).toHaveLength(2)
    await closeBoth(ours, theirs)
  })

  test('an idle connection is counted and closed at the second look', async () => {
    await dialPlain()
    await clock.look()
    expect(open()).toHaveLength(1)
    expect(a.network.keeper.idleFound).toBe(0)
    await clock.look()
    await until(() => open().length === 0)
    expect(a.network.keeper.idleFound).toBe(1)
  })

  test('a connection in use is left alone, by whomever it is used', async () => {
    await dialPlain()
    await a.node.dialProtocol(b.node.peerId, appProtocol)
    for (let i = 0; i < 4; i++) await clock.look()
    expect(open()).toHaveLength(1)
    expect(a.network.keeper.idleFound).toBe(0)
  })

  test('one that is used between the looks begins anew', async () => {
    const connection = await dialPlain()
    await clock.look()
    const stream = await a.node.dialProtocol(b.node.peerId, appProtocol)
    await clock.look()
    stream.abort(new Error('done'))
    await clock.look()
    expect(connection.status).toBe('open')
    await clock.look()
    await until(() => open().length === 0)
  })

  describe('streams that cost the other side nothing', () => {
    /** Opens one to `a`, without a protocol, or of one that `a` answers when something is said. */
    const openStream = async (protocol: string | undefined): Promise<Connection> => {
      const connection = await b.node.dial(a.node.getMultiaddrs())
      if (protocol !== undefined) await connection.newStream(protocol)
      else await (connection as unknown as { muxer: { createStream(): Promise<unknown> } }).muxer.createStream()
      await until(() => a.node.getConnections().some(({ streams }) => streams.some((stream) => stream.protocol === (protocol ?? ''))))
      return connection
    }
    const isOpen = (): boolean => open().length > 0
    const twoLooks = async (): Promise<void> => {
      await clock.look()
      await clock.look()
    }

    test('one without a protocol keeps a connection for ten seconds', async () => {
      await openStream(undefined)
      await twoLooks()
      expect(isOpen()).toBe(true)
      clock.aheadMs = 11_000
      await twoLooks()
      await until(() => !isOpen())
    })

    test('streams to our relay keep a connection until it is 150 seconds old, however young they are', async () => {
      await a.node.handle(hop, () => undefined)
      const connection = await openStream(hop)
      clock.aheadMs = 140_000
      await twoLooks()
      expect(isOpen()).toBe(true)
      clock.aheadMs = 151_000
      await connection.newStream(hop)
      await twoLooks()
      await until(() => !isOpen())
    })

    test('our own stream to a relay keeps a connection for as long as it is open', async () => {
      await b.node.handle(hop, () => undefined)
      await a.node.dialProtocol(b.node.getMultiaddrs(), hop)
      clock.aheadMs = 1_000_000
      await twoLooks()
      expect(isOpen()).toBe(true)
    })

    test('neither makes a connection needed, as a link, a stream of an application and a guest of our relay do', async () => {
      await a.node.handle(hop, () => undefined)
      await openStream(undefined)
      await openStream(hop)
      const [connection] = open()
      const needed = (): Promise<boolean> => a.network.keeper.isNeeded(connection as Connection)
      expect(await needed()).toBe(false)
      await a.node.peerStore.merge(b.node.peerId, { tags: { 'circuit-relay-source': { value: 1 } } })
      expect(await needed()).toBe(true)
      await a.node.peerStore.merge(b.node.peerId, { tags: { 'circuit-relay-source': undefined } })
      expect(await needed()).toBe(false)
      await a.node.dialProtocol(b.node.peerId, appProtocol)
      expect(await needed()).toBe(true)
    })
  })

  test('a network that rests closes what is idle, then has no timer until it is awake', async () => {
    await dialPlain()
    a.network.rest(true)
    await clock.look()
    await clock.look()
    await until(() => open().length === 0)
    clock.run()
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    expect(clock.pending).toBe(0)
    a.network.rest(false)
    expect(clock.pending).toBe(1)
  })

  test('a pool that is stopped looks no more', async () => {
    expect(clock.pending).toBe(1)
    await a.network.stop()
    expect(clock.pending).toBe(0)
  })
})

describe('connections of an application that opens them ahead of need', () => {
  test('are counted and left open', async () => {
    const clock = new HandClock()
    const [a, b] = await Promise.all([startNode('tcp', { clock, closeIdle: false }), startNode('tcp')])
    try {
      await a.network.start(new Arrivals().handlers)
      const connection = await a.node.dial(b.node.getMultiaddrs())
      await identified(connection)
      for (let i = 0; i < 3; i++) await clock.look()
      expect(connection.status).toBe('open')
      expect(a.network.keeper.idleFound).toBe(1)
    } finally {
      await a.network.stop()
      await Promise.all([a.node.stop(), b.node.stop()])
    }
  })
})

describe('before a WebRTC dial', () => {
  const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
  const other = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o' as PeerId
  const webRtc = `/webrtc/p2p/${peer}`
  const old = { address: webRtc, to: peer, ageMs: 5_000, streams: [] as string[], limited: false }

  test.each([
    ['one that carries nothing is ended, since libp2p would send the handshake over it', old, true],
    ['also one with a stream that never got a protocol', { ...old, streams: ['', '/ipfs/id/1.0.0'] }, true],
    ['one that is a moment old stays: its stream may be on the way', { ...old, ageMs: 1_000 }, false],
    ['one that the application uses stays', { ...old, streams: [appProtocol] }, false],
    ['one to somebody else stays', { ...old, to: other }, false],
    [
      'a relayed one stays: it carries the handshake',
      { ...old, address: `/ip4/192.0.2.1/tcp/1/ws/p2p/${other}/p2p-circuit/p2p/${peer}`, limited: true },
      false
    ],
    ['a WebSocket stays', { ...old, address: '/ip4/192.0.2.1/tcp/1/ws' }, false]
  ])('%s', (_, { address, to, ageMs, streams, limited }, ends) => {
    let ended = false
    const connection = {
      remotePeer: peerIdFromString(to),
      remoteAddr: multiaddr(address),
      status: 'open',
      limits: limited ? { seconds: 60 } : undefined,
      streams: streams.map((protocol) => ({ protocol })),
      timeline: { open: 10_000 - ageMs },
      abort: () => {
        ended = true
      }
    } as unknown as Connection
    const keeper = new ConnectionKeeper(
      {
        connectionManager: { getConnections: () => [connection] },
        peerStore: { get: () => Promise.reject(new Error('not asked')) },
        events: new EventTarget() as unknown as TypedEventTarget<Libp2pEvents>
      },
      { clock: { now: () => 0, date: () => 10_000, schedule: () => () => undefined }, denies: () => false, closeIdle: true }
    )
    keeper.abortStaleWebRtc(peer)
    expect(ended).toBe(ends)

    ended = false
    keeper.hold(connection, {} as Link)
    keeper.abortStaleWebRtc(peer)
    expect(ended, 'once it carries a link of ours').toBe(false)
  })
})

/** Identify runs on a fresh connection and is over. */
async function identified(connection: Connection): Promise<void> {
  await until(() => connection.streams.length === 0 || connection.streams.every(({ protocol }) => protocol.startsWith('/ipfs/')))
}

async function until(holds: () => boolean, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${holds}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}
