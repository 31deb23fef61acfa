/**
 * Points between pools: asks with Bootstrap, answers with Advertise, tells peers when our own points change. The only
 * reader of pool messages of running connections. It registers what it hears and dials nothing: that is for maintenance.
 */
import { shareablePoints } from '../decisions/sharing.ts'
import type { ExchangeMessage } from '../values/message.ts'
import { wireCaps } from '../wire/caps.ts'
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import { parsePoints } from './handshake.ts'

export class Exchange<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
  }

  /** A new connection: our points may have changed since our Hello was written. */
  established(connection: Connection<Msg, ConnMeta>): void {
    if (this.#context.state.active < this.#context.config.bounds.minTarget) this.ask(connection)
  }

  /** "Tell me points." False if the peer takes no part, or its link is behind. */
  ask(connection: Connection<Msg, ConnMeta>): boolean {
    const { config, network, events } = this.#context
    if (!config.discovery || !connection.discovery || connection.isPrivate) return false
    const sent = connection.sendExchange({ kind: 'bootstrap', transports: network.transports })
    if (sent) events.emit('bootstrap-sent', { peerId: connection.peerId })
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
        this.#answer(connection, new Set(message.transports))
        return
      case 'advertise':
        this.#learn(connection, message.points, message.ownPoints)
        return
      case 'swap-request':
      case 'swap-ack':
        // Swaps are optional: who does not take part ignores them, as a private pool does.
        return
    }
  }

  #answer(connection: Connection<Msg, ConnMeta>, transports: ReadonlySet<string>): void {
    const { events, state, random, config } = this.#context
    const { peerId } = connection
    events.emit('bootstrap-received', { peerId })
    if (connection.isPrivate || config.privateMode) return
    const points = shareablePoints(state, { asker: connection, random, transports, size: wireCaps.nackPoints })
    if (points.length > 0 && connection.sendExchange({ kind: 'advertise', points, ownPoints: undefined })) {
      events.emit('advertise-sent', { peerId, points: points.length })
    }
  }

  #learn(connection: Connection<Msg, ConnMeta>, texts: readonly string[], ownTexts: readonly string[] | undefined): void {
    const { events, network, registry, state } = this.#context
    const { peerId, host, isPrivate } = connection
    if (ownTexts !== undefined)
      registry.learnOwn(parsePoints(network, ownTexts), { peerId, host, isPrivate, trusted: state.isTrusted(peerId, undefined) })
    const taken = isPrivate ? 0 : registry.learn(parsePoints(network, texts), { peerId, host, medium: 'advertise' })
    events.emit('advertise-received', { peerId, points: texts.length, taken })
  }
}
