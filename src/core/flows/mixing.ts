/**
 * Mixes the network: two pools that are content swap a peer, and a content pool connects with an unknown peer. Swaps go on in the band
 * only, concern only peers that are not trusted, are tried once in `swapCooldownMs` however they end, and never decide which peers we hold: peers that
 * swap at every chance reach a twentieth of the connections, no more. `maintenance.ts` says when; `exchange.ts` brings what peers answer.
 */

import { pointsFor } from '../decisions/advertisable-points.ts'
import { isMet, obstacleOf } from '../decisions/candidates.ts'
import { isSpare, surplusByKind } from '../decisions/eviction.ts'
import { type ExploringOptions, mixedShare, planAfterExploring, planExploring } from '../decisions/exploring.ts'
import { readPoint } from '../values/address.ts'
import type { RunningConnection } from '../values/attempt.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { drawn } from '../values/random-order.ts'
import { messageOf } from '../values/reason.ts'
import type { MessageOf } from '../wire/schema.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import { parsePoints } from './hello.ts'

/** An ack that comes later than this answers nothing, ms. */
export const ackDeadlineMs = 60_000

/** Why a swap fails or is ignored: there is nothing that we can take, or nothing to give for it. */
const uselessOffer = 'the offer is of no use'

/** `Connector.dial`. */
type Dial = (point: Point, expectedPeerId: PeerId) => Promise<FlowConnection>

export class Mixing {
  readonly #context: FlowContext
  readonly dial: Dial
  /** Peers whose connection came by a swap or by exploring, the last one last: a twentieth of the connections. Those that left are dropped at the next look. */
  readonly #mixed = new Set<PeerId>()
  #lastAt = Number.NEGATIVE_INFINITY
  /** Our one open request. */
  #open: { readonly recipient: PeerId; readonly offered: PeerId; readonly at: number } | undefined
  #looks = 0
  /** Of a pool that is introduced to others; made in a chunk of its own. */
  walk: { start(): void } | undefined

  constructor(context: FlowContext, dial: Dial) {
    this.#context = context
    this.dial = dial
  }

  /**
   * Proposes a swap and chooses an unknown peer in turn; returns the point to dial, if any. Without an idle time there are swaps alone, for
   * a pool that does nothing by itself.
   */
  next(): Point | undefined {
    const { config, state } = this.#context
    const explores = config.maintenanceIdleMs !== null
    if ((!explores || this.#looks++ % 2 === 0) && this.#propose()) return undefined
    if (!explores) return undefined
    this.walk?.start()
    return planExploring(state, this.#options())
  }

  /** The peer that `next` chose is connected; returns the connections that make room for it. */
  met(connection: FlowConnection): readonly RunningConnection[] {
    const before = this.#running()
    this.#mixed.add(connection.peerId)
    return planAfterExploring(this.#context.state, connection, before)
  }

  /** Connections that came by a swap or by exploring, the last one last. */
  #running(): FlowConnection[] {
    const running: FlowConnection[] = []
    for (const peerId of this.#mixed) {
      const connection = this.#context.state.connection(peerId)
      if (connection === undefined) this.#mixed.delete(peerId)
      else running.push(connection)
    }
    return running
  }

  /** Offers one of our peers to another, if it is time; false if not. */
  #propose(): boolean {
    const { state, random, events, clock } = this.#context
    if (this.#whyNot() !== undefined) return false
    const willing = [...state.connections()].filter((connection) => !connection.isPrivate && connection.discovery)
    const [recipient] = drawn(willing, random)
    const offer = recipient && this.#giveable(recipient)
    if (recipient === undefined || offer === undefined) return false
    if (!recipient.sendExchange({ kind: 'swap-request', ...offer })) return false
    this.#lastAt = clock.now()
    this.#open = { recipient: recipient.peerId, offered: offer.peerId, at: clock.now() }
    events.emit('swap-request-sent', { peerId: recipient.peerId })
    return true
  }

  async requested(from: FlowConnection, message: MessageOf<'swap-request'>): Promise<void> {
    const { events, clock } = this.#context
    events.emit('swap-request-received', { peerId: from.peerId })
    const why = from.isPrivate ? 'it is private' : this.#whyNot()
    // An offer that we do not take teaches us nothing: else offers would be one more way to fill the table.
    const given = why === undefined ? this.#giveable(from) : undefined
    const offered = given === undefined ? undefined : this.#read(from, message)
    if (given === undefined || offered === undefined) {
      events.emit('swap-request-ignored', { peerId: from.peerId, why: why ?? uselessOffer })
      return
    }
    this.#lastAt = clock.now()
    if (!from.sendExchange({ kind: 'swap-ack', ...given })) return
    events.emit('swap-ack-sent', { peerId: from.peerId })
    await this.#trade(from, offered, given.peerId)
  }

  async acknowledged(from: FlowConnection, message: MessageOf<'swap-ack'>): Promise<void> {
    const { events, clock } = this.#context
    events.emit('swap-ack-received', { peerId: from.peerId })
    const open = this.#open
    if (open === undefined || open.recipient !== from.peerId || clock.now() - open.at > ackDeadlineMs) {
      this.#failed(from, 'not asked')
      return
    }
    this.#open = undefined
    const given = this.#read(from, message)
    if (given === undefined) this.#failed(from, uselessOffer)
    else await this.#trade(from, given, open.offered)
  }

  /** Connects with the new one, who must be who was named, and only then leaves the old one. */
  async #trade(from: FlowConnection, wanted: { point: Point; peerId: PeerId }, given: PeerId): Promise<void> {
    const { events, state } = this.#context
    try {
      await this.dial(wanted.point, wanted.peerId)
      this.#mixed.add(wanted.peerId)
      const old = state.connection(given)
      const mayGo = old !== undefined && !state.access.isTrusted(old.peerId, old.point) && isSpare(old, surplusByKind(state))
      if (mayGo) await old.disconnect({ kind: 'swapped' })
      events.emit('swap-success', { peerId: from.peerId, gained: wanted.peerId })
    } catch (error) {
      this.#failed(from, messageOf(error))
    }
  }

  #failed({ peerId }: FlowConnection, why: string): void {
    this.#context.events.emit('swap-failure', { peerId, why })
  }

  #options(): ExploringOptions {
    const { clock, network, random } = this.#context
    return { now: clock.now(), random, canDial: (point) => network.canDial(point) }
  }

