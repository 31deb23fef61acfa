/**
 * A Node peer on a data folder of its own, as `p2p-pool node` and the demo run it: it holds the folder, keeps peers and identity there,
 * and listens for the verbs of the command and, if asked for, for HTTP and for control over TCP. Loaded by those alone, since libp2p takes
 * a while to load.
 */
import { Recording } from '../../src/recording/recording.ts'
import { type Connection, createNodePeer, type NodePeer, type PeerId } from '../index.ts'
import { listenTrouble } from '../listen-trouble.ts'
import { CommandError } from './command-error.ts'
import { listenForControlPort } from './control-port.ts'
import { listenForControl } from './control-server.ts'
import { controlOf } from './control-verbs.ts'
import { holdDataFolder } from './data-folder.ts'
import { serveHealth } from './http-health.ts'
import type { NodeSettings } from './node-settings.ts'
import type { PeerStatus } from './peer-status.ts'
import type { PrometheusText } from './prometheus-text.ts'
import { warningsOf } from './storage-warnings.ts'

export interface RunningPeer {
  readonly peer: NodePeer
  /** The data folder. */
  readonly folder: string
  /** As the verb `status` has it. */
  status(): Promise<PeerStatus>
  /** Resolves when another peer may hold the folder by now: this one has to stop. */
  readonly lost: Promise<void>
  /** Never rejects for what the peer itself does; a peer says goodbye and saves within five seconds. Idempotent. */
  stop(): Promise<void>
}

export interface PeerSurroundings {
  /** Takes warnings for people, whole lines. */
  complain(text: string): void
  /** The metrics of the peer; one peer of a process can have them. @default none */
  readonly metrics?: PrometheusText | undefined
  /** A message of an application. @default it is dropped */
  onMessage?(from: Connection, message: Uint8Array): void
}

/** Rejects with `CommandError`, `PoolError` or `StorageError` if it cannot start; then nothing is left running, and the folder is free. */
export async function startPeer(
  { init, folder: named, http, control: port, record = false }: Omit<NodeSettings, 'typed'>,
  { complain, metrics, onMessage = () => undefined }: PeerSurroundings
): Promise<RunningPeer> {
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const folder = await holdDataFolder(named)
    stops.push(folder.release)
    const { identityFile } = folder
    const { peersFile = folder.peersFile, ...others } = init
    const warnings = warningsOf(peersFile, complain)
    const recording = record ? new Recording() : undefined
    const peer = await createNodePeer({ storage: warnings.storage, identityFile, metrics: metrics?.metrics, recording, ...others })
    stops.push(peer.stop)
    warnings.watch(peer.pool)
    readMessages(peer, onMessage)
    const health =
      http === undefined ? undefined : await serveHealth(() => peer.pool.snapshot(), http, metrics).catch(portTrouble('--http'))
    if (health !== undefined) stops.push(health.close)
    let controlAddress: string | undefined
    const control = controlOf(peer, {
      folder: folder.path,
      http: health?.url,
      control: () => controlAddress,
      startedAt: Date.now(),
      metrics: metrics?.read,
      recording
    })
    const server = await listenForControl(folder.socketPath, control)
    // Closing unlinks whatever has the socket's name. One that stays open ends with the process.
    stops.push(async () => void ((await folder.isOurs()) && (await server.close())))
    if (port !== undefined) {
      const { tokenFile, isOurs } = folder
      const over = await listenForControlPort(port, { tokenFile, isOurs, serve: server.serve }).catch(portTrouble('--control'))
      controlAddress = over.address
      stops.push(over.close)
    }
    const status = async (): Promise<PeerStatus> => (await control.call('status', [])) as PeerStatus
    return { peer, folder: folder.path, status, lost: folder.lost, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** All of them, also where nobody wants them: a peer that reads nothing is disconnected. */
function readMessages({ pool }: NodePeer, onMessage: (from: Connection, message: Uint8Array) => void): void {
  const read = async (peerId: PeerId): Promise<void> => {
    const connection = pool.connections.findByPeerId(peerId)
    if (connection === undefined) return
    for await (const message of connection.messages) onMessage(connection, message)
  }
  // A connection that breaks ends its messages; why it broke is an event of the pool.
  pool.addEventListener('connection-opened', ({ detail }) => void read(detail.peerId).catch(() => undefined))
  for (const { peerId } of pool.connections.list()) void read(peerId).catch(() => undefined)
}

function portTrouble(option: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof CommandError) throw error
    throw new CommandError('failed', `${option}: cannot listen: ${listenTrouble(error)}`, error)
  }
}
