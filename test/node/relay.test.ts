/** The relay of a Node peer on real sockets: who gets a reservation, who keeps it, and who may ask for circuits. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodePeer, type PeerId, peerPool } from '../../node/index.ts'
import { PoolRelay, type RelayOptions, type RelayTiming } from '../../node/relay.ts'
import { CircuitAllowance } from '../../node/relay-circuits.ts'
import { memoryStorage } from '../../src/core/memory-storage.ts'
import { hostOfIp } from '../../src/core/values/address.ts'
import { nodePreset } from '../../src/core/values/config.ts'
import type { Host as IpHost } from '../../src/core/values/ids.ts'
import type { NetworkComponents } from '../../src/libp2p/network.ts'
import { libp2pSettings } from '../../src/libp2p/preset.ts'
import { type Libp2pPeerPool, type PeerPoolInit, poolService, serverParts } from '../../src/libp2p/service.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { until } from '../libp2p/plain-nodes.ts'
import { Cable } from './cable.ts'

const network = 'relay-test'
const options = { network, minConnections: 0, expectedConnections: 10, maxConnections: 20, inboundConnectionThreshold: 1_000 }
const rest: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(rest.splice(0).map((stop) => stop()))
})

/** Something that is a relay, with a pool or a plain peer of libp2p at its side. */
interface Host {
  readonly node: Libp2p
  readonly pool: Libp2pPeerPool
  readonly relay: PoolRelay
}

/** What `createNodePeer` makes, with a relay whose times are shorter. */
async function relayPeer(relayOptions: RelayOptions, init: Partial<PeerPoolInit> = {}, times: Partial<RelayTiming> = {}): Promise<Host> {
  const timing = { sweepMs: 50, provingMs: 60_000, waitMs: 300, graceMs: 500, probeMs: 60_000, answerMs: 500, ...times }
  const relay = new PoolRelay(relayOptions, timing)
  const { guard, made, gater } = serverParts
  const service = poolService({ ...options, ...init }, { preset: nodePreset, storage: memoryStorage(), guard, made, gater, relay })
  const settings = libp2pSettings(service.config)
  const pool = (components: NetworkComponents): Libp2pPeerPool => {
    const made = service(components)
    relay.bind(made, components)
    return made
  }
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionGater: service.gater,
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { identify: identify(), relay: relay.service, pool }
  })
  rest.push(() => node.stop())
  return { node, pool: node.services.pool, relay }
}

const addressOf = ({ node }: { node: Libp2p }): string => String(node.getMultiaddrs()[0])

interface GuestInit {
  /** The address of the loopback that it dials from. */
  readonly at?: string
  /** Without: an unmodified libp2p node. */
  readonly pool?: boolean | Partial<PeerPoolInit>
  readonly privateKey?: PrivateKey
  /** A protocol that it answers. */
  readonly speaks?: string
}

/** Asks every relay that it is connected with for a reservation, as libp2p does. */
async function guestOf(
  host: { node: Libp2p },
  { at = '127.0.0.1', pool: init = true, privateKey, speaks }: GuestInit = {},
  address = addressOf(host)
): Promise<Libp2p> {
  const pool = peerPool({
    ...options,
    expectedConnections: 1,
    maxConnections: 2,
    trustedPoints: [address],
    ...(typeof init === 'object' ? init : {})
  })
  const settings = libp2pSettings(pool.config)
  const node = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: ['/p2p-circuit'] },
    transports: [tcp({ dialOpts: { localAddress: at } as object }), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(settings.yamux)],
    connectionManager: settings.connectionManager,
    connectionMonitor: settings.connectionMonitor,
    services: { identify: identify(), ...(init === false ? {} : { pool }) }
  })
  rest.push(() => node.stop())
  if (speaks !== undefined) await node.handle(speaks, () => undefined)
  if (init === false) await node.dial(multiaddr(address)).catch(() => undefined)
  return node
}

/** It believes that others can reach it over the relay. */
const isReachable = (node: Libp2p): boolean => node.getMultiaddrs().length > 0

const permissionDenied = 202