  #whyNot(): string | undefined {
    const { config, state, clock } = this.#context
    if (config.swapCooldownMs === null || config.privateMode || !config.discovery) return 'swaps are off'
    const isTooSoon = clock.now() - this.#lastAt < config.swapCooldownMs
    return isTooSoon || this.#running().length >= Math.floor(state.active / mixedShare) ? 'enough swaps' : undefined
  }

  /** A public, untrusted peer of ours other than that one, at a point that may be advertised to it; one that nothing else uses, if there is one. */
  #giveable(recipient: FlowConnection): { point: Point; peerId: PeerId } | undefined {
    const { state, random, sharingSeed: seed, clock, network } = this.#context
    const allowed = new Set<Point | undefined>(pointsFor(state, { asker: recipient, network, random, seed, now: clock.now() }))
    const found: { point: Point; peerId: PeerId }[] = []
    const unused: typeof found = []
    const surplus = surplusByKind(state)
    for (const connection of state.connections()) {
      const { peerId, isPrivate } = connection
      if (isPrivate || peerId === recipient.peerId || state.access.isTrusted(peerId, connection.point)) continue
      // Where the recipient cannot reach it otherwise, it may through us.
      const point = allowed.has(connection.point) ? connection.point : network.introductions?.pointOf(peerId)
      if (point !== undefined && isSpare(connection, surplus)) (connection.use === undefined ? unused : found).push({ point, peerId })
    }
    const [one] = drawn(unused.length > 0 ? unused : found, random)
    return one
  }

  /**
   * What an unknown peer offers, if we could take it: a point that may be advertised, of a peer that we do not hold. Not a point about which the
   * operator or a proof has said something: that is dialed for their sake, and not because an unknown peer says so.
   */
  #read(from: FlowConnection, message: { point: string; peerId: string }): { point: Point; peerId: PeerId } | undefined {
    const { network, state } = this.#context
    const [parsed] = parsePoints(network, [message.point])
    if (parsed === undefined || !state.claims.mayAdvertise(from.host, readPoint(parsed.point))) return undefined
    const peerId = network.tryParsePeerId(message.peerId)
    if (peerId === undefined || peerId === state.peerId || (parsed.expectedPeerId ?? peerId) !== peerId) return undefined
    if (state.connection(peerId) !== undefined || state.access.peerBlock(peerId) !== undefined) return undefined
    const known = state.points.get(parsed.point)
    if (known !== undefined && (isMet(known) || known.expectedPeerId !== known.target)) return undefined
    state.claims.learn([parsed], { peerId: from.peerId, host: from.host, discoverySource: 'swap' })
    const info = state.points.get(parsed.point)
    if (info === undefined || obstacleOf(state, info, this.#options()) !== undefined) return undefined
    return { point: parsed.point, peerId }
  }
}
