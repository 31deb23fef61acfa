/** The connected peers that have the document. */
import type { PeerId } from 'p2p-pool'
import { Allowance } from './allowance.ts'

interface Member {
  /** Its tabs. */
  readonly clients: Set<number>
  synced: boolean
  askedAt: number
  /** It is not asked again before, ms. Doubles until the whole document has come. */
  askAfterMs: number
  readonly answers: Allowance
}

/** Tabs of one peer whose cursors go with it. The first one is forgotten. */
const maxTabs = 16
/** A hidden tab hears of no connection that ends. The first member is forgotten. */
const maxMembers = 256
/** A peer is asked for what is missing no sooner again, ms; less and less often if its answers do not help. */
const askAfterMs = 1_000
const maxAskAfterMs = 30_000

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
    const member = known ?? newMember()
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
    if (member !== undefined) Object.assign(member, { synced: true, askAfterMs })
  }

  /** Whether it may be asked now; if so, it counts as asked. */
  mayAsk(peerId: PeerId): boolean {
    const member = this.#members.get(peerId)
    const now = performance.now()
    if (member === undefined) return true
    if (now - member.askedAt < member.askAfterMs) return false
    member.askAfterMs = Math.min(2 * member.askAfterMs, maxAskAfterMs)
    member.askedAt = now
    return true
  }

  /** Whether it may be answered now; if so, it counts as answered. */
  mayAnswer(peerId: PeerId): boolean {
    return this.#members.get(peerId)?.answers.take() ?? false
  }
}

function newMember(): Member {
  return { clients: new Set(), synced: false, askedAt: Number.NEGATIVE_INFINITY, askAfterMs, answers: new Allowance() }
}

function dropFirst(entries: Map<unknown, unknown> | Set<unknown>, max: number): void {
  const [first] = entries.keys()
  if (entries.size > max) entries.delete(first)
}