/** Asks for a reservation once more; the status of the answer. */
async function askFor(node: Libp2p, host: Host): Promise<number | undefined> {
  const stream = await node.dialProtocol(multiaddr(addressOf(host)), '/libp2p/circuit/relay/0.2.0/hop')
  stream.send(Uint8Array.of(2, 8, 0))
  for await (const chunk of stream) {
    const bytes = chunk.subarray()
    // The only field of a refusal beside its kind: number 5, two bytes long.
    const at = bytes.indexOf(5 << 3)
    return at < 0 ? undefined : ((bytes[at + 1] ?? 0) & 127) | ((bytes[at + 2] ?? 0) << 7)
  }
  return undefined
}

/** The key of a peer that the operator of the relay trusts. */
async function trustedKey({ pool }: Host): Promise<PrivateKey> {
  const privateKey = await generateKeyPair('Ed25519')
  pool.peers.trust(peerIdFromPrivateKey(privateKey).toString() as PeerId)
  return privateKey
}

/** Comes when the others are guests, and has lost its reservation when they are looked at. */
async function strangerLoses(host: Host): Promise<void> {
  const stranger = await guestOf(host, { pool: false })
  await until(() => isReachable(stranger))
  await until(() => !isReachable(stranger))
}

describe('a reservation', () => {
  test('is free again when its guest has left, so that a small relay serves one visit after the other', async () => {
    const peer = await createNodePeer({ ...options, listen: ['/ip4/127.0.0.1/tcp/0'], relay: { maxReservations: 2 } })
    rest.push(peer.stop)
    expect(peer.relay?.status()).toEqual({ used: 0, max: 2, left: 2 })
    for (let visit = 0; visit < 5; visit++) {
      const guest = await guestOf(peer)
      await until(() => isReachable(guest))
      expect(peer.relay?.status()).toEqual({ used: 1, max: 2, left: 1 })
      await guest.stop()
      await until(() => peer.relay?.status().used === 0)
      const stored = (await peer.node.peerStore.has(guest.peerId)) ? await peer.node.peerStore.get(guest.peerId) : undefined
      expect([...(stored?.tags.keys() ?? [])]).not.toContain('circuit-relay-source')
    }
  })

  test('is free again when its guest vanished', async () => {
    const host = await relayPeer({}, {}, { probeMs: 200 })
    const cable = await Cable.lay()
    rest.push(() => cable.remove())
    cable.target = Number(addressOf(host).split('/')[4])
    const guest = await guestOf(host, { pool: false }, addressOf(host).replace(/tcp\/\d+/, `tcp/${cable.port}`))
    await until(() => isReachable(guest))
    cable.cut()
    await until(() => host.relay.status().used === 0)
  })

  test('is taken back from peers that do not turn out to be of this pool, which learn of it', async () => {
    const host = await relayPeer({}, {}, { provingMs: 500 })
    const [member, stranger, other] = await Promise.all([
      guestOf(host),
      guestOf(host, { pool: false }),
      guestOf(host, { pool: { network: 'other' } })
    ])
    await until(() => [member, stranger, other].every(isReachable))
    await until(() => !isReachable(stranger) && !isReachable(other))
    // Both are connected again at once, and ask again.
    expect(await askFor(stranger, host)).toBe(permissionDenied)
    await until(() => host.relay.status().used === 1)
    expect([member, stranger, other].map(isReachable)).toEqual([true, false, false])
  })

  test('is given again to an unknown peer that lost one, once it shows that it is of this pool', async () => {
    const host = await relayPeer({}, {}, { provingMs: 300, waitMs: 4_000 })
    const privateKey = await generateKeyPair('Ed25519')
    const before = await guestOf(host, { pool: false, privateKey })
    await until(() => isReachable(before))
    await until(() => !isReachable(before))
    await before.stop()
    const after = await guestOf(host, { privateKey })
    await until(() => isReachable(after))
    await strangerLoses(host)
    expect(isReachable(after)).toBe(true)
  })

  test('is kept by unknown peers where the operator says so', async () => {
    const times = { provingMs: 300 }
    const [open, closed] = await Promise.all([relayPeer({ open: true }, {}, times), relayPeer({}, {}, times)])
    const stranger = await guestOf(open, { pool: false })
    await until(() => isReachable(stranger))
    await strangerLoses(closed)
    expect(isReachable(stranger)).toBe(true)
  })

  test('is kept by a peer that the operator trusts, and by one of this pool that finds the band full', async () => {
    const host = await relayPeer({}, { expectedConnections: 1, maxConnections: 1 }, { provingMs: 500 })
    const privateKey = await trustedKey(host)
    const guests = await Promise.all([guestOf(host), guestOf(host), guestOf(host, { pool: false, privateKey })])
    await until(() => guests.every(isReachable))
    await strangerLoses(host)
    expect(host.pool.activeConnections).toBe(1)
    expect(guests.map(isReachable)).toEqual([true, true, true])
    expect(host.relay.status().used).toBe(3)
  })

  test('is kept, and its connection too, by a plain peer that the pool has dropped', async () => {
    const host = await relayPeer({}, { plainPeers: 'admit', requiredProtocols: ['/app/1.0.0'] }, { provingMs: 500 })
    const guests = await Promise.all([1, 2, 3].map(() => guestOf(host, { pool: false, speaks: '/app/1.0.0' })))
    await until(() => guests.every(isReachable) && host.pool.activeConnections === 3)
    host.pool.setBand({ min: 0, expected: 0, max: 1 })
    await until(() => host.pool.activeConnections <= 1)
    await strangerLoses(host)
    expect(guests.map((guest) => guest.getConnections().length)).toEqual([1, 1, 1])
    expect(guests.map(isReachable)).toEqual([true, true, true])
  })

  test('is given to trusted peers only in private mode', async () => {
    const host = await relayPeer({}, { privateMode: true })
    const privateKey = await trustedKey(host)
    const stranger = await guestOf(host, { pool: false })
    const trusted = await guestOf(host, { pool: false, privateKey })
    await until(() => isReachable(trusted))
    expect(isReachable(stranger)).toBe(false)
  })
})

