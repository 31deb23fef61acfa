/**
 * Exchanges points: asks with Bootstrap, answers with Advertise, tells peers when our own points change. Connections hand it all their
 * pool messages. It registers points and dials nothing: that is for maintenance.
 */
import { type Asker, shareablePoints } from '../decisions/advertisable-points.ts'
import { hostOf, sourceGroupOf } from '../values/address.ts'
import * as wireCaps from '../wire/caps.ts'
import { WireFault } from '../wire/fault.ts'
import type { ExchangeMessage, HelloMessage, UnknownMessage } from '../wire/schema.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import { parsePoints } from './hello.ts'
import type { Mixing } from './mixing.ts'
import { type BucketSize, Buckets } from './token-bucket.ts'

/** What one connection may send. docs/protocol.md repeats the figures; a test compares. */
export const maxRates = {
  /** Messages 4 to 7 together. More is a fault: a pool sends a few in a minute. What exceeds the other rates is ignored. */
  messages: { capacity: 200, perSecond: 20 },
  /** Points in Advertise: one in ten seconds unasked, and as many as an answer holds for each Bootstrap of ours. */
  points: { capacity: 2 * wireCaps.advertisePoints, perSecond: 0.1 },
  ownPoints: { capacity: 20, perSecond: 0.2 },
  bootstraps: { capacity: 5, perSecond: 0.2 },
  /** SwapRequest and SwapAck. */
  swaps: { capacity: 10, perSecond: 0.2 }
} as const satisfies Record<string, BucketSize>

/** All peers of one address group together may send so many times the points, own points and Bootstraps, a peer that reconnects included. */
export const groupFactor = 4
/** Groups remembered; the oldest goes first. */
const maxGroups = 1_024

type Rate = keyof typeof maxRates

/** What one connection, or one address group, may still send. */
type Allowance = Buckets<Rate>

export class Exchange {
  readonly #context: FlowContext
  readonly #groups = new Map<string, Allowance>()
  readonly mixing: Mixing

  constructor(context: FlowContext, mixing: Mixing) {
    this.#context = context
    this.mixing = mixing
  }

