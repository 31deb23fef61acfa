/**
 * Swaps: two pools that are content give each other a peer, so that the network mixes. Only in the band, only peers that
 * are not trusted, at most one try per linger however it ends, and never so many that swaps decide whom we hold: strangers
 * who swap whenever they may reach a twentieth of the connections, no more. Called by `exchange.ts` and `maintenance.ts`.
 */
import type { PeerId, Point } from '../values/ids.ts'
import type { SwapAckMessage, SwapRequestMessage } from '../values/message.ts'
import { PoolError } from '../values/reason.ts'
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import { parsePoints } from './handshake.ts'

/**
 * Connections that came by a swap: at most one in so many. With one in ten, two hostile peers of fifty had 13 to 15 % after an
 * hour (`npm run sim -- --scenario swappers`): theirs by swap, and they themselves.
 */
const swappedShare = 20

/** An ack that comes later than this answers nothing, ms. */
const ackDeadlineMs = 60_000

/** Makes the connection that a swap brings. */
type Connect<Msg, ConnMeta> = (point: Point, expectedPeerId: PeerId) => Promise<Connection<Msg, ConnMeta>>

export class Swaps<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #connect: Connect<Msg, ConnMeta>
  /** Peers whose connection came by a swap; at most a twentieth of the connections, those that left are dropped on the next look. */
  readonly #swapped = new Set<PeerId>()
  #lastAt = Number.NEGATIVE_INFINITY
  /** Our one open request. */
  #open: { readonly recipient: PeerId; readonly offered: PeerId; readonly at: number } | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, connect: Connect<Msg, ConnMeta>) {
    this.#context = context
    this.#connect = connect
  }

  /** Offers one of our peers to another, if it is time. Called by maintenance in the band. */
  propose(): void {
    const { state, random, events, clock } = this.#context
    if (this.#whyNot() !== undefined) return
    const willing = [...state.connections()].filter((connection) => !connection.isPrivate && connection.discovery)
    const recipient = willing[Math.floor(random.next() * willing.length)]
    const offer = recipient === undefined ? undefined : this.#giveable(recipient.peerId)
    if (recipient === undefined || offer === undefined) return
    if (!recipient.sendExchange({ kind: 'swap-request', ...offer })) return
    this.#lastAt = clock.now()
    this.#open = { recipient: recipient.peerId, offered: offer.peerId, at: clock.now() }
    events.emit('swap-request-sent', { peerId: recipient.peerId })
  }

  async requested(from: Connection<Msg, ConnMeta>, message: SwapRequestMessage): Promise<void> {
    const { events, clock } = this.#context
    events.emit('swap-request-received', { peerId: from.peerId })
    const offered = this.#read(from, message)
    const given = this.#giveable(from.peerId)
    const why = from.isPrivate
      ? 'the peer is private'
      : (this.#whyNot() ?? (offered === undefined ? 'the offer is of no use' : given === undefined ? 'nothing to give' : undefined))
    if (why !== undefined || offered === undefined || given === undefined) {
      events.emit('swap-request-ignored', { peerId: from.peerId, why: why ?? 'nothing to give' })
      return
    }
    this.#lastAt = clock.now()
    if (!from.sendExchange({ kind: 'swap-ack', ...given })) return
    events.emit('swap-ack-sent', { peerId: from.peerId })
    await this.#trade(from, offered, given.peerId)
  }

  async acknowledged(from: Connection<Msg, ConnMeta>, message: SwapAckMessage): Promise<void> {
    const { events, clock } = this.#context
    events.emit('swap-ack-received', { peerId: from.peerId })
    const open = this.#open
    if (open === undefined || open.recipient !== from.peerId || clock.now() - open.at > ackDeadlineMs) {
      events.emit('swap-failure', { peerId: from.peerId, why: 'nothing was asked of that peer' })
      return
    }
    this.#open = undefined
    const given = this.#read(from, message)
    if (given === undefined) events.emit('swap-failure', { peerId: from.peerId, why: 'what was given is of no use' })
    else await this.#trade(from, given, open.offered)
  }

  /** Connects with the new one, who must be who was named, and only then leaves the old one. */
  async #trade(from: Connection<Msg, ConnMeta>, wanted: { point: Point; peerId: PeerId }, given: PeerId): Promise<void> {
    const { events, state } = this.#context
    try {
      await this.#connect(wanted.point, wanted.peerId)
      this.#swapped.add(wanted.peerId)
      const old = state.connection(given)
      if (old !== undefined && !state.isTrusted(old.peerId, old.point)) await old.disconnect({ kind: 'swapped' })
      events.emit('swap-success', { peerId: from.peerId, gained: wanted.peerId })
    } catch (error) {
      events.emit('swap-failure', { peerId: from.peerId, why: error instanceof PoolError ? error.message : String(error) })
    }
  }

  #whyNot(): string | undefined {
    const { config, state, clock } = this.#context
    if (config.swapLingerMs === null || config.privateMode || !config.discovery) return 'swaps are switched off'
    if (clock.now() - this.#lastAt < config.swapLingerMs) return 'the last swap is too fresh'
    for (const peerId of this.#swapped) if (state.connection(peerId) === undefined) this.#swapped.delete(peerId)
    if (this.#swapped.size >= Math.floor(state.active / swappedShare)) return 'enough connections came by swaps'
    return undefined
  }

  /** A public, untrusted peer of ours other than that one. */
  #giveable(differentThan: PeerId): { point: Point; peerId: PeerId } | undefined {
    const { state, random } = this.#context
    const found: { point: Point; peerId: PeerId }[] = []
    for (const { peerId, point, isPrivate } of state.connections()) {
      if (point === undefined || isPrivate || peerId === differentThan || state.isTrusted(peerId, point)) continue
      if (state.point(point)?.isPublic === true) found.push({ point, peerId })
    }
    return found[Math.floor(random.next() * found.length)]
  }

  /** What a stranger offers, if we could take it: a point that may be told, of a peer that we do not hold. */
  #read(from: Connection<Msg, ConnMeta>, message: { point: string; peerId: string }): { point: Point; peerId: PeerId } | undefined {
    const { network, registry, state } = this.#context
    const [parsed] = parsePoints(network, [message.point])
    if (parsed === undefined || !registry.mayTell(from.host, parsed.point) || !network.canDial(parsed.point)) return undefined
    let peerId: PeerId
    try {
      peerId = network.parsePeerId(message.peerId)
    } catch {
      return undefined
    }
    if (peerId === state.peerId || state.connection(peerId) !== undefined || state.peerBar(peerId) !== undefined) return undefined
    registry.learn([parsed], { peerId: from.peerId, host: from.host, medium: 'swap' })
    const info = state.point(parsed.point)
    return info?.state.kind === 'disconnected' ? { point: parsed.point, peerId } : undefined
  }
}
