/**
 * Takes peers that are gone out of libp2p's peer store. libp2p keeps an entry, with all that identify learned, for every id that ever
 * connected, and looks at its age only when that very id is asked for: an attacker with many ids makes the process grow without end.
 * Made by `service.ts` for Node, and runs while the node does; a page makes few connections in its life.
 *
 * An entry goes some seconds after the last connection of its peer, if the pool does not know the peer, nothing tagged it, and there is
 * nothing in it but what libp2p itself writes. Peers that the application dialed stay: it may want to dial them again by their id.
 */
import type { ComponentLogger, Connection, Libp2pEvents, Logger, PeerStore, PeerUpdate, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '../core/values/ids.ts'
import type { Clock } from '../core/values/ports.ts'
import { poolTag } from './connection-keeper.ts'

/** libp2p's registrar reads the entry when a peer leaves, for up to five seconds. */
const sweepAfterMs = 10_000
/** Peers that may wait for a sweep; then it comes at once. */
const maxWaiting = 1_000
/** After so many entries others get a turn of the event loop. */
const looksPerTurn = 20
/** Metadata that libp2p writes. */
const ownMetadata = new Set(['AgentVersion', 'ProtocolVersion', 'last-dial-success', 'last-dial-failure'])

export interface CleaningComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly peerStore: Pick<PeerStore, 'get' | 'delete'>
  readonly logger: ComponentLogger
}

export interface CleaningOptions {
  readonly clock: Clock
  /** The pool has no reason to remember the peer. */
  readonly isUnknown: (peerId: PeerId) => boolean
  /** The pool made the connection, or ran on it. */
  readonly isOurs: (connection: Connection) => boolean
}

export class PeerStoreCleaning {
  readonly #components: CleaningComponents
  readonly #options: CleaningOptions
  readonly #log: Logger
  // Texts, since libp2p's own ids are parts of larger pieces of memory.
  /** Came since the last sweep. */
  #waiting = new Set<PeerId>()
  /** Looked at, and connected, known or tagged then: as many as libp2p has connections, the pool knows peers, and others tag. */
  readonly #kept = new Set<PeerId>()
  #cancelSweep: (() => void) | undefined
  #isSweeping = false

  constructor(components: CleaningComponents, options: CleaningOptions) {
    // libp2p's components are a slow proxy: taken out once.
    const { events, connectionManager, peerStore, logger } = components
    this.#components = { events, connectionManager, peerStore, logger }
    this.#options = options
    this.#log = logger.forComponent('p2p-pool:peer-store')
  }

  start(): void {
    const { events } = this.#components
    events.addEventListener('connection:close', this.#closed)
    events.addEventListener('peer:update', this.#updated)
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('connection:close', this.#closed)
    events.removeEventListener('peer:update', this.#updated)
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
  }

  readonly #closed = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.direction === 'inbound' || this.#options.isOurs(connection)) this.#note(connection.remotePeer.toString() as PeerId)
  }

  /** A dial failed, and the entry says nothing but that: a point with a made-up id leaves one. */
  readonly #updated = ({ detail: { peer } }: CustomEvent<PeerUpdate>): void => {
    if (peer.metadata.has('last-dial-failure') && peer.addresses.length === 0) this.#note(peer.id.toString() as PeerId)
  }

  #note(peerId: PeerId): void {
    this.#waiting.add(peerId)
    this.#plan()
  }

  #plan(): void {
    if (this.#isSweeping) return
    const isFull = this.#waiting.size >= maxWaiting
    if (isFull) this.#cancelSweep?.()
    if (isFull) this.#cancelSweep = undefined
    this.#cancelSweep ??= this.#options.clock.schedule(isFull ? 0 : sweepAfterMs, () => {
      this.#cancelSweep = undefined
      this.#sweep()
        .catch((error: unknown) => this.#log.error('could not look through the peers that are gone - %e', error))
        .finally(() => {
          this.#isSweeping = false
          if (this.#waiting.size > 0) this.#plan()
        })
    })
  }

  async #sweep(): Promise<void> {
    this.#isSweeping = true
    const came = this.#waiting
    this.#waiting = new Set()
    const connected = new Set(this.#components.connectionManager.getConnections().map(({ remotePeer }) => remotePeer.toString()))
    let looked = 0
    for (const peerId of new Set([...this.#kept, ...came])) {
      const isNeeded = connected.has(peerId) || !this.#options.isUnknown(peerId) || (await this.#isStillNeeded(peerId))
      if (isNeeded) this.#kept.add(peerId)
      else this.#kept.delete(peerId)
      if (++looked % looksPerTurn === 0) await new Promise<void>((resolve) => this.#options.clock.schedule(0, resolve))
    }
  }

  /** Deletes the entry, unless it is tagged or the peer is back. An entry that others wrote to is theirs from now on. */
  async #isStillNeeded(peerId: PeerId): Promise<boolean> {
    const { peerStore, connectionManager } = this.#components
    const id = peerIdFromString(peerId)
    try {
      const { tags, metadata } = await peerStore.get(id)
      const isBack = connectionManager.getConnections(id).length > 0 || !this.#options.isUnknown(peerId)
      if (isBack || [...tags.keys()].some((tag) => tag !== poolTag)) return true
      if ([...metadata.keys()].every((name) => ownMetadata.has(name))) await peerStore.delete(id)
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NotFoundError')) this.#log.error('could not delete %p - %e', peerId, error)
    }
    return false
  }
}
