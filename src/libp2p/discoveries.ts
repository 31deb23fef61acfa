/**
 * What libp2p's own peer discovery finds (bootstrap lists, mDNS, the DHT), as points for the pool. libp2p tells of a peer once
 * and never again, and discoveries begin before the pool has read its storage: what came too early is kept for it. Made and
 * started by `network.ts`.
 */
import type { Libp2pEvents, PeerId as Libp2pPeerId, PeerInfo, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { ParsedPoint } from '../core/values/ids.ts'
import { naming } from './link-address.ts'
import { parsePeerId, pointOf } from './point.ts'

/** Addresses taken of one peer; the rest is dropped. */
const maxAddresses = 8
/** Points kept while the pool does not run; the oldest goes first. */
const maxKept = 400

export class Discoveries {
  readonly #peerId: Libp2pPeerId
  readonly #connectionManager: Pick<ConnectionManager, 'getConnections'>
  #kept: ParsedPoint[] = []
  #tell: ((found: ParsedPoint) => void) | undefined

  /** Listens from now on and for as long as the node lives. */
  constructor(components: {
    readonly peerId: Libp2pPeerId
    readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
    readonly events: TypedEventTarget<Libp2pEvents>
  }) {
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
  readonly #discovered = ({ detail }: CustomEvent<PeerInfo>): void => {
    if (detail.id.equals(this.#peerId) || this.#connectionManager.getConnections(detail.id).length > 0) return
    const expectedPeerId = parsePeerId(detail.id)
    for (const address of detail.multiaddrs.slice(0, maxAddresses)) {
      const found = pointOf(naming(address, expectedPeerId))
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
