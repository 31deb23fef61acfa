/**
 * Which connected peers have shown that they are of this pool, and which were given time to do so and did not. Used by `relay.ts`:
 * a relay serves the peers of its pool.
 */
import type { PoolEvent } from '../src/core/values/events.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import type { Libp2pPeerPool } from '../src/libp2p/service.ts'

/** How long a peer that did not show it once has to show it first. */
const refusalMs = 600_000
const maxRefused = 1_024

export type MembersPool = Pick<Libp2pPeerPool, 'gate' | 'addEventListener'>

export class RelayMembers {
  readonly #pool: MembersPool
  readonly #proved: (peerId: PeerId) => void
  /** At most as many as there are connections, and swept. */
  readonly #members = new Set<PeerId>()
  /** Until when; the oldest goes first. */
  readonly #refused = new Map<PeerId, number>()
  /** Ask for a reservation, and may show it yet. At most as many as there are connections. */
  readonly #asking = new Map<PeerId, PromiseWithResolvers<boolean>>()

  readonly #waitMs: number

  /** `proved` is called after each that shows it; `waitMs`: how long `mayAsk` waits at most. */
  constructor(pool: MembersPool, { proved, waitMs }: { proved: () => void; waitMs: number }) {
    this.#pool = pool
    this.#waitMs = waitMs
    this.#proved = (peerId) => {
      this.#members.add(peerId)
      this.#refused.delete(peerId)
      this.#asking.get(peerId)?.resolve(true)
      proved()
    }
    pool.addEventListener('connection-opened', ({ detail }) => this.#proved(detail.peerId))
    pool.addEventListener('handshake-refused', this.#rejected)
  }

  get size(): number {
    return this.#members.size
  }

  /** It is of this pool, or trusted. */
  has(peerId: PeerId): boolean {
    return this.#members.has(peerId) || this.#pool.gate.isTrusted(peerId)
  }

  /** Its last connection ended. */
  left(peerId: PeerId): void {
    this.#members.delete(peerId)
    this.#asking.get(peerId)?.resolve(false)
  }

  /** It had its time. */
  refuse(peerId: PeerId, now: number): void {
    this.#refused.delete(peerId)
    this.#refused.set(peerId, now + refusalMs)
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= maxRefused) break
      this.#refused.delete(oldest)
    }
  }

  /** May it have a reservation before it has shown anything? Waits for some seconds for those who did not show it before. */
  mayAsk(peerId: PeerId, now: number): boolean | Promise<boolean> {
    if (this.has(peerId) || now >= (this.#refused.get(peerId) ?? 0)) return true
    const asking = this.#asking.get(peerId) ?? Promise.withResolvers<boolean>()
    if (!this.#asking.has(peerId)) {
      this.#asking.set(peerId, asking)
      const timer = setTimeout(() => asking.resolve(false), this.#waitMs)
      timer.unref()
      void asking.promise.then(() => {
        clearTimeout(timer)
        this.#asking.delete(peerId)
      })
    }
    return asking.promise
  }

  /** When a node stops, libp2p says of nobody that it left. */
  sweep(isConnected: (peerId: PeerId) => boolean, now: number): void {
    for (const peerId of this.#members) if (!isConnected(peerId)) this.#members.delete(peerId)
    for (const [peerId, until] of this.#refused) if (until <= now) this.#refused.delete(peerId)
  }

  readonly #rejected = ({ detail: { peerId, direction, rejection } }: PoolEvent<'handshake-refused'>): void => {
    // For these two, the peer has named our network in its Hello. That the band is full does not keep it from being a guest.
    const isOurs = rejection.kind === 'too-many-connections' || rejection.kind === 'already-connected'
    if (peerId !== undefined && direction === 'incoming' && isOurs) this.#proved(peerId)
  }
}
