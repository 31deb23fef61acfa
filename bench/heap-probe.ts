/** A process that fills itself with one kind of thing and prints the bytes that each takes. Started by `heap.ts`. */
import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../src/core/index.ts'
import { bareNode, poolNode, runBoth } from './pairs.ts'
import { farStorage, flat, libp2pPeers, peerStore, pointTexts, quietPool, tablesOf } from './world.ts'

const holdProtocol = '/bench/hold/1.0.0'
/** Peers made at once: what they are made of is garbage then. */
const batch = 1_000
/** So many are put into a store or a pool that is thrown away, so that compiled code is not counted among what peers take. */
const warmUp = 5_000
/** The same with connections, whose dialers are stopped again. */
const warmUpLinks = 40

/** Fills, and keeps what it filled alive until it is asked for. */
type Probe = (size: number) => Promise<{ fill: () => Promise<unknown>; settleMs: number }>

const probes: Readonly<Record<string, Probe>> = {
  store: async (size) => {
    await filledStore(warmUp)
    return { fill: () => filledStore(size), settleMs: 100 }
  },
  pool: (size) => inPool(size, { peer: true, point: true }),
  peer: (size) => inPool(size, { peer: true, point: false }),
  point: (size) => inPool(size, { peer: false, point: true }),
  connection: (size) => betweenBare(size, () => Promise.resolve(undefined)),
  stream: (size) =>
    betweenBare(size, async (dialer, listener) => {
      const [connection] = dialer.getConnections(listener.peerId)
      const stream: Stream | undefined = await connection?.newStream(holdProtocol)
      return stream
    }),
  running: async (size) => {
    const [hub, ...others] = await inOrder(size + 1 + warmUpLinks, poolNode)
    if (hub === undefined) throw new Error('there is no node')
    const kept = others.splice(warmUpLinks)
    for (const other of others) await runBoth(other, hub)
    for (const { node } of others) await node.stop()
    const fill = async (): Promise<unknown> => {
      for (const other of kept) await runBoth(other, hub)
      return [hub, kept]
    }
    return { fill, settleMs: 3_000 }
  }
}

async function filledStore(size: number): Promise<unknown> {
  const store = await peerStore()
  for (let from = 0; from < size; from += batch) {
    const points = pointTexts(batch, from)
    for (const [i, peer] of libp2pPeers(batch, from + 1).entries())
      await store.merge(peer, { multiaddrs: [multiaddr(points[i] as string)] })
  }
  return store
}

async function inPool(size: number, kept: { peer: boolean; point: boolean }): ReturnType<Probe> {
  await filledPool(warmUp, kept)
  return { fill: () => filledPool(size, kept), settleMs: 100 }
}

async function filledPool(size: number, kept: { peer: boolean; point: boolean }): Promise<unknown> {
  const pool = quietPool({ ...tablesOf(size), storage: farStorage })
  await pool.start()
  for (let from = 0; from < size; from += batch) {
    const points = pointTexts(batch, from)
    for (const [i, peer] of libp2pPeers(batch, from + 1).entries()) {
      // In one piece, as texts of messages and of the storage are.
      const peerId = flat(peer.toString()) as PeerId
      if (kept.peer) pool.registerPeer(peerId)
      if (kept.point) pool.registerNewPoint(points[i] as (typeof points)[number])
      const record = pool.points.info(points[i] as (typeof points)[number])
      if (kept.peer && record !== undefined) await pool.setExpectedPeerId(record.point, peerId)
    }
  }
  // Lines of what was saved stay, as in any pool that has run for a while.
  await pool.savePeers()
  return pool
}

async function betweenBare(size: number, more: (dialer: Libp2p, listener: Libp2p) => Promise<unknown>): ReturnType<Probe> {
  const hub = await bareNode()
  const held: unknown[] = []
  await hub.handle(holdProtocol, (stream) => {
    held.push(stream)
  })
  const others = await inOrder(size + warmUpLinks, bareNode)
  const kept = others.splice(warmUpLinks)
  const [address] = hub.getMultiaddrs()
  if (address === undefined) throw new Error('the node listens nowhere')
  const open = async (nodes: readonly Libp2p[]): Promise<unknown[]> => {
    const opened: unknown[] = []
    for (const node of nodes) {
      await node.dial(address)
      opened.push(await more(node, hub))
    }
    return opened
  }
  await open(others)
  for (const node of others) await node.stop()
  held.length = 0
  return { fill: async () => [hub, kept, held, await open(kept)], settleMs: 3_000 }
}

async function inOrder<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

/** Heap, and buffers outside it. */
async function settled(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  for (let i = 0; i < 6; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [kind = '', size = ''] = process.argv.slice(2)
const probe = probes[kind]
if (probe === undefined) throw new Error(`expected one of ${Object.keys(probes).join(', ')}, got ${kind}`)
const { fill, settleMs } = await probe(Number(size))
const before = await settled(settleMs)
const kept = await fill()
const after = await settled(settleMs)
process.stdout.write(String((after - before) / Number(size)), () => process.exit(kept === undefined ? 1 : 0))
