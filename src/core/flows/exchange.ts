/**
 * Points between pools: asks with Bootstrap, answers with Advertise, tells peers when our own points change. The only
 * reader of pool messages of running connections. It registers what it hears and dials nothing: that is for maintenance.
 */
import { shareablePoints } from '../decisions/sharing.ts'
import { groupOfTeller } from '../values/address.ts'
import type { ExchangeMessage } from '../values/message.ts'
import type { Clock } from '../values/ports.ts'
import { wireCaps } from '../wire/caps.ts'
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import { parsePoints } from './handshake.ts'
import type { Swaps } from './swap.ts'
import { type BucketSize, TokenBucket } from './token-bucket.ts'

/** Points that one peer may tell us: one in ten seconds unasked, and as many as an answer holds for each question of ours. */
const toldPoints: BucketSize = { capacity: 2 * wireCaps.advertisePoints, perSecond: 0.1 }

/** Questions that one peer may ask. */
const questions: BucketSize = { capacity: 5, perSecond: 0.2 }

/** All peers of one address group together may do as much as so many, also one that comes back again and again. */
const groupFactor = 4
/** Groups remembered; the one that was first met goes first. */
const maxGroups = 1_024

/** What may still be told to us and asked of us. */
class Allowance {
  readonly told: TokenBucket
  readonly asked: TokenBucket

  constructor(clock: Clock, factor: number) {
    const sized = ({ capacity, perSecond }: BucketSize): BucketSize => ({ capacity: capacity * factor, perSecond: perSecond * factor })
    this.told = new TokenBucket(clock, sized(toldPoints))
    this.asked = new TokenBucket(clock, sized(questions))
  }
}

export class Exchange<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  /** Goes with the connection. */
  readonly #allowances = new WeakMap<Connection<Msg, ConnMeta>, Allowance>()
  readonly #groups = new Map<string, Allowance>()
  #swaps: Swaps<Msg, PeerMeta, ConnMeta> | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
  }

  /** Where swap messages go; set once, since a swap connects and a connection exchanges. */
  set swaps(swaps: Swaps<Msg, PeerMeta, ConnMeta>) {
    this.#swaps = swaps
  }

  /** A new connection: our points may have changed since our Hello was written. */
  established(connection: Connection<Msg, ConnMeta>): void {
    if (this.#context.state.active < this.#context.state.bounds.minTarget) this.ask(connection)
  }

  /** "Tell me points." False if the peer takes no part, or its link is behind. */
  ask(connection: Connection<Msg, ConnMeta>): boolean {
    const { config, network, events } = this.#context
    if (!config.discovery || !connection.discovery || connection.isPrivate) return false
    const sent = connection.sendExchange({ kind: 'bootstrap', transports: network.transports })
    if (sent) {
      for (const { told } of this.#allowancesOf(connection)) told.grant(wireCaps.advertisePoints)
      events.emit('bootstrap-sent', { peerId: connection.peerId })
    }
    return sent
  }

  /** Tells every peer where we can be reached now. */
  ownPointsChanged(): void {
    const { config, network, state } = this.#context
    if (!config.discovery || config.privateMode) return
    const ownPoints = network.ownPoints().slice(0, wireCaps.ownPoints)
    for (const connection of state.connections())
      if (connection.discovery) connection.sendExchange({ kind: 'advertise', points: [], ownPoints })
  }

  received(connection: Connection<Msg, ConnMeta>, message: ExchangeMessage): void {
    if (!this.#context.config.discovery) return
    switch (message.kind) {
      case 'bootstrap':
        this.#answer(connection, message.transports)
        return
      case 'advertise':
        this.#learn(connection, message.points, message.ownPoints)
        return
      case 'swap-request':
        void this.#swaps?.requested(connection, message)
        return
      case 'swap-ack':
        void this.#swaps?.acknowledged(connection, message)
        return
    }
  }

  #answer(connection: Connection<Msg, ConnMeta>, transports: readonly string[]): void {
    const { events, state, random, config } = this.#context
    const { peerId } = connection
    events.emit('bootstrap-received', { peerId })
    if (connection.isPrivate || config.privateMode || this.#take(connection, 'asked', 1) === 0) return
    const points = shareablePoints(state, { asker: connection, random, transports })
    if (points.length > 0 && connection.sendExchange({ kind: 'advertise', points, ownPoints: undefined })) {
      events.emit('advertise-sent', { peerId, points: points.length })
    }
  }

  #learn(connection: Connection<Msg, ConnMeta>, texts: readonly string[], ownTexts: readonly string[] | undefined): void {
    const { events, network, claims, state } = this.#context
    const { peerId, host, isPrivate } = connection
    if (ownTexts !== undefined)
      claims.learnOwn(parsePoints(network, ownTexts), {
        peerId,
        host,
        isPrivate,
        trusted: state.isTrusted(peerId, undefined)
      })
    const heard = texts.slice(0, this.#take(connection, 'told', texts.length))
    const taken = isPrivate ? 0 : claims.learn(parsePoints(network, heard), { peerId, host, medium: 'advertise' })
    const teller = state.peer(peerId)
    if (teller !== undefined) teller.own().served += taken
    events.emit('advertise-received', { peerId, points: texts.length, taken })
  }

  /** How many points the peer may tell us now; what is more is not taken. */
  mayTell(connection: Connection<Msg, ConnMeta>): number {
    return Math.min(...this.#allowancesOf(connection).map(({ told }) => told.left))
  }

  /** Takes up to `wanted` of what the peer and its group have left. */
  #take(connection: Connection<Msg, ConnMeta>, what: keyof Allowance, wanted: number): number {
    return this.#allowancesOf(connection).reduce((granted, allowance) => allowance[what].take(granted), wanted)
  }

  /** Its own, then that of its address group; on a local network there is none, nor where the host is not seen. */
  #allowancesOf(connection: Connection<Msg, ConnMeta>): readonly Allowance[] {
    const { clock } = this.#context
    const own = this.#allowances.get(connection) ?? new Allowance(clock, 1)
    this.#allowances.set(connection, own)
    const key = groupOfTeller(connection.host)
    if (key === undefined) return [own]
    const group = this.#groups.get(key) ?? new Allowance(clock, groupFactor)
    this.#groups.set(key, group)
    for (const oldest of this.#groups.keys()) {
      if (this.#groups.size <= maxGroups) break
      this.#groups.delete(oldest)
    }
    return [own, group]
  }
}
