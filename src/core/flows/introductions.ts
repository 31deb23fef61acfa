/**
 * Introductions: peers reach each other through a peer that both are connected with. Here is which peers may be introduced to each other and how often, and
 * what becomes of introduction points once their introducer has left. The network does the work (`Introductions` in `values/ports.ts`); only pools
 * with the option load this.
 *
 * An introduction costs three peers something: the introducer some KiB, the other two a WebRTC connection, of which a page makes only so many.
 * So each peer has an allowance for asking and one for being asked for, and nobody is introduced to us by one peer again and again.
 */
import type { findSlot } from '../decisions/admission-hello.ts'
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { PoolEvents } from '../values/events.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { IntroductionHandlers, Introductions } from '../values/ports.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import { Places } from './introduction-places.ts'
import type { BucketSize, TokenBucket } from './token-bucket.ts'
import { introducerOf, takesPart, Walk } from './walk.ts'

/** What one connected peer may have of us. */
const rates = {
  /** Introductions that it asks for. */
  asks: { capacity: 10, perSecond: 1 / 6 },
  /** Introductions of others to it. */
  guests: { capacity: 10, perSecond: 1 / 3 },
  /** Peers that it introduces to us. */
  brings: { capacity: 5, perSecond: 1 / 30 },
  /** Answers to Bootstrap: as `exchange.ts` has it. */
  answers: { capacity: 5, perSecond: 0.2 }
} as const satisfies Record<string, BucketSize>

/** Peers that one answer introduces. */
const maxNamed = 10

/** A peer that was introduced to us is connected by then, or does not come, ms. */
const comesWithinMs = 30_000
/** After so long a peer that was introduced to us makes room for the next one of its introducer, ms. */
const settledAfterMs = 60_000
/** It is asked not to come back before, ms. */
const comeBackAfterMs = 300_000
/** Peers whose introducer is remembered. */
const maxBrought = 256

/** Of so many connections one may be dialed through one introducer; two in any case, or a newcomer that knows one peer would not get its minimum. */
const dialedShare = 3
const minDialed = 2

/** Of so many connections one may come to us by one introducer; one in any case. */
const introducedShare = 10

type Rate = keyof typeof rates

interface Brought {
  readonly by: PeerId
  readonly at: number
  /** False: the introducer says so, and nobody else. */
  readonly isProved: boolean
}

/** Given, since an import would make the bundler divide the chunk that has them. */
export interface IntroducingParts {
  readonly TokenBucket: typeof TokenBucket
  readonly findSlot: typeof findSlot
}

export class Introducing implements IntroductionHandlers {
  readonly #context: FlowContext
  readonly #network: Introductions
  readonly #allowances = new WeakMap<FlowConnection, Partial<Record<Rate, TokenBucket>>>()
  /** They asked for points, and had no reservation with us yet. */
  readonly #early = new WeakSet<FlowConnection>()
  /** Of the introductions in progress through us. */
  readonly #places: Places
  /** Peers that were introduced to us, and their introducers. Those that did not come are dropped. */
  readonly #brought = new Map<PeerId, Brought>()

  readonly #parts: IntroducingParts