describe('the figures of a relay', () => {
  test('say how many peers are reachable and how many more may be, while many come and go at once', async () => {
    const host = await relayPeer({ maxReservations: 8 })
    const guests = await Promise.all(Array.from({ length: 10 }, () => guestOf(host)))
    // Of eight, one is kept for trusted peers.
    await until(() => guests.filter(isReachable).length === 7)
    expect(host.relay.status()).toEqual({ used: 7, max: 8, left: 0 })
    const friend = await guestOf(host, { privateKey: await trustedKey(host) })
    await until(() => isReachable(friend))
    expect(host.relay.status()).toEqual({ used: 8, max: 8, left: 0 })
    const [gone, kept] = [guests.filter(isReachable).slice(0, 5), guests.filter(isReachable).slice(5)]
    await Promise.all([...gone, ...guests.filter((guest) => !isReachable(guest))].map((guest) => guest.stop()))
    await until(() => host.relay.status().used === 3)
    expect(host.relay.status()).toEqual({ used: 3, max: 8, left: 5 })
    expect([...kept, friend].map(isReachable)).toEqual([true, true, true])
  })

  test('begin anew when the node is stopped and started again, and circuits have their limit of time then too', async () => {
    const host = await relayPeer({ maxReservations: 2, maxDurationMs: 400 })
    const before = await Promise.all([guestOf(host), guestOf(host)])
    await until(() => before.every(isReachable))
    expect(host.relay.status()).toEqual({ used: 2, max: 2, left: 0 })
    await host.node.stop()
    expect(host.relay.status()).toEqual({ used: 0, max: 2, left: 2 })
    await host.node.start()
    const [one, other] = await Promise.all([guestOf(host), guestOf(host)])
    await until(() => isReachable(one) && isReachable(other))
    expect(host.relay.status()).toEqual({ used: 2, max: 2, left: 0 })
    const connection = await other.dial(multiaddr(`${addressOf(host)}/p2p-circuit/p2p/${one.peerId}`))
    await until(() => connection.status !== 'open')
  })
})

