/** Real pools and raw peers beside them, for the tests of docs/protocol.md. */
import type { Libp2p } from '@libp2p/interface'
import type { PeerId } from '../../src/core/index.ts'
import type { PoolMessage } from '../../src/core/wire/schema.ts'
import type { PeerPoolInit } from '../../src/libp2p/index.ts'
import { type PoolNode, plainNode, poolNode, until } from './plain-nodes.ts'
import { type RawPeer, type RawStream, rawPeer } from './raw-peer.ts'

const nodes: Libp2p[] = []

/** Stops all that was started. */
export async function stopAll(): Promise<void> {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
}

/** A node with a pool. */
export async function start(init: Partial<PeerPoolInit> = {}): Promise<PoolNode> {
  const node = await poolNode({ plainPeers: 'refuse', allowPrivatePoints: true, ...init })
  nodes.push(node)
  return node
}

/** A libp2p node that has never heard of the pool. */
export async function plain(): Promise<Libp2p> {
  const node = await plainNode()
  nodes.push(node)
  return node
}

/** A node that speaks the protocol by hand. */
export async function raw(options: Parameters<typeof rawPeer>[0] = {}): Promise<RawPeer> {
  const peer = await rawPeer(options)
  nodes.push(peer.node)
  return peer
}

export const application = (payload: number[] | Uint8Array): PoolMessage => ({ kind: 'application', payload: Uint8Array.from(payload) })
export const bootstrap: PoolMessage = { kind: 'bootstrap', transports: [] }
export const isRunning = ({ services: { pool } }: PoolNode, peerId: string): boolean =>
  pool.connections.findByPeerId(peerId as PeerId) !== undefined
export const isBanned = ({ services: { pool } }: PoolNode, peerId: string): boolean => pool.peers.isBanned(peerId as PeerId)

/** An application message that comes back shows that all before it was read. */
export async function isRead(pool: PoolNode, peer: RawPeer, stream: RawStream): Promise<void> {
  await until(() => isRunning(pool, peer.peerId))
  const connection = pool.services.pool.connections.findByPeerId(peer.peerId as PeerId)
  if (connection === undefined) throw new Error('not connected')
  stream.say(application([7]))
  for await (const _ of connection.messages) break
}
