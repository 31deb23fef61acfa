/**
 * What libp2p's own peer discovery finds (bootstrap lists, mDNS, the DHT), as points for the pool. libp2p tells of a peer once
 * and never again, and discoveries begin before the pool has read its storage: what came too early is kept for it. Made and
 * started by `network.ts`.
 *
 * Discoveries find more than peers: an HTTP gateway has an id, too, which is an URL. Whatever is no peer, or no point, is skipped.
 */
import type { Libp2pEvents, PeerId as Libp2pPeerId, PeerInfo, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Guard } from '../core/flows/guards.ts'
import type { ParsedPoint } from '../core/values/ids.ts'
import { naming } from './link-address.ts'
import { pointOf, tryParsePeerId } from './point.ts'

/** Addresses taken of one peer; the rest is dropped. */
const maxAddresses = 8
/** Points kept while the pool does not run; the oldest goes first. */
const maxKept = 400

export class Discoveries {
  readonly #peerId: Libp2pPeerId
  readonly #connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly #guard: Guard
  #kept: ParsedPoint[] = []
  #tell: ((found: ParsedPoint) => void) | undefined

  /** Listens from now on and for as long as the node lives. */
  constructor(
    components: {
      readonly peerId: Libp2pPeerId
      readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
      readonly events: TypedEventTarget<Libp2pEvents>
    },
    guard: Guard
  ) {
    this.#guard = guard
    this.#peerId = components.peerId
    this.#connectionManager = components.connectionManager
    components.events.addEventListener('peer:discovery', this.#discovered)
  }

  /** Tells what was found meanwhile, then what will be. */
  start(tell: (found: ParsedPoint) => void): void {
    this.#tell = tell
    for (const found of this.#kept.splice(0)) tell(found)
  }

  stop(): void {
    this.#tell = undefined
  }

  /** libp2p tells of every peer it never stored before, also of those who just connected: they are no news. */
  readonly #discovered = ({ detail }: CustomEvent<PeerInfo>): void => this.#guard.call('a discovery', () => this.#found(detail), undefined)

  #found({ id, multiaddrs }: PeerInfo): void {
    const expectedPeerId = tryParsePeerId(id.toString())
    if (expectedPeerId === undefined || id.equals(this.#peerId) || this.#connectionManager.getConnections(id).length > 0) return
    for (const address of multiaddrs.slice(0, maxAddresses)) {
      const found = this.#guard.call('a discovery', (): ParsedPoint | undefined => pointOf(naming(address, expectedPeerId)), undefined)
      if (found?.expectedPeerId === expectedPeerId) this.#take(found)
    }
  }

  #take(found: ParsedPoint): void {
    if (this.#tell !== undefined) {
      this.#tell(found)
      return
    }
    if (this.#kept.length === maxKept) this.#kept.shift()
    this.#kept.push(found)
  }
}
