/** What runs beside the pool in a real node and fails: discoveries, transports, gaters, components. Nothing of it ends the process. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerInfo, Transport } from '@libp2p/interface'
import { peerIdFromCID, peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Point } from '../../src/core/values/ids.ts'
import type { Gate } from '../../src/core/values/ports.ts'
import { type Libp2pPeerPool, type NetworkComponents, type PeerPoolInit, peerPool } from '../../src/libp2p/index.ts'
import { createGater } from '../../src/libp2p/server-gater.ts'

type Peer = Libp2p<{ pool: Libp2pPeerPool }> & { readonly components: NetworkComponents }

/** The point that a faulty transport or gater fails for. */
const odd = '/ip4/192.0.2.9/tcp/9' as Point
const someId = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o'

interface Faults {
  readonly transport?: (inner: Transport) => Partial<Transport>
  readonly gater?: ConnectionGater | undefined
}

const nodes: Peer[] = []

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function make(init: Partial<PeerPoolInit> = {}, { transport = () => ({}), gater = {} }: Faults = {}): Promise<Peer> {
  const service = peerPool({ network: 'test', minConnections: 0, expectedConnections: 0, maxConnections: 10, ...init })
  const made: { components?: NetworkComponents } = {}
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [
      (components) => {
        const inner = tcp()(components)
        return new Proxy(inner, {
          get: (target, name) => {
            const own: unknown = Reflect.get(transport(target), name) ?? Reflect.get(target, name, target)
            return typeof own === 'function' ? own.bind(target) : own
          }
        })
      }
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { ...service.gater, ...gater },
    connectionManager: { inboundConnectionThreshold: 1_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      pool: (components: NetworkComponents) => {
        made.components = components
        return service(components)
      }
    }
  })
  const peer = Object.assign(node, { components: made.components }) as Peer
  nodes.push(peer)
  return peer
}

const pointOf = (node: Peer): Point => node.services.pool.network.ownPoints()[0] as Point
const band = { minConnections: 2, expectedConnections: 2, maxConnections: 8, connectionTimeoutMs: 1_000, timeBetweenSearchesMs: 200 }

/** Reaches its band with two others, with a point in its table that fails. */
async function holds(a: Peer): Promise<void> {
  const { pool } = a.services
  const others = await Promise.all([make(), make()])
  pool.registerPoint(odd)
  for (const other of others) pool.registerPoint(pointOf(other))
  await vi.waitFor(() => expect(pool.activeConnections).toBe(2), 15_000)
  await vi.waitFor(() => expect(pool.snapshot().outgoingAttempts).toBe(0), 15_000)
}

async function stopsInTime(a: Peer): Promise<void> {
  const begun = performance.now()
  await a.services.pool.stop()
  expect(performance.now() - begun).toBeLessThan(5_000)
}

