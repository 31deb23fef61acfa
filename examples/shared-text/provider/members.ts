/** The connected peers that have the document. */
import type { PeerId } from 'p2p-pool'

interface Member {
  /** Its tabs. */
  readonly clients: Set<number>
  synced: boolean
  askedAt: number
}

/** Tabs of one peer whose cursors go with it. The first one is forgotten. */
const maxTabs = 16
/** A hidden tab hears of no connection that ends. The first member is forgotten. */
const maxMembers = 256
/** A peer is asked for what is missing no sooner again, ms. */
const askEveryMs = 1_000

export class Members {
  readonly #members = new Map<PeerId, Member>()

  get size(): number {
    return this.#members.size
  }

  /** Whether the whole document of one of them has come. */
  get anySynced(): boolean {
    return [...this.#members.values()].some(({ synced }) => synced)
  }

  list(): PeerId[] {
    return [...this.#members.keys()]
  }

  /** Any one of them. */
  pick(): PeerId | undefined {
    return this.list()[Math.floor(Math.random() * this.size)]
  }

  /** A tab of that peer has the document. Returns whether the peer is new. */
  join(peerId: PeerId, client: number): boolean {
    const known = this.#members.get(peerId)
    const member = known ?? { clients: new Set(), synced: false, askedAt: Number.NEGATIVE_INFINITY }
    member.clients.add(client)
    this.#members.set(peerId, member)
    dropFirst(member.clients, maxTabs)
    dropFirst(this.#members, maxMembers)
    return known === undefined
  }

  /** Returns its tabs; `undefined`: it was none of them. */
  leave(peerId: PeerId): ReadonlySet<number> | undefined {
    const clients = this.#members.get(peerId)?.clients
    this.#members.delete(peerId)
    return clients
  }

  clear(): void {
    this.#members.clear()
  }

  synced(peerId: PeerId): void {
    const member = this.#members.get(peerId)
    if (member !== undefined) member.synced = true
  }

  /** Whether it may be asked now; if so, it counts as asked. */
  mayAsk(peerId: PeerId): boolean {
    const member = this.#members.get(peerId)
    const now = performance.now()
    if (member === undefined) return true
    if (now - member.askedAt < askEveryMs) return false
    member.askedAt = now
    return true
  }
}

function dropFirst(entries: Map<unknown, unknown> | Set<unknown>, max: number): void {
  const [first] = entries.keys()
  if (entries.size > max) entries.delete(first)
}
