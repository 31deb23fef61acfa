/**
 * `p2p-pool node`: a Node peer on a data folder of its own, with its control socket and, if asked for, HTTP health. It runs until
 * a signal ends it. Loaded by that verb alone, since libp2p takes a while to load.
 */
import { createNodePeer, type NodePeer, type PeerId } from '../index.ts'
import { CommandError } from './command-error.ts'
import { listenForControl } from './control-server.ts'
import { controlOf } from './control-verbs.ts'
import { type DataFolder, holdDataFolder } from './data-folder.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { serveHealth } from './http-health.ts'
import type { NodeSettings } from './node-settings.ts'
import type { PeerStatus } from './peer-status.ts'
import { warningsOf } from './storage-warnings.ts'

/** A peer says goodbye and saves within five seconds; the rest takes no time. */
const stopDeadlineMs = 10_000

export interface RunningNode {
  /** Called once, when everything listens. */
  started(status: PeerStatus): void
  complain(text: string): void
  /** Ends the peer. */
  readonly signal: AbortSignal
}

/**
 * Resolves when the peer has ended. Rejects with `CommandError`, `PoolError` or `StorageError` if it cannot start; then nothing is left
 * running, and the folder is free.
 */
export async function runNode(
  { init, folder: named, http }: NodeSettings,
  { started, complain, signal }: RunningNode
): Promise<ExitStatus> {
  const stops: (() => Promise<void>)[] = []
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const folder = await holdDataFolder(named)
    stops.push(folder.release)
    const { identityFile } = folder
    const { peersFile = folder.peersFile, ...others } = init
    const warnings = warningsOf(peersFile, complain)
    const peer = await createNodePeer({ storage: warnings.storage, identityFile, ...others }).catch((error: unknown) => {
      throw listenTrouble(error)
    })
    stops.push(peer.stop)
    warnings.watch(peer.pool)
    readMessages(peer)
    const health =
      http === undefined
        ? undefined
        : await serveHealth(() => peer.pool.snapshot(), http).catch((error: unknown) => {
            throw httpTrouble(error)
          })
    if (health !== undefined) stops.push(health.close)
    const control = controlOf(peer, { folder: folder.path, http: health?.url, startedAt: Date.now() })
    const server = await listenForControl(folder.socketPath, control)
    // Closing unlinks whatever has the socket's name. One that stays open ends with the process.
    stops.push(async () => void ((await folder.isOurs()) && (await server.close())))
    started((await control.call('status', [])) as PeerStatus)
    await Promise.race([ended(signal), lossOf(folder)])
  } catch (error) {
    await stopsInTime(stopAll(), complain)
    throw error
  }
  return (await stopsInTime(stopAll(), complain)) ? exitStatus.done : exitStatus.failed
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Rejects once another peer may run beside this one, with the same identity. */
async function lossOf({ path, lost }: DataFolder): Promise<never> {
  await lost
  throw new CommandError(
    'held',
    `the lock of ${path} was lost, since this process stood still for seconds or the lock was removed: the peer stops, for another may run there`
  )
}

async function stopsInTime(stopping: Promise<void>, complain: (text: string) => void): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), stopDeadlineMs)
  const inTime = await Promise.race([stopping.then(() => true), late.promise])
  clearTimeout(timer)
  if (!inTime) complain(`the peer did not stop within ${stopDeadlineMs} ms\n`)
  return inTime
}

/** Messages of applications: nobody here reads them, and a peer that reads nothing is disconnected. */
function readMessages({ pool }: NodePeer): void {
  const drop = async (peerId: PeerId): Promise<void> => {
    const messages = pool.connections.findByPeerId(peerId)?.messages
    if (messages === undefined) return
    const reader = messages[Symbol.asyncIterator]()
    let next = await reader.next()
    while (next.done !== true) next = await reader.next()
  }
  // A connection that breaks ends its messages; why it broke is an event of the pool.
  pool.addEventListener('connection-opened', ({ detail }) => void drop(detail.peerId).catch(() => undefined))
  for (const { peerId } of pool.connections.list()) void drop(peerId).catch(() => undefined)
}

/** libp2p reports taken ports in one long message of many lines. */
function listenTrouble(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error)
  const [, address, code] = /(\/ip[46]\/\S+?\/tcp\/\d+)\S*:.*\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(message) ?? []
  if (code === undefined) return error
  return new CommandError('failed', `--listen: cannot listen at ${address}: ${troubles[code]}`, error)
}

function httpTrouble(error: unknown): CommandError {
  const message = error instanceof Error ? error.message : String(error)
  const [code = ''] = /EADDRINUSE|EACCES|EADDRNOTAVAIL/.exec(message) ?? []
  return new CommandError('failed', `--http: cannot listen: ${troubles[code] ?? message}`, error)
}

const troubles: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not (ports below 1024 are often for root alone)',
  EADDRNOTAVAIL: 'this machine does not have that address'
}