describe('a discovery that finds what is no peer', () => {
  /** The id of an HTTP gateway, as Helia's routing finds them: libp2p makes it of a CID with the code of such gateways. */
  const gateway = peerIdFromCID({
    version: 1,
    code: 0x09_20,
    multihash: { digest: new TextEncoder().encode('https://gateway.example') }
  } as Parameters<typeof peerIdFromCID>[0])

  test('the id of an HTTP gateway, by way of the peer store, is skipped', async () => {
    const a = await make()
    expect(gateway.type).toBe('url')
    const told: unknown[] = []
    a.addEventListener('peer:discovery', ({ detail }) => told.push(detail.id.toString()))
    await a.peerStore.merge(gateway, { multiaddrs: [multiaddr('/dns4/gateway.example/tcp/443/tls/http')] })
    await a.peerStore.merge(peerIdFromString(someId), { multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/4001')] })
    await vi.waitFor(() => expect([...a.services.pool.points.known()].map(([point]) => point)).toEqual(['/ip4/192.0.2.1/tcp/4001']))
    expect(told).toEqual([gateway.toString(), someId])
  })

  const good = multiaddr('/ip4/192.0.2.7/tcp/4001')
  const get = (): never => {
    throw new Error('broken on purpose')
  }
  const id = peerIdFromString(someId)
  test.each<readonly [string, () => unknown, readonly string[]]>([
    ['an address that throws', () => ({ id, multiaddrs: [new Proxy(good, { get }), good] }), [good.toString()]],
    ['no address', () => ({ id, multiaddrs: [undefined, 5, good] }), [good.toString()]],
    [
      'addresses that are no points',
      () => ({ id, multiaddrs: ['/unix/a', '/ip4/192.0.2.7/tcp/0', '/p2p-circuit'].map((text) => multiaddr(text)) }),
      []
    ],
    [
      'the id of another in the address',
      () => ({ id, multiaddrs: [good.encapsulate('/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')] }),
      []
    ],
    ['no list', () => ({ id, multiaddrs: undefined }), []],
    ['no id', () => ({ id: undefined, multiaddrs: [good] }), []],
    ['an id that throws', () => ({ id: new Proxy(id, { get }), multiaddrs: [good] }), []],
    ['nothing', () => undefined, []]
  ])('%s', async (_, detail, known) => {
    const a = await make()
    a.components.events.safeDispatchEvent('peer:discovery', { detail: detail() as PeerInfo })
    await new Promise((resolve) => setImmediate(resolve))
    expect([...a.services.pool.points.known()].map(([point]) => point)).toEqual(known)
  })
})

describe('a transport that fails for one address', () => {
  const isOdd = (address: Multiaddr): boolean => address.toString().startsWith(odd)
  const broken = (): never => {
    throw new Error('broken on purpose')
  }
  const dialFilter = (inner: Transport, addresses: Multiaddr[]): Multiaddr[] =>
    addresses.some(isOdd) ? broken() : inner.dialFilter(addresses)
  test.each<readonly [string, Required<Faults>['transport']]>([
    ['dialFilter throws', (inner) => ({ dialFilter: (addresses) => dialFilter(inner, addresses) })],
    ['dial throws', (inner) => ({ dial: (address, options) => (isOdd(address) ? broken() : inner.dial(address, options)) })],
    [
      'dial never settles',
      (inner) => ({ dial: (address, options) => (isOdd(address) ? new Promise(() => undefined) : inner.dial(address, options)) })
    ],
    [
      'dial gives nonsense',
      (inner) => ({ dial: (address, options) => (isOdd(address) ? Promise.resolve({} as never) : inner.dial(address, options)) })
    ]
  ])('%s: the band is kept', async (_, transport) => {
    const a = await make(band, { transport })
    await holds(a)
    await stopsInTime(a)
  })
})

describe('a gater of the application that fails for one address', () => {
  test.each<readonly [string, () => boolean | Promise<boolean>]>([
    [
      'throws',
      () => {
        throw new Error('broken on purpose')
      }
    ],
    ['rejects', () => Promise.reject(new Error('broken on purpose'))],
    ['never settles', () => new Promise(() => undefined)]
  ])('%s: the band is kept', async (_, hook) => {
    const a = await make(band, { gater: { denyDialMultiaddr: (address) => (address.toString().startsWith(odd) ? hook() : false) } })
    await holds(a)
    await stopsInTime(a)
  })
})

describe('a component that fails', () => {
  test('addresses that cannot be read leave the own points as they were', async () => {
    const a = await make()
    const before = a.services.pool.network.ownPoints()
    const { addressManager } = a.components
    const right = addressManager.getAddresses.bind(addressManager)
    Reflect.set(addressManager, 'getAddresses', () => {
      throw new Error('broken on purpose')
    })
    a.components.events.safeDispatchEvent('self:peer:update', {
      detail: { peer: { id: a.peerId, addresses: [], protocols: [], metadata: new Map(), tags: new Map() } }
    })
    // libp2p itself does not survive it for long.
    Reflect.set(addressManager, 'getAddresses', right)
    await new Promise((resolve) => setImmediate(resolve))
    expect(a.services.pool.network.ownPoints()).toEqual(before)
  })

  test.each<readonly [string, () => unknown]>([
    ['rejects', () => Promise.reject(new Error('broken on purpose'))],
    ['never settles', () => new Promise(() => undefined)]
  ])('a registrar whose unhandle %s does not hold a stop', async (_, unhandle) => {
    const a = await make()
    const { registrar } = a.components
    const right = registrar.unhandle.bind(registrar)
    Reflect.set(registrar, 'unhandle', unhandle)
    await stopsInTime(a)
    Reflect.set(registrar, 'unhandle', right)
  })
})

test('the pool’s own gater denies where its pool throws, and throws nothing itself', async () => {
  const made = createGater({ allowPrivate: true })
  const broken = (): never => {
    throw new Error('broken on purpose')
  }
  made.bind({ deniesIncoming: broken, deniesDial: broken, deniesPeer: broken, isUnknown: broken, isTrusted: broken } satisfies Gate)
  const { gater } = made
  const id = peerIdFromString(someId)
  expect(await gater.denyDialMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/1'))).toBe(true)
  expect(await gater.denyDialPeer(id)).toBe(true)
  expect(await gater.denyInboundRelayedConnection(id, id)).toBe(true)
  for (const hook of Object.values(gater)) expect(typeof (await Reflect.apply(hook, undefined, []))).toBe('boolean')
})