  /** Throws where the network introduces nobody. */
  constructor(context: FlowContext, exchange: Exchange, parts: IntroducingParts) {
    const { events, state, network } = context
    if (network.introductions === undefined) throw new Error('the network has no introductions')
    this.#context = context
    this.#network = network.introductions
    this.#parts = parts
    this.#places = new Places(context.clock)
    events.addEventListener('connection-opened', ({ detail }) => this.#opened(state.connection(detail.peerId)))
    events.addEventListener('bootstrap-received', ({ detail }) => this.#answer(state.connection(detail.peerId)))
    events.addEventListener('bootstrap-sent', ({ detail }) => this.#forgetNamed(detail.peerId))
    events.addEventListener('advertise-received', () => this.#limitShares())
    events.addEventListener('new-point', ({ detail }) => this.#learned(detail))
    for (const name of ['connection-closed', 'connection-lost', 'storage-loaded'] as const)
      events.addEventListener(name, () => this.#forget(state.points))
    // The point alone: most dials of a full network fail.
    for (const name of ['connection-failed', 'handshake-refused'] as const)
      events.addEventListener(name, ({ detail: { point } }) => {
        const info = point === undefined ? undefined : state.points.get(point)
        if (info !== undefined) this.#forget([info])
      })
    // Used when the server of a page is gone, hence loaded while it is there.
    import('./invitations.ts').catch(() => undefined)
    this.#guard(() => this.#network.allow(this), undefined)
    for (const connection of state.connections()) this.#opened(connection)
    exchange.mixing.walk = new Walk(context, exchange)
  }

  introduces(from: PeerId, to: PeerId, cut: () => void): (() => void) | undefined {
    const { state } = this.#context
    const [asker, guest] = [state.connection(from), state.connection(to)]
    if (asker === undefined || guest === undefined || from === to || !takesPart(asker) || !takesPart(guest)) return undefined
    if (!this.#places.isFree(asker) || !this.#take(asker, 'asks') || !this.#take(guest, 'guests')) return undefined
    return this.#places.take(asker, cut)
  }

  introduced(from: PeerId, by: PeerId): boolean {
    const { state, clock, network } = this.#context
    const introducer = state.connection(by)
    if (introducer === undefined || !takesPart(introducer) || state.connection(from) !== undefined) return false
    // The rest of the budget is for our own dials.
    if (state.access.peerBlock(from) !== undefined || (network.budget?.state ?? 'plenty') !== 'plenty') return false
    const now = clock.now()
    const trusted = state.access.isTrusted(from, undefined)
    // As it is judged once the newcomer's Hello has come.
    if (this.#parts.findSlot(state, { peerId: from, host: undefined, kind: 'page', trusted }).kind !== 'admit') return false
    const before = this.#broughtBy(by)
    const isFull = before.size >= shareOf(state)
    const mayReplace = [...before.values()].some((since) => since !== undefined && now - since >= settledAfterMs)
    if (!trusted && isFull && !mayReplace) return false
    if (!this.#take(introducer, 'brings')) return false
    // What another introducer has proved stays.
    if (this.#brought.get(from)?.isProved !== true) this.#noteBrought(from, { by, at: now, isProved: false })
    return true
  }

  proved(from: PeerId, by: PeerId): void {
    this.#noteBrought(from, { by, at: this.#context.clock.now(), isProved: true })
  }

  #noteBrought(from: PeerId, brought: Brought): void {
    this.#brought.delete(from)
    this.#brought.set(from, brought)
  }

  /** A newcomer asks as soon as it is connected, before it has a reservation. */
  reserved(guest: PeerId): void {
    const connection = this.#context.state.connection(guest)
    if (connection !== undefined && this.#early.delete(connection)) this.#answer(connection)
  }

  /** Beside the answer of the exchange: points through us, for a peer that may be introduced itself. At most ten, drawn at random. */
  #answer(asker: FlowConnection | undefined): void {
    if (asker === undefined || !takesPart(asker)) return
    if (this.#pointOf(asker.peerId) === undefined) this.#early.add(asker)
    else if (this.#take(asker, 'answers')) this.#name(asker)
  }

  #name(asker: FlowConnection): void {
    const { state, random } = this.#context
    const points: Point[] = []
    for (const connection of state.connections()) {
      const point = connection !== asker && takesPart(connection) ? this.#pointOf(connection.peerId) : undefined
      if (point !== undefined) points.splice(Math.floor(random.next() * (points.length + 1)), 0, point)
    }
    if (points.length > 0) asker.sendExchange({ kind: 'advertise', points: points.slice(0, maxNamed), ownPoints: undefined })
  }

  /** Where our peers reach this one through us, if it is there for others. */
  #pointOf(guest: PeerId): Point | undefined {
    return this.#guard(() => this.#network.pointOf(guest), undefined)
  }

  #opened(connection: FlowConnection | undefined): void {
    if (connection === undefined || !takesPart(connection)) return
    this.#guard(() => this.#network.reserve(connection.peerId), undefined)
    const { direction, peerId, point } = connection
    if (direction === 'outgoing') {
      connection.introducer = point && introducerOf(point)
      return
    }
    const brought = this.#brought.get(peerId)
    if (brought?.isProved === true && this.#context.clock.now() - brought.at <= comesWithinMs) {
      connection.introducer = brought.by
      this.#makeRoom(connection, brought.by)
    } else this.#brought.delete(peerId)
  }

  /**
   * An introducer has its share of our connections. Beyond it the newest takes the place of the oldest, which has had time to find others: a
   * newcomer that knows one peer alone must get in, and one that introduces all its friends to us gets no more by it. While we have fewer
   * connections than we expect there is a place for both. Trusted peers have places of their own.
   */
  #makeRoom(newest: FlowConnection, by: PeerId): void {
    const { state } = this.#context
    const held = [...this.#broughtBy(by)].filter(([peerId, since]) => since !== undefined && peerId !== newest.peerId)
    if (state.active <= state.band.expected || held.length < shareOf(state) || state.access.isTrusted(newest.peerId, newest.point)) return
    const [oldest] = held.sort(([, a = 0], [, b = 0]) => a - b)[0] ?? []
    void (oldest && state.connection(oldest)?.disconnect({ kind: 'too-many-connections' }, comeBackAfterMs))
  }

  /**
   * Unknown peers that came to us by this introducer, with the instant since when they are connected; `undefined`: on their way. Those that we dialed do
   * not count: they have a share of their own, and what an unknown peer asks for must not cost us a peer that we chose.
   */
  #broughtBy(introducer: PeerId): Map<PeerId, number | undefined> {
    const { state, clock } = this.#context
    const now = clock.now()
    const found = new Map<PeerId, number | undefined>()
    for (const [peerId, { by, at }] of this.#brought) {
      const connection = state.connection(peerId)
      const isHere = connection?.direction === 'incoming'
      if (!isHere && (connection !== undefined || now - at > comesWithinMs)) this.#brought.delete(peerId)
      else if (by === introducer && !state.access.isTrusted(peerId, connection?.point)) found.set(peerId, connection?.startedAt)
    }
    for (const oldest of this.#brought.keys()) {
      if (this.#brought.size <= maxBrought) break
      this.#brought.delete(oldest)
    }
    return found
  }

  /** The peers that one introduces it names itself, while it is connected: nobody else knows, and to nobody else does it mean anything. */
  #learned({ point, source }: PoolEvents['new-point']): void {
    const { state } = this.#context
    const introducer = introducerOf(point)
    const info = state.points.get(point)
    if (introducer === undefined || info === undefined || !this.#mayForget(info)) return
    if (introducer !== source || state.connection(introducer) === undefined) state.points.forget(point)
  }

  /** We hold as many peers by our own dials through one introducer as we may: others that it names must come by other peers, or to us. */
  #limitShares(): void {
    const { state } = this.#context
    const held = new Map<PeerId, number>()
    for (const { introducer, direction } of state.connections())
      if (introducer !== undefined && direction === 'outgoing') held.set(introducer, (held.get(introducer) ?? 0) + 1)
    for (const [introducer, count] of held)
      if (count >= Math.max(minDialed, Math.floor(state.active / dialedShare))) this.#forgetNamed(introducer, Number.POSITIVE_INFINITY)
  }

  /** It is asked again: peers that it named before may have left it. One that refused us stays known, with its back-off. */
  #forgetNamed(introducer: PeerId, maxFailures = 0): void {
    const { points } = this.#context.state
    const way = `/p2p/${introducer}/`
    for (const info of points)
      if (info.point.startsWith(way) && info.failures <= maxFailures && this.#mayForget(info)) points.forget(info.point)
  }

  /** Is it an introduction point that nobody uses, and that the operator did not name? */
  #mayForget(info: PointInfo): boolean {
    return info.point.startsWith('/p2p/') && isIdle(info)
  }

  /** Points whose introducer has left lead nowhere; so do those of a storage. One that is in use goes when its connection ends. */
  #forget(points: Iterable<PointInfo>): void {
    const { state } = this.#context
    for (const info of points) {
      const introducer = introducerOf(info.point)
      const isGone = introducer !== undefined && state.connection(introducer) === undefined
      if (isGone && this.#mayForget(info)) state.points.forget(info.point)
    }
  }

  #take(connection: FlowConnection, rate: Rate): boolean {
    const buckets = this.#allowances.get(connection) ?? {}
    this.#allowances.set(connection, buckets)
    buckets[rate] ??= new this.#parts.TokenBucket(this.#context.clock, rates[rate])
    return buckets[rate].take(1) === 1
  }

  /** What the network throws costs an introduction, not more. */
  #guard<T>(call: () => T, otherwise: T): T {
    try {
      return call()
    } catch (error) {
      this.#context.log.error('the introductions of the network threw', error)
      return otherwise
    }
  }
}

/** While we have fewer connections than we expect, two newcomers that the same peer invited get in. */
function shareOf({ active, band }: Pick<PoolView, 'active' | 'band'>): number {
  return Math.max(active < band.expected ? 2 : 1, Math.floor(active / introducedShare))
}

/** Nobody uses it, and the operator did not name it. */
function isIdle({ trusted, registered, discoverySource, state }: PointInfo): boolean {
  return !trusted && !registered && discoverySource !== 'operator' && state.kind === 'disconnected'
}
