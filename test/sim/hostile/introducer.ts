/**
 * A hostile page that introduces peers to each other: it holds as many connections as it gets, answers questions for points, and breaks the
 * rules in the ways of `misdeeds`. It has no pool.
 */
import type { Link } from '../../../src/core/index.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import { introductionPoint } from '../../../src/testing/memory-introductions.ts'
import type { MemoryNetwork } from '../../../src/testing/memory-network.ts'
import { helloOf, say, talk } from '../../support/hostile-peer.ts'
import type { Machine } from '../machine.ts'
import { pointOf, type Simulation } from '../simulation.ts'

/** What a hostile introducer does. */
export const misdeeds = {
  swallow: 'takes each request for an introduction and never answers',
  flood: 'asks for points and for introductions, and names its peers, every second',
  friends: 'introduces hostile peers alone, which ask for the introduction by themselves',
  ghosts: 'names peers that do not exist',
  common: 'names all honest pages to all its peers, so that they look like common neighbours, and hostile peers once',
  drop: 'introduces, and closes both connections a second later',
  budget: 'asks to be introduced to each page again and again, and never comes',
  hold: 'asks each page for introductions, and makes them last as long as they may'
} as const

export type Misdeed = keyof typeof misdeeds

/** Connections that one holds, and texts that it remembers. */
const maxLinks = 40
const maxPoints = 400
const actsEveryMs = 5_000
const floodsEveryMs = 1_000
const dropsAfterMs = 1_000
const asksForMs = 15_000
const holdsForMs = 30_000
const maxNamed = 10

/** What the hostile pages of a world have in common. */
export interface Gang {
  readonly sim: Simulation
  readonly members: HostileIntroducer[]
  /** Every honest page that runs now. */
  readonly victims: () => readonly Machine[]
}

export class HostileIntroducer {
  readonly misdeed: Misdeed
  readonly network: MemoryNetwork
  /** Where it is let in. */
  readonly links = new Map<PeerId, Link>()
  readonly #gang: Gang
  /** What others named, the oldest first. */
  readonly #points = new Set<Point>()
  #ghosts = 0

  constructor(gang: Gang, misdeed: Misdeed, servers: readonly Machine[]) {
    this.#gang = gang
    this.misdeed = misdeed
    const { sim, members } = gang
    this.network = sim.hub.node(`hostile-${misdeed}-${members.length}`, { page: true })
    sim.map.settle(this.network)
    const relayed = servers.map((server) => `${pointOf(server)}/p2p/${server.network.peerId}/p2p-circuit/webrtc/p2p/${this.network.peerId}`)
    this.network.announce(...(relayed as Point[]))
    const incoming = (link: Link): void => void this.#talk(link)
    void this.network.start({ incoming, ownPointsChanged: () => undefined, discovered: () => undefined })
    this.network.introductions.swallows = misdeed === 'swallow'
    this.network.introductions.stalls = misdeed === 'hold'
    this.network.introductions.allow({
      introduces: (from, to) => this.#introduces(from, to),
      introduced: () => true,
      proved: () => undefined,
      reserved: () => undefined
    })
    for (const server of servers) void this.#dial(pointOf(server))
    sim.at(sim.random.next() * actsEveryMs, () => this.#act())
  }

  get peerId(): PeerId {
    return this.network.peerId
  }

  #act(): void {
    const { sim } = this.#gang
    sim.at(this.misdeed === 'flood' ? floodsEveryMs : actsEveryMs, () => this.#act())
    if (this.links.size < maxLinks) {
      const known = [...this.#points]
      const point = known[Math.floor(sim.random.next() * known.length)]
      if (point !== undefined) void this.#dial(point)
    }
    for (const [peerId, link] of this.links) {
      say(link, { kind: 'bootstrap', transports: [] })
      if (this.misdeed === 'flood' || this.misdeed === 'common') this.#name(link)
      if (['budget', 'flood', 'hold'].includes(this.misdeed)) this.#askOver(peerId)
      if (this.misdeed === 'friends') this.#bring(peerId)
    }
  }

  /** Has itself introduced to a peer of this one, and does not come. */
  #askOver(introducer: PeerId): void {
    const ways = [...this.#points].filter((point) => point.startsWith(`/p2p/${introducer}/`))
    const target = ways[Math.floor(this.#gang.sim.random.next() * ways.length)]?.split('/').at(-1)
    if (target === undefined) return
    const { introductions } = this.network
    const end = new AbortController()
    this.#gang.sim.at(this.misdeed === 'hold' ? holdsForMs : asksForMs, () => end.abort())
    introductions.ask(introducer, target as PeerId, end.signal).catch(() => undefined)
  }

  /** A friend asks for an introduction to that peer, and comes. */
  #bring(to: PeerId): void {
    const { sim, members } = this.#gang
    const friend = members[Math.floor(sim.random.next() * members.length)]
    if (friend === undefined || friend === this || friend.links.has(to) || to.startsWith('hostile')) return
    if (!friend.links.has(this.peerId)) void friend.#dial(sim.hub.invite(this.network))
    else void friend.#dial(introductionPoint(this.peerId, to))
  }

  #introduces(from: PeerId, to: PeerId): (() => void) | undefined {
    if (this.misdeed === 'friends' && !from.startsWith('hostile')) return undefined
    if (this.misdeed === 'drop') {
      this.#gang.sim.at(dropsAfterMs, () => {
        for (const peerId of [from, to]) this.links.get(peerId)?.abort('it was introduced')
      })
    }
    return () => undefined
  }

