/**
 * The role that is attacked: a real `createNodePeer` with default presets on a public-looking address, and what the rows ask of it.
 */
import { type Connection, createNodePeer, type NodePeer, type NodePeerInit, type PeerId } from '../../../node/index.ts'
import { pause } from '../../laboratory/lab.ts'
import { defineRole, type VerbsOf } from '../../laboratory/role.ts'
import { victimHost, victimHost6 } from './hosts.ts'
import { beAt } from './source-address.ts'
import { heldBytes, TurnMeter } from './turn-meter.ts'

export const network = 'laboratory'
export const tcpPort = 4001
export const wsPort = 4002

export interface VictimArgs {
  /** @default TCP and WebSockets on the public IPv4 address, TCP on the IPv6 one */
  readonly listen?: readonly string[]
  /** Plain data only: it crosses a process border. */
  readonly options?: Partial<NodePeerInit>
  /** What the application does with each message: answers it with one byte, reads it, or leaves it. @default 'read' */
  readonly application?: 'answer' | 'read' | 'leave'
}

export interface VictimFacts {
  /** Running connections. */
  readonly running: readonly { readonly peerId: string; readonly host: string | undefined }[]
  readonly libp2pConnections: number
  readonly peerStoreEntries: number
  readonly reservations: number
  readonly rejections: Readonly<Record<string, number>>
}

const everywhere = [
  `/ip4/${victimHost}/tcp/${tcpPort}`,
  `/ip4/${victimHost}/tcp/${wsPort}/ws`,
  `/ip6/${victimHost6}/tcp/${tcpPort}`
] as const

export type VictimVerbs = VerbsOf<typeof victim>

export const victim = defineRole(import.meta.url, 'victim', async ({ listen = everywhere, options, application = 'read' }: VictimArgs) => {
  beAt(victimHost)
  const peer = await createNodePeer({ network, listen, ...options })
  const { pool } = peer
  const rejections: Record<string, number> = {}
  pool.addEventListener('handshake-refused', ({ detail: { rejection } }) => {
    rejections[rejection.kind] = (rejections[rejection.kind] ?? 0) + 1
  })
  if (application !== 'leave') readMessages(peer, application === 'answer')
  const meter = new TurnMeter()
  let heldBefore = 0
  return {
    id: (): string => pool.peerId,
    facts: (): Promise<VictimFacts> => factsOf(peer, rejections),
    trust: (ids: readonly string[]): void => {
      for (const id of ids) pool.peers.trust(id as PeerId)
    },
    known: (): string[] => [...pool.points.known()].map(([point]) => point),
    isConnectedWith: (id: string): boolean => pool.connections.findByPeerId(id as PeerId) !== undefined,
    /** Watches the idle process for so long, ms. */
    calibrate: (ms: number): Promise<void> => meter.calibrate(ms),
    /** From now on turns, processor time and memory count. */
    beginMeasuring: async (): Promise<void> => {
      heldBefore = await heldBytes()
      meter.start()
    },
    measured: async () => {
      const cost = meter.read()
      return { ...cost, heldBytes: (await heldBytes()) - heldBefore }
    },
    /** Broadcasts so often, one after the other; what is dropped for `to` is counted in its `stat` and told by events. */
    broadcastMany: (flood: BroadcastFlood) => broadcastMany(pool, flood),
    banHostOf: (address: string): Promise<void> => pool.points.ban(pool.parsePoint(address).point)
  }
})

async function factsOf({ node, pool }: NodePeer, rejections: Record<string, number>): Promise<VictimFacts> {
  const relay: unknown = Reflect.get(node.services, 'relay')
  return {
    running: pool.connections.list().map(({ peerId, host }) => ({ peerId, host })),
    libp2pConnections: node.getConnections().length,
    peerStoreEntries: (await node.peerStore.all()).length,
    reservations: hasReservations(relay) ? relay.reservations.size : 0,
    rejections
  }
}

function hasReservations(relay: unknown): relay is { readonly reservations: { readonly size: number } } {
  return typeof relay === 'object' && relay !== null && 'reservations' in relay
}

/** The application: takes messages as they come, and answers without waiting for a peer that does not read. */
function readMessages({ pool }: NodePeer, answers: boolean): void {
  pool.addEventListener('connection-opened', ({ detail: { peerId } }) => {
    const connection = pool.connections.findByPeerId(peerId)
    if (connection !== undefined) void read(connection, answers)
  })
}

async function read(connection: Connection, answers: boolean): Promise<void> {
  for await (const _ of connection.messages) {
    // Refused while the peer takes nothing, and when it leaves: an application that does not care for answers goes on.
    if (answers) connection.send(new Uint8Array(1)).catch(() => undefined)
  }
}

interface BroadcastFlood {
  readonly count: number
  readonly bytes: number
  readonly to: string
}

async function broadcastMany(pool: NodePeer['pool'], { count, bytes, to }: BroadcastFlood) {
  let told = 0
  pool.addEventListener('messages-dropped' as 'change', () => told++)
  for (let i = 0; i < count; i++) {
    pool.broadcast(new Uint8Array(bytes).fill(i))
    await pause(10)
  }
  const stat: Readonly<Record<string, number>> = { ...pool.connections.findByPeerId(to as PeerId)?.stat }
  return { dropped: stat.messagesDropped, told }
}