  /** There is a new connection: asks it for points while we have too few peers. */
  established(connection: FlowConnection): void {
    if (this.#context.state.active < this.#context.state.bounds.minTarget) this.ask(connection)
  }

  /** Is the peer's answer worth a question? */
  mayAsk({ discovery, isPrivate, kind }: FlowConnection): boolean {
    return this.#context.config.discovery && discovery && !isPrivate && kind !== 'plain'
  }

  /** Sends a Bootstrap; false if the peer takes no part, or its link is behind. */
  ask(connection: FlowConnection): boolean {
    const { network, events } = this.#context
    if (!this.mayAsk(connection)) return false
    if (!connection.sendExchange({ kind: 'bootstrap', transports: network.transports })) return false
    for (const allowance of this.#allowancesOf(connection)) allowance.of('points').grant(wireCaps.advertisePoints)
    events.emit('bootstrap-sent', { peerId: connection.peerId })
    return true
  }

  /** Tells every peer where we can be reached now. */
  ownPointsChanged(): void {
    const { config, network, state } = this.#context
    if (!config.discovery || config.privateMode) return
    const ownPoints = network.ownPoints().slice(0, wireCaps.ownPoints)
    for (const connection of state.connections())
      if (connection.discovery) connection.sendExchange({ kind: 'advertise', points: [], ownPoints })
  }

  /** Takes a pool message of a connection. Throws `WireFault` when the peer floods us. */
  received(connection: FlowConnection, message: ExchangeMessage | UnknownMessage): void {
    const allowance = this.#allowanceOf(connection)
    if (allowance.of('messages').take(1) === 0) {
      const { capacity, perSecond } = maxRates.messages
      throw new WireFault(`expected at most ${capacity} messages 4 to 7 or unknown at once, ${perSecond} a second`)
    }
    // Both sides take part, or neither.
    if (!this.#context.config.discovery || !connection.discovery || message.kind === 'unknown') return
    if (message.kind === 'bootstrap') this.#answer(connection, message.transports)
    else if (message.kind === 'advertise') this.#learn(connection, message.points, message.ownPoints)
    else if (allowance.of('swaps').take(1) === 0) return
    else if (message.kind === 'swap-request') void this.mixing.requested(connection, message)
    else void this.mixing.acknowledged(connection, message)
  }

  /**
   * Points for a peer that is refused because we are full. We remember it at the host where we see it, so that we may dial it later: where
   * all are full, a newcomer gets in by being dialed.
   */
  alternatives(asker: Asker, { transports, points, isPrivate, discovery }: HelloMessage): readonly string[] {
    const { config, state, network, random, sharingSeed: seed, clock } = this.#context
    if (!config.discovery) return []
    const { peerId, host } = asker
    const here = isPrivate || !discovery ? [] : parsePoints(network, points).filter(({ point }) => hostOf(point) === host)
    state.claims.learn(here, { peerId, host, discoverySource: 'hello' })
    return shareablePoints(state, { asker, network, random, transports, seed, now: clock.now() })
  }

  #answer(connection: FlowConnection, transports: readonly string[]): void {
    const { events, state, random, config, sharingSeed: seed, clock, network } = this.#context
    const { peerId } = connection
    events.emit('bootstrap-received', { peerId })
    if (connection.isPrivate || config.privateMode || this.#take(connection, 'bootstraps', 1) === 0) return
    const points = shareablePoints(state, { asker: connection, network, random, transports, seed, now: clock.now() })
    if (points.length > 0 && connection.sendExchange({ kind: 'advertise', points, ownPoints: undefined })) {
      events.emit('advertise-sent', { peerId, points: points.length })
    }
  }

  #learn(connection: FlowConnection, texts: readonly string[], ownTexts: readonly string[] | undefined): void {
    const { events, network, state } = this.#context
    const { peerId, host, isPrivate } = connection
    if (ownTexts !== undefined && this.#take(connection, 'ownPoints', 1) > 0) {
      const trusted = state.access.isTrusted(peerId, undefined)
      state.claims.learnOwn(parsePoints(network, ownTexts), { peerId, host, isPrivate, trusted })
    }
    const heard = texts.slice(0, this.#take(connection, 'points', texts.length))
    const taken = isPrivate ? 0 : state.claims.learn(parsePoints(network, heard), { peerId, host, discoverySource: 'advertise' })
    state.peers.noteServed(peerId, taken)
    events.emit('advertise-received', { peerId, points: texts.length, taken })
  }

  /** How many points the peer may advertise to us now; more are not taken. */
  mayAdvertise(connection: FlowConnection): number {
    return Math.min(...this.#allowancesOf(connection).map((allowance) => allowance.of('points').left))
  }

  /** Takes up to `wanted` of what the peer and its group have left. */
  #take(connection: FlowConnection, what: Rate, wanted: number): number {
    return this.#allowancesOf(connection).reduce((granted, allowance) => allowance.of(what).take(granted), wanted)
  }

  #allowanceOf(connection: FlowConnection): Allowance {
    connection.allowance ??= new Buckets(this.#context.clock, maxRates)
    return connection.allowance
  }

  /** Its own, then that of its address group. A local host has no group, nor has a host that we do not see. */
  #allowancesOf(connection: FlowConnection): readonly Allowance[] {
    const own = this.#allowanceOf(connection)
    const key = sourceGroupOf(connection.host)
    if (key === undefined) return [own]
    const group = this.#groups.get(key) ?? new Buckets(this.#context.clock, maxRates, groupFactor)
    this.#groups.set(key, group)
    for (const oldest of this.#groups.keys()) {
      if (this.#groups.size <= maxGroups) break
      this.#groups.delete(oldest)
    }
    return [own, group]
  }
}
