import type { MultiaddrConnection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Host, PeerId, Point } from '../../src/core/values/ids.ts'
import type { Gate } from '../../src/core/values/ports.ts'
import { hostOfAddress, type PoolGater } from '../../src/libp2p/gater.ts'
import { createGater } from '../../src/libp2p/server-gater.ts'

const banned = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'
const welcome = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const bannedHost = '::ffff:192.0.2.66'

const gate: Gate = {
  deniesIncoming: (host) => host === bannedHost,
  deniesDial: (point: Point) => point.startsWith('/ip4/192.0.2.66/'),
  deniesPeer: (peerId: PeerId, host: Host | undefined) => peerId === banned || host === bannedHost,
  isTrusted: () => false,
  isUnknown: () => true
}

const linkFrom = (address: string): MultiaddrConnection =>
  Object.assign(new EventTarget(), {
    status: 'open',
    remoteAddr: multiaddr(address),
    abort: () => undefined
  }) as unknown as MultiaddrConnection
const bannedId = peerIdFromString(banned)
const welcomeId = peerIdFromString(welcome)

describe('the gater', () => {
  let made: PoolGater

  beforeEach(() => {
    made = createGater()
  })

  test('denies nothing before there is a pool', () => {
    const { gater } = made
    expect(gater.denyDialPeer(bannedId)).toBe(false)
    expect(gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.66/tcp/1'))).toBe(false)
    expect(gater.denyInboundConnection(linkFrom('/ip4/192.0.2.66/tcp/1'))).toBe(false)
    expect(gater.denyInboundEncryptedConnection(bannedId, linkFrom('/ip4/192.0.2.1/tcp/1'))).toBe(false)
  })

  test('asks the pool at each door, without needing a this', async () => {
    made.bind(gate)
    const { denyDialPeer, denyDialMultiaddr, denyInboundConnection, denyInboundEncryptedConnection, denyOutboundEncryptedConnection } =
      made.gater
    const { denyInboundRelayReservation, denyOutboundRelayedConnection, denyInboundRelayedConnection } = made.gater
    const good = linkFrom('/ip4/192.0.2.1/tcp/1')
    const bad = linkFrom('/ip4/192.0.2.66/tcp/1')
    expect([denyDialPeer(bannedId), denyDialPeer(welcomeId)]).toEqual([true, false])
    expect([denyInboundConnection(bad), denyInboundConnection(good)]).toEqual([true, false])
    for (const door of [denyInboundEncryptedConnection, denyOutboundEncryptedConnection]) {
      expect([door(bannedId, good), door(welcomeId, bad), door(welcomeId, good)]).toEqual([true, true, false])
    }
    expect(denyDialMultiaddr(multiaddr(`/ip4/192.0.2.66/tcp/1/ws/p2p/${welcome}`))).toBe(true)
    expect(denyDialMultiaddr(multiaddr('/ip6/::ffff:192.0.2.66/tcp/1'))).toBe(true)
    expect(denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1'))).toBe(false)
    expect([await denyInboundRelayReservation(bannedId), await denyInboundRelayReservation(welcomeId)]).toEqual([true, false])
    expect(denyOutboundRelayedConnection(bannedId, welcomeId)).toBe(true)
    expect(denyOutboundRelayedConnection(welcomeId, bannedId)).toBe(true)
    expect(denyInboundRelayedConnection(bannedId, welcomeId)).toBe(false)
    expect(denyInboundRelayedConnection(welcomeId, bannedId)).toBe(true)
  })

  test('looks at each host of an address that is no point, and denies one that it cannot judge', () => {
    made.bind(gate)
    const { denyDialMultiaddr } = made.gater
    expect(denyDialMultiaddr(multiaddr('/ip4/192.0.2.66/tcp/1/http'))).toBe(true)
    expect(denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1/ip4/192.0.2.66/tcp/2'))).toBe(true)
    expect(denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1/http'))).toBe(false)
    expect(denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/443/tls/sni/example.org/ws'))).toBe(false)
    for (const name of ['localhost', 'router', 'printer.local', '192.0.2.66', '127.1']) {
      expect([name, denyDialMultiaddr(multiaddr(`/ip4/192.0.2.1/tcp/443/tls/sni/${name}/ws`))]).toEqual([name, true])
    }
    expect(denyDialMultiaddr(multiaddr('/dns4/127.0.0.1/tcp/1'))).toBe(true)
  })

  test('asks the guard about each incoming connection, with what is known of its peer by then', async () => {
    const asked: unknown[] = []
    const guard = {
      bind: () => undefined,
      admitsHandshake: (_: MultiaddrConnection, host: Host | undefined) => asked.push(host) === 1,
      admitsConnection: async (_: MultiaddrConnection, newcomer: object) => asked.push(newcomer) === 3
    }
    const { gater, bind } = createGater({ guard })
    bind({ ...gate, isTrusted: (peerId) => peerId === welcome })
    const link = linkFrom('/ip4/192.0.2.1/tcp/1')
    expect([gater.denyInboundConnection(link), gater.denyInboundConnection(link)]).toEqual([false, true])
    expect(await gater.denyInboundUpgradedConnection(welcomeId, link)).toBe(false)
    expect(await gater.denyInboundUpgradedConnection(bannedId, link)).toBe(true)
    expect(gater.denyInboundConnection(linkFrom('/ip4/192.0.2.66/tcp/1'))).toBe(true)
    const host = '::ffff:192.0.2.1'
    expect(asked).toEqual([host, host, { peerId: welcome, host, trusted: true }, { peerId: banned, host, trusted: false }])
  })

  test('asks the relay about peers that the pool does not deny', async () => {
    const relay = {
      admitsReservation: async (peerId: string) => peerId !== welcome,
      admitsCircuit: (source: string) => source !== welcome,
      holdsReservation: () => false,
      status: () => ({ used: 0, left: 1, max: 1 })
    }
    const { gater, bind } = createGater({ relay })
    bind(gate)
    const other = peerIdFromString('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK')
    expect(await Promise.all([welcomeId, bannedId, other].map(gater.denyInboundRelayReservation))).toEqual([true, true, false])
    expect([welcomeId, bannedId, other].map((source) => gater.denyOutboundRelayedConnection(source, other))).toEqual([true, true, false])
  })

  test('a guest of a banned relay, and a page without an address, are judged by their id', async () => {
    made.bind(gate)
    const relayed = linkFrom(`/ip4/192.0.2.66/tcp/1/p2p/${banned}/p2p-circuit/p2p/${welcome}`)
    const page = linkFrom(`/webrtc/p2p/${welcome}`)
    for (const link of [relayed, page]) {
      expect(await made.gater.denyInboundConnection(link)).toBe(false)
      expect(made.gater.denyInboundEncryptedConnection(welcomeId, link)).toBe(false)
      expect(made.gater.denyInboundEncryptedConnection(bannedId, link)).toBe(true)
    }
  })

  test('an incoming WebRTC connection is let in a moment later, so that its dialer sees his first channel open', async () => {
    made.bind(gate)
    let isIn = false
    const door = Promise.resolve(made.gater.denyInboundConnection(linkFrom(`/webrtc/p2p/${welcome}`))).then((denied) => {
      isIn = !denied
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isIn).toBe(false)
    await door
    expect(isIn).toBe(true)
  })

  test('keeps up the rule of pages, also without a pool', () => {
    const { gater } = createGater({ allowPrivate: false, allowInsecure: false })
    expect(gater.denyDialMultiaddr(multiaddr('/ip4/127.0.0.1/tcp/1/tls/ws'))).toBe(true)
    expect(gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1/ws'))).toBe(true)
    expect(gater.denyDialMultiaddr(multiaddr('/dns4/example.org/tcp/1/tls/ws'))).toBe(false)
    expect(gater.denyDialMultiaddr(multiaddr('/ip6zone/eth0/ip6/fe80::1/tcp/1'))).toBe(true)
  })

  test.each([
    ['/ip4/192.0.2.1/tcp/50000', '::ffff:192.0.2.1'],
    ['/ip6/::ffff:c000:201/tcp/50000', '::ffff:192.0.2.1'],
    ['/ip6/2001:DB8:0::7/udp/1/quic-v1', '2001:db8::7'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80::1'],
    ['/ip4/192.0.2.1/udp/1/webrtc-direct', '::ffff:192.0.2.1'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${banned}/p2p-circuit`, undefined],
    [`/webrtc/p2p/${welcome}`, undefined],
    ['/memory/1', undefined]
  ])('the host of a connection at %s is %s', (address, host) => {
    expect(hostOfAddress(multiaddr(address))).toBe(host)
  })
})
