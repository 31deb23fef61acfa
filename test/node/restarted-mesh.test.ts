/**
 * Gossipsub beside the pool. A peer is cut off without a word and started again with the same key, while its old connection still looks
 * open at the other side. Its mesh must be whole again within seconds: both hear each other.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { type Libp2pPeerPool, type PeerPoolInit, peerPool } from '../../src/libp2p/index.ts'
import { Cable } from './cable.ts'

const topic = 'news'
const boundMs = 10_000
/** What a peer opens within a second after its start is of one run. */
const runMs = 1_000

/** Its interface does not name what its class has. */
type Pubsub = GossipSub & { getMeshPeers(topic: string): string[] }
type Gossiper = Libp2p<{ pubsub: Pubsub; pool: Libp2pPeerPool }>

const nodes: Gossiper[] = []
let cable: Cable | undefined

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  await cable?.remove()
})

async function start({ privateKey, ...init }: Partial<PeerPoolInit> & { privateKey?: PrivateKey }): Promise<Gossiper> {
  const pool = peerPool({
    network: 'test',
    allowPrivatePoints: true,
    minConnections: 0,
    expectedConnections: 0,
    maxConnections: 5,
    ...init
  })
  const node = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: pool.gater,
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, floodPublish: false, heartbeatInterval: 300 }),
      pool
    }
  })
  const gossiper = node as unknown as Gossiper
  nodes.push(gossiper)
  gossiper.services.pubsub.subscribe(topic)
  return gossiper
}

function gossips({ streams }: Connection): boolean {
  return streams.some(({ protocol }) => protocol.startsWith('/meshsub/'))
}

/** Both speak until each has heard the other; ms. */
async function untilHeard(...both: readonly [Gossiper, Gossiper]): Promise<number> {
  const began = performance.now()
  const heard = new Set<number>()
  const listening = both.map(({ services: { pubsub } }, i) => {
    const hear = (): void => {
      heard.add(i)
    }
    pubsub.addEventListener('message', hear)
    return () => pubsub.removeEventListener('message', hear)
  })
  try {
    await expect
      .poll(
        async () => {
          await Promise.all(both.map(({ services }) => services.pubsub.publish(topic, Uint8Array.of(1))))
          return heard.size
        },
        { timeout: boundMs, interval: 100 }
      )
      .toBe(2)
  } finally {
    for (const stop of listening) stop()
  }
  return performance.now() - began
}

describe('a mesh after a peer restarted while its old connection was half-open', () => {
  test.each([
    { who: 'the pool dials first', isEarly: false },
    { who: 'the application dials first, and gossip runs on the new connection before the pool does', isEarly: true }
  ])('is whole again within seconds when $who', { timeout: 60_000 }, async ({ isEarly }) => {
    cable = await Cable.lay()
    const stays = await start({})
    cable.target = Number(stays.getMultiaddrs()[0]?.getComponents()[1]?.value)
    const address = `/ip4/127.0.0.1/tcp/${cable.port}`
    const privateKey = await generateKeyPair('Ed25519')
    const wanting = { minConnections: 1, expectedConnections: 1, trustedPoints: [{ point: address }] }
    const before = await start({ privateKey, ...wanting })
    await untilHeard(stays, before)
    const [old] = stays.getConnections()
    await expect.poll(() => Date.now() - (old?.timeline.open ?? Number.NaN), { timeout: boundMs }).toBeGreaterThan(runMs + 100)

    cable.cut()
    await before.stop()
    expect(old?.status).toBe('open')
    cable.mend()
    const after = await start({ privateKey, ...(isEarly ? {} : wanting) })
    if (isEarly) {
      await after.dial(multiaddr(address))
      await expect.poll(() => stays.getConnections().some((one) => one !== old && gossips(one))).toBe(true)
      after.services.pool.points.trust(after.services.pool.parsePoint(address).point)
      after.services.pool.setBand({ min: 1, expected: 1, max: 5 })
    }
    await expect.poll(() => old?.status, { timeout: boundMs }).not.toBe('open')
    const tookMs = await untilHeard(stays, after)
    console.log(`both heard each other ${Math.round(tookMs)} ms after the old connection had ended`)
    await expect.poll(() => [stays, after].map((node) => node.services.pubsub.getMeshPeers(topic).length)).toEqual([1, 1])
    await untilHeard(stays, after)
    expect(stays.services.pool.connectedPeerIds.size).toBe(1)
    expect(stays.getConnections()).toHaveLength(1)
  })
})
