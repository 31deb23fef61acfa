/**
 * Keeps a page reachable: others come to it by way of a relay that holds a reservation for it. libp2p asks each relay once, when it
 * connects: one that was full is never asked again, and a relay that `listen` names is lost when it restarts (and makes the start fail
 * while it is down). So here named relays become trusted points, which the pool keeps connected, and while a reservation is missing every
 * connected relay is asked again. Used by `tab-peer.ts`.
 */
import { circuitRelayTransport, RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Libp2pPeerPool } from '../src/libp2p/service.ts'

const anyRelay = '/p2p-circuit'

/** A full relay is asked often enough that a free reservation is used within a minute. Dials are the pool's: relays that do not answer have a back-off. */
const firstWaitMs = 2_000
const waitFactor = 1.5
const maxWaitMs = 45_000

/** How many relays make a page reachable, and how many it wants. */
export interface RelayStatus {
  /** Relays that hold a reservation for this page. */
  readonly held: number
  /** As many as `listen` asks for. */
  readonly wanted: number
}

/** What the circuit transport does not name in its types (@libp2p/circuit-relay-v2 4.2.13). */
interface Reservations {
  addRelay(relay: PeerId, type: 'discovered'): Promise<unknown>
  reservationCount(): number
  /** Relays that did not speak the protocol once, which libp2p does not ask again. */
  readonly relayFilter: { remove?(item: Uint8Array): unknown }
}

export class PageRelays {
  /** For libp2p: a named relay is looked for like any other. */
  readonly listen: readonly string[]
  /** Relays that `listen` names, for the pool. */
  readonly trustedPoints: readonly string[]
  readonly #wanted: number
  /** Ids of the named relays, if no other may be used. */
  readonly #only: ReadonlySet<string> | undefined
  #reservations: Reservations | undefined

  constructor(listen: readonly string[]) {
    const named = listen.filter((text) => text.endsWith(anyRelay) && text !== anyRelay).map((text) => text.slice(0, -anyRelay.length))
    this.listen = listen.map((text) => (text.endsWith(anyRelay) ? anyRelay : text))
    this.trustedPoints = named
    this.#wanted = this.listen.filter((text) => text === anyRelay).length
    const ids = named.map((text) => /\/p2p\/([^/]+)$/.exec(text)?.[1])
    if (named.length === this.#wanted && ids.every((id) => id !== undefined)) this.#only = new Set(ids)
  }

  get status(): RelayStatus {
    return { held: this.#reservations?.reservationCount() ?? 0, wanted: this.#wanted }
  }

  /** For `createLibp2p({ transports })`. */
  readonly transport = (
    components: Parameters<ReturnType<typeof circuitRelayTransport>>[0]
  ): ReturnType<ReturnType<typeof circuitRelayTransport>> => {
    const known = new Set<string>()
    const discoveryFilter = {
      has: (relay: PeerId) => known.has(`${relay}`) || !this.#mayUse(relay),
      add: (relay: PeerId) => known.add(`${relay}`),
      remove: (relay: PeerId) => known.delete(`${relay}`)
    }
    const transport = circuitRelayTransport({ discoveryFilter })(components)
    this.#reservations = (transport as unknown as { reservationStore: Reservations }).reservationStore
    return transport
  }

  /** Until the returned function is called. */
  keep<Msg, PeerMeta, ConnMeta>(node: Libp2p, pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>): () => void {
    let waitMs = firstWaitMs
    let timer: ReturnType<typeof setTimeout> | undefined
    let hasEnded = false
    const ask = (): void => {
      timer = undefined
      waitMs = Math.min(waitFactor * waitMs, maxWaitMs)
      this.#askConnected(node).then(look, look)
    }
    const look = (): void => {
      // Without a connection there is nobody to ask.
      if (hasEnded || this.#isDone || pool.activeConnections === 0) waitMs = firstWaitMs
      else timer ??= setTimeout(ask, waitMs)
    }
    const names = ['own-points-changed', 'connection-opened'] as const
    for (const name of names) pool.addEventListener(name, look)
    look()
    return () => {
      hasEnded = true
      for (const name of names) pool.removeEventListener(name, look)
      clearTimeout(timer)
    }
  }

  get #isDone(): boolean {
    const { held, wanted } = this.status
    return held >= wanted
  }

  #mayUse(relay: PeerId): boolean {
    return this.#only?.has(`${relay}`) !== false
  }

  /** libp2p knows itself which reservation it has, and how many more it needs. */
  async #askConnected(node: Libp2p): Promise<void> {
    for (const relay of node.getPeers()) {
      if (this.#isDone) return
      // Over WebRTC libp2p cannot make a reservation: it throws where nobody catches.
      const isDirect = node.getConnections(relay).some(({ limits, remoteAddr }) => !limits && !`${remoteAddr}/`.includes('/webrtc/'))
      if (!isDirect || !this.#mayUse(relay)) continue
      const speaks = await node.peerStore.get(relay).catch(() => undefined)
      if (speaks?.protocols.includes(RELAY_V2_HOP_CODEC) !== true) continue
      this.#reservations?.relayFilter.remove?.(relay.toMultihash().bytes)
      await this.#reservations?.addRelay(relay, 'discovered').catch(() => undefined)
    }
  }
}
