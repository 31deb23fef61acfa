/** Helia and the pool in one libp2p node. Run by `run.ts` in a folder where both are installed. Prints one line for each fact. */
import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createHeliaLight } from 'helia'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { withPool } from 'p2p-pool/libp2p'

const pingProtocol = '/ipfs/ping/1.0.0'
const libp2p = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  services: { identify: identify(), ping: ping() }
})
/** As an application makes a node that has never heard of the pool. */
const withoutPool = () => ({ ...libp2p(), connectionEncrypters: [noise()], streamMuxers: [yamux()] })
const band = { minConnections: 0, expectedConnections: 0, maxConnections: 32, inboundConnectionThreshold: 1_000 }
const stops = []

const pool = (init = {}) => withPool(libp2p(), { network: 'helia', ...band, ...init })

async function start(options) {
  const helia = await withBitswap(withLibp2pLight(createHeliaLight(), options)).start()
  stops.push(() => helia.stop())
  return helia
}

/** Nodes that Helia asks nothing, since they do not speak bitswap. */
function startOthers(options) {
  return Promise.all(
    Array.from({ length: 3 }, async () => {
      const node = await createLibp2p(options())
      stops.push(() => node.stop())
      return { libp2p: node }
    })
  )
}

const pointOf = (helia) => helia.libp2p.getMultiaddrs()[0].decapsulate('/p2p').toString()
const poolOf = (helia) => helia.libp2p.services.pool
const usageOf = (helia, other) =>
  poolOf(helia)
    .connections.list()
    .find(({ peerId }) => peerId === other.libp2p.peerId.toString())?.use

async function store(helia, text) {
  const bytes = new TextEncoder().encode(text)
  const cid = CID.createV1(0x55, await sha256.digest(bytes))
  await helia.blockstore.put(cid, bytes)
  return cid
}

async function fetch(helia, cid) {
  const found = await helia.blockstore.get(cid, { signal: AbortSignal.timeout(10_000) })
  if (found instanceof Uint8Array) return new TextDecoder().decode(found)
  let text = ''
  for await (const piece of found) text += new TextDecoder().decode(piece)
  return text
}

async function until(holds) {
  const end = performance.now() + 10_000
  while (!holds()) {
    assert(performance.now() < end, `still not so after 10 s: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The provider is the youngest connection: by its age it would be pruned first. */
async function fetchAndPrune(ours, { provider, others, kind }) {
  for (const other of [...others, provider]) await poolOf(ours).connect(pointOf(other))
  const first = await store(provider, `first of ${kind}`)
  assert.equal(await fetch(ours, first), `first of ${kind}`)
  const connections = ours.libp2p.getConnections(provider.libp2p.peerId)
  assert.equal(connections.length, 1)
  assert.equal(poolOf(ours).connections.findByPeerId(provider.libp2p.peerId.toString()).kind, kind)
  console.log(`Helia fetched a block by bitswap over the ${kind} connection, the only one there is`)
  assert.equal(usageOf(ours, provider), 'used')
  poolOf(ours).setBand({ min: 0, expected: 1, max: 1 })
  await until(() => poolOf(ours).activeConnections === 1)
  assert.equal(usageOf(ours, provider), 'used')
  const second = await store(provider, `second of ${kind}`)
  assert.equal(await fetch(ours, second), `second of ${kind}`)
  console.log(`of ${others.length + 1} ${kind} connections the pool pruned all but the one that bitswap uses`)
}

try {
  const [ours, provider] = [await start(pool()), await start(pool())]
  await fetchAndPrune(ours, { provider, others: await startOthers(pool), kind: 'pool' })
  const admitting = await start(pool({ plainPeers: 'admit', requiredProtocols: [pingProtocol] }))
  await fetchAndPrune(admitting, { provider: await start(withoutPool()), others: await startOthers(withoutPool), kind: 'plain' })
} finally {
  await Promise.all(stops.map((stop) => stop()))
}
