/**
 * A walk: how a pool meets peers that its own peers have nothing to do with. Peers introduce those that they are connected with, so a page that takes
 * what they offer meets friends of friends alone: the network falls into cliques that hang together by few connections, and apart when a peer of these
 * leaves. So now and then a pool goes on from the peer that it was introduced to, and again, and stays with the last one for a while.
 *
 * The one between is left only after the next one is connected, which is connected with it: no step divides the network. Then the new peer takes the
 * place of one whose introducer is connected with us too: those two know each other. So friends of friends give way to distant peers, and a peer
 * that all are connected with brings about few connections for long: no walk leads over it. A hostile peer names its friends alone, so a walk that
 * begins at it ends among them. Therefore a walk is short, and at most half of the connections are ends of walks.
 */
import type { PeerId, Point } from '../values/ids.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Exchange } from './exchange.ts'

/** Peers that a walk goes on to. Five steps among a thousand pages with five connections each lead to any of them. */
const steps = 5
/** A peer that is asked has answered by then, ms; one that has just connected first has to reserve. */
const answersWithinMs = 2_000
/** Peers that a step tries. */
const maxTries = 3
/** The last one is kept for so long at least, ms. */
const staysMs = 600_000
/** A peer that is left is asked not to come back before, ms. */
const comeBackAfterMs = 300_000
/** Of so many connections one may be the end of a walk; one in any case. */
const endsShare = 2
/** A younger one may be on a walk of the other side, ms. */
const settledAfterMs = 20_000

export class Walk {
  readonly #context: FlowContext
  readonly #exchange: Exchange
  /** Where walks ended, the last one last. */
  #ends: readonly FlowConnection[] = []
  #staysUntil = Number.NEGATIVE_INFINITY
  #isWalking = false

  constructor(context: FlowContext, exchange: Exchange) {
    this.#context = context
    this.#exchange = exchange
  }

  /** To be called now and then by a pool in its band. Walks if it is time; does not wait. */
  start(): void {
    const { state, clock, log } = this.#context
    const isDue = this.#ends.at(-1)?.ending !== undefined || clock.now() >= this.#staysUntil
    if (this.#isWalking || !isDue || state.active > state.bounds.maxTarget) return
    this.#isWalking = true
    this.#walk()
      .catch((error: unknown) => log.error('a walk failed', error))
      .finally(() => {
        this.#isWalking = false
      })
  }

  async #walk(): Promise<void> {
    const { state, random, clock } = this.#context
    const last = this.#ends.at(-1)
    const peers = [...state.connections()].filter((connection) => takesPart(connection) && connection !== last)
    let here = peers[Math.floor(random.next() * peers.length)]
    let end: FlowConnection | undefined
    for (let step = 0; step < steps && here !== undefined; step++) {
      const next = await this.#step(here)
      if (next === undefined) break
      if (step > 0) this.#leave(here)
      here = end = next
    }
    // Without an end, or if that has left again, a next walk begins soon.
    if (end === undefined || end.ending !== undefined) return
    this.#staysUntil = clock.now() + staysMs
    const ends = [...this.#ends.filter(({ ending }) => ending === undefined), end]
    // Where the last end has left there may be room.
    const isFull = ends.length > 1 || state.active > state.band.expected
    const friend = isFull && ends.length <= Math.max(1, Math.floor(state.active / endsShare)) ? this.#friendOfFriend(ends) : undefined
    if (friend !== undefined) this.#leave(friend)
    else if (ends.length > 1) this.#leave(ends.shift() as FlowConnection)
    this.#ends = ends
  }

  /**
   * A peer that we dialed and whose introducer we are connected with, too: of the introducer with the most of them, the newest. Not one that came: it may
   * be the end of its own walk, whose introducer is connected with us of course.
   */
  #friendOfFriend(ends: readonly FlowConnection[]): FlowConnection | undefined {
    const { state, clock } = this.#context
    const bornBefore = clock.now() - settledAfterMs
    const counts = new Map<PeerId, number>()
    const found = [...state.connections()].filter(({ introducer }) => {
      if (introducer === undefined || state.connection(introducer) === undefined) return false
      counts.set(introducer, (counts.get(introducer) ?? 0) + 1)
      return true
    })
    const countOf = ({ introducer }: FlowConnection): number => counts.get(introducer as PeerId) ?? 0
    return found
      .filter(({ direction, startedAt, use }) => direction === 'outgoing' && startedAt < bornBefore && use === undefined)
      .filter((one) => !ends.includes(one) && !state.access.isTrusted(one.peerId, one.point))
      .sort((a, b) => countOf(b) - countOf(a) || b.startedAt - a.startedAt)[0]
  }

  /** Asks a peer for those that it introduces, and connects with one of them. */
  async #step(from: FlowConnection): Promise<FlowConnection | undefined> {
    if (!this.#exchange.ask(from) || !(await this.#waits(from))) return undefined
    for (let tries = 0; tries < maxTries; tries++) {
      const point = this.#choose(from.peerId)
      if (point === undefined) return undefined
      try {
        return await this.#exchange.mixing.dial(point, targetOf(point))
      } catch {
        // The attempt has its own event; the next one may be luckier.
      }
    }
    return undefined
  }

  /** False: the connection ended meanwhile. */
  #waits(from: FlowConnection): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#context.clock.schedule(answersWithinMs, () => resolve(from.ending === undefined))
      void from.closed.then(() => {
        cancel()
        resolve(false)
      })
    })
  }

  /** A point of this introducer, any of them. */
  #choose(introducer: PeerId): Point | undefined {
    const { state, random, network } = this.#context
    const found: Point[] = []
    for (const { point, failures, state: at } of state.points) {
      const isFree = introducerOf(point) === introducer && failures === 0 && at.kind === 'disconnected'
      if (isFree && state.connection(targetOf(point)) === undefined && network.canDial(point)) found.push(point)
    }
    return found[Math.floor(random.next() * found.length)]
  }

  #leave(connection: FlowConnection): void {
    const { access } = this.#context.state
    if (access.isTrusted(connection.peerId, connection.point)) return
    void connection.disconnect({ kind: 'too-many-connections' }, comeBackAfterMs)
  }
}

/** Peers that are private or plain, or that exchange no points, are not introduced and introduce nobody. */
export function takesPart({ discovery, isPrivate, kind }: FlowConnection): boolean {
  return discovery && !isPrivate && kind !== 'plain'
}

/** Text work, without `values/address.ts`: if this chunk imported that, bundlers would cut the first chunk in pieces. */
export function introducerOf(point: Point): PeerId | undefined {
  return point.startsWith('/p2p/') ? (point.split('/', 3)[2] as PeerId) : undefined
}

function targetOf(point: Point): PeerId {
  return point.slice(point.lastIndexOf('/') + 1) as PeerId
}
