/** A Node peer of the laboratory, in a process of its own: it answers messages and measures when answers come. */
import { type Connection, createNodePeer, type NodePeerInit, type PeerId } from '../../../node/index.ts'
import { defineRole, type VerbsOf } from '../../laboratory/role.ts'
import { Echo } from './echo.ts'

export type NodePeerVerbs = VerbsOf<typeof nodePeer>

/** Options are plain data: they cross a process border. */
export const nodePeer = defineRole(import.meta.url, 'node-peer', async (options: NodePeerInit) => {
  const startedAt = performance.now()
  const { pool, relay } = await createNodePeer(options)
  const send = async (peerId: string, bytes: Uint8Array): Promise<void> => pool.connections.findByPeerId(peerId as PeerId)?.send(bytes)
  const echo = new Echo({ send })
  const read = async (connection: Connection): Promise<void> => {
    for await (const message of connection.messages) echo.heard(connection.peerId, message)
  }
  pool.addEventListener('connection-opened', ({ detail: { peerId } }) => {
    const connection = pool.connections.findByPeerId(peerId)
    if (connection !== undefined) void read(connection)
  })
  return {
    id: (): string => pool.peerId,
    guests: (): number => relay?.status().used ?? 0,
    ownPoints: (): readonly string[] => pool.network.ownPoints(),
    knows: (peerId: string): string[] =>
      [...pool.points.known()].map(([point]) => point as string).filter((point) => point.includes(peerId)),
    connections: () => pool.connections.list().map(({ peerId, transport, direction }) => ({ peerId, transport, direction })),
    /** The time from now until a message came back, ms. */
    firstAnswer: (peerId: string, withinMs: number): Promise<number | undefined> => echo.firstAnswer(peerId, withinMs),
    /** The time since the start until a message came back, ms. */
    meets: async (peerId: string, withinMs: number): Promise<number | undefined> => {
      const since = performance.now() - startedAt
      const tookMs = await echo.firstAnswer(peerId, withinMs - since)
      return tookMs === undefined ? undefined : since + tookMs
    }
  }
})
