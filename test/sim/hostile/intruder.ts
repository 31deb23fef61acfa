/**
 * A hostile peer of a simulation: it speaks the protocol well enough to be let in, by dialing or by being dialed, and then
 * says what a scenario wants. It has no pool, no memory and no manners.
 */
import type { Link } from '../../../src/core/index.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import { introductionPoint } from '../../../src/testing/memory-introductions.ts'
import type { MemoryNetwork } from '../../../src/testing/memory-network.ts'
import { helloOf, say, talk } from '../../support/hostile-peer.ts'
import type { Simulation } from '../simulation.ts'

/** The port of every hostile point, and of no other. */
const hostilePort = 6_666

/** A public address that is hostile; `index` below 2^24 gives all different ones, over all address groups. */
export function hostilePoint(index: number): Point {
  const place = Math.imul(index, 0x9e3779b1) & 0xffffff
  return `/ip4/${101 + (index % 25)}.${place >>> 16}.${(place >>> 8) & 255}.${place & 255}/tcp/${hostilePort}` as Point
}

export function isHostile(point: Point | undefined): boolean {
  return point !== undefined && (point.endsWith(`/tcp/${hostilePort}`) || point.includes('/p2p/hostile'))
}

export interface Conduct {
  /** It is let in. */
  readonly joined?: (link: Link, self: Intruder) => void
  /** A pool said something after the handshake. */
  readonly heard?: (link: Link, message: PoolMessage, self: Intruder) => void
}

export class Intruder {
  readonly point: Point
  readonly network: MemoryNetwork
  /** Where it is let in. */
  readonly links = new Set<Link>()
  readonly #conduct: Conduct
  readonly #introductions: boolean
  #named = 0

  constructor(sim: Simulation, point: Point, conduct: Conduct, id = idAt(point)) {
    this.point = point
    this.#conduct = conduct
    this.#introductions = sim.introductions
    this.network = sim.hub.node(id, { point })
    sim.map.settle(this.network)
    const incoming = (link: Link): void => void this.#talk(link)
    void this.network.start({ incoming, ownPointsChanged: () => undefined, discovered: () => undefined })
  }

  /** Dials a pool; resolves when the link is there, or is not. */
  async connect(point: Point): Promise<void> {
    try {
      void this.#talk(await this.network.dialRaw(point))
    } catch {
      // The pool is away: a scenario tries again when it likes.
    }
  }

  /** Says it if the link is still there. */
  say(link: Link, ...messages: PoolMessage[]): void {
    if (this.links.has(link)) say(link, ...messages)
  }

  /** Names hostile points; where pools introduce each other, every second time as peers that it introduces. */
  advertise(link: Link, points: readonly Point[]): void {
    const introduces = this.#introductions && this.#named++ % 2 === 1
    const named = introduces ? points.map((point) => introductionPoint(this.network.peerId, idAt(point) as PeerId)) : points
    this.say(link, { kind: 'advertise', points: [...named], ownPoints: undefined })
  }

  async #talk(link: Link): Promise<void> {
    await talk(link, helloOf({ network: 'simulation', points: [this.point] }), {
      joined: () => {
        this.links.add(link)
        this.#conduct.joined?.(link, this)
      },
      heard: (message) => this.#conduct.heard?.(link, message, this)
    })
    this.links.delete(link)
    await link.close()
  }
}

/** Who answers at a hostile point. */
export function idAt(point: Point): string {
  return `hostile${point.slice(0, point.lastIndexOf('/')).replaceAll('/', '-')}`
}

/** Somebody hostile answers at every hostile point that anybody dials; each is made when it is needed. */
export function answerEverywhere(sim: Simulation, conduct: Conduct): void {
  sim.hub.elsewhere = (point) => (isHostile(point) ? new Intruder(sim, point, conduct).network : undefined)
}