describe('when one host asks for all reservations', () => {
  test('an honest peer of another host gets one at once, one of the same host soon, and a trusted one always', async () => {
    const host = await relayPeer({ maxReservations: 8 }, {}, { graceMs: 0 })
    const attackers = await Promise.all(Array.from({ length: 9 }, () => guestOf(host, { at: '127.0.0.9', pool: false })))
    // Of eight, one is kept for trusted peers.
    await until(() => host.relay.status().used === 7 && attackers.filter(isReachable).length === 7)
    const far = await guestOf(host, { at: '127.0.0.2' })
    await until(() => isReachable(far), 2_000)
    const privateKey = await trustedKey(host)
    const friend = await guestOf(host, { at: '127.0.0.9', pool: false, privateKey })
    await until(() => isReachable(friend), 2_000)
    expect(host.relay.status().used).toBe(8)
    const near = await guestOf(host, { at: '127.0.0.9' })
    await until(() => isReachable(near))
    // Who made room has learned of it.
    await until(() => attackers.filter(isReachable).length === 5)
    expect([far, friend, near].map(isReachable)).toEqual([true, true, true])
  })

  test('as members of this pool, they make room for other hosts as well', async () => {
    const host = await relayPeer({ maxReservations: 8 })
    const attackers = await Promise.all(Array.from({ length: 7 }, () => guestOf(host, { at: '127.0.0.9' })))
    await until(() => attackers.every(isReachable) && host.pool.activeConnections === 7)
    for (const at of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) {
      const honest = await guestOf(host, { at })
      await until(() => isReachable(honest), 2_000)
    }
    await until(() => attackers.filter(isReachable).length === 4)
  })
})

describe('a circuit', () => {
  const through = (host: Host, to: Libp2p) => multiaddr(`${addressOf(host)}/p2p-circuit/p2p/${to.peerId}`)

  test('is lent to any peer that asks for one to a guest, as pages do at relays that they have no other connection to', async () => {
    const host = await relayPeer({})
    const [guest, source] = await Promise.all([guestOf(host), guestOf(host, { pool: false })])
    await until(() => isReachable(guest))
    const connection = await source.dial(through(host, guest))
    expect(connection.limits?.bytes).toBeLessThanOrEqual(131_072n)
    const noGuest = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
    rest.push(() => noGuest.stop())
    await noGuest.dial(multiaddr(addressOf(host)))
    await expect(source.dial(through(host, noGuest))).rejects.toThrow('NO_RESERVATION')
  })

  test('is lent to trusted peers alone in private mode', async () => {
    const host = await relayPeer({}, { privateMode: true })
    const guest = await guestOf(host, { pool: false, privateKey: await trustedKey(host) })
    await until(() => isReachable(guest))
    const [stranger, friend] = await Promise.all([
      guestOf(host, { pool: false }),
      guestOf(host, { pool: false, privateKey: await trustedKey(host) })
    ])
    await expect(stranger.dial(through(host, guest))).rejects.toThrow()
    expect((await friend.dial(through(host, guest))).status).toBe('open')
  })
})

describe('circuits from one address group', () => {
  const host = (ip: string) => hostOfIp(ip) as IpHost
  const lent = (allowance: CircuitAllowance, ips: (i: number) => string, asMember: boolean): number => {
    let count = 0
    while (count < 2_000 && allowance.take(host(ips(count)), { asMember })) count++
    return count
  }

  test('are counted: fewer for unknown peers, more for a host that many peers may share', async () => {
    const clock = new VirtualClock()
    const allowance = new CircuitAllowance(clock)
    expect(lent(allowance, () => '198.51.100.1', true)).toBe(64)
    expect(lent(allowance, () => '198.51.100.1', false)).toBe(16)
    expect(lent(allowance, (i) => `2a00:1:2:3::${i + 1}`, false)).toBe(16)
    expect(lent(allowance, () => '127.0.0.1', true)).toBe(512)
    await clock.advance(60_000)
    expect(lent(allowance, () => '198.51.100.1', true)).toBe(30)
    expect(lent(allowance, () => '198.51.100.1', false)).toBe(6)
  })

  test('are forgotten once a group has all of its own again', async () => {
    const clock = new VirtualClock()
    const allowance = new CircuitAllowance(clock)
    for (let i = 0; i < 5_000; i++) allowance.take(host(`198.${i >> 8}.${i & 255}.1`), { asMember: false })
    expect(allowance.size).toBe(4_096)
    await clock.advance(11_000)
    allowance.sweep()
    expect(allowance.size).toBe(0)
  })
})