  #named(asker: PeerId): Point[] {
    const { sim, members, victims } = this.#gang
    const mine = [...this.links.keys()].filter((peerId) => peerId !== asker)
    const some = <T>(all: readonly T[]): T[] =>
      Array.from({ length: Math.min(maxNamed, all.length) }, () => all[Math.floor(sim.random.next() * all.length)] as T)
    const named: readonly PeerId[] =
      this.misdeed === 'ghosts'
        ? Array.from({ length: maxNamed }, () => `ghost-${this.peerId}-${this.#ghosts++}` as PeerId)
        : this.misdeed === 'friends'
          ? some(members.map(({ peerId }) => peerId))
          : this.misdeed === 'common'
            ? [...some(victims().map(({ network }) => network.peerId)), ...some(members.map(({ peerId }) => peerId)).slice(0, 2)]
            : some(mine)
    return [...new Set(named)].filter((peerId) => peerId !== this.peerId).map((peerId) => introductionPoint(this.peerId, peerId))
  }

  #name(link: Link): void {
    const points = this.#named(link.peerId)
    if (points.length > 0) this.#say(link, { kind: 'advertise', points, ownPoints: undefined })
  }

  #say(link: Link, message: PoolMessage): void {
    if (this.links.get(link.peerId) === link) say(link, message)
  }

  async #dial(point: Point): Promise<void> {
    try {
      void this.#talk(await this.network.dialRaw(point))
    } catch {
      this.#points.delete(point)
    }
  }

  async #talk(link: Link): Promise<void> {
    await talk(link, helloOf({ network: 'simulation', points: [...this.network.ownPoints()] }), {
      joined: () => this.#joined(link),
      heard: (message) => {
        if (message.kind === 'advertise') this.#learn(message.points)
        else if (message.kind === 'bootstrap') this.#name(link)
      },
      refused: (points) => this.#learn(points)
    })
    if (this.links.get(link.peerId) === link) this.links.delete(link.peerId)
    await link.close()
  }

  #joined(link: Link): void {
    const { sim } = this.#gang
    this.links.set(link.peerId, link)
    this.network.introductions.reserve(link.peerId)
    say(link, { kind: 'bootstrap', transports: [] })
    // Once its reservation is there, the answer names the peer's peers.
    sim.at(1_000, () => this.#say(link, { kind: 'bootstrap', transports: [] }))
  }

  #learn(points: readonly string[]): void {
    for (const text of points) {
      const point = text as Point
      if (point.endsWith(`/${this.peerId}`)) continue
      this.#points.delete(point)
      this.#points.add(point)
    }
    for (const oldest of this.#points) {
      if (this.#points.size <= maxPoints) break
      this.#points.delete(oldest)
    }
  }
}
