/** `pool.connections`: the running connections, read-only. Functions of Octez' submodule `Connection`. */
import type { Connection } from '../flows/connection.ts'
import type { FlowContext } from '../flows/context.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { drawn } from '../values/random-order.ts'

/**
 * `pool.connections`: the running connections. Methods throw `PoolError` `invalid-point`, `invalid-peer-id` or `invalid-argument` for a
 * bad argument.
 */
export class Connections<Msg, ConnMeta> implements Iterable<[PeerId, Connection<Msg, ConnMeta>]> {
  readonly #context: FlowContext

  constructor(context: FlowContext) {
    this.#context = context
  }

  /** `[peerId, connection]` of each running connection, the longest established first. Octez: `fold`, `iter`. */
  *[Symbol.iterator](): IterableIterator<[PeerId, Connection<Msg, ConnMeta>]> {
    for (const connection of this.#running()) yield [connection.peerId, connection]
  }

  /** All running connections, the longest established first. Octez: `list`. */
  list(): Connection<Msg, ConnMeta>[] {
    return [...this.#running()]
  }

  /** The connection with this peer; `undefined`: none runs. */
  findByPeerId(peerId: PeerId): Connection<Msg, ConnMeta> | undefined {
    this.#context.take('connections.findByPeerId', peerId)
    return this.#of(peerId)
  }

  /** The connection with the peer at this point; `undefined`: none runs. */
  findByPoint(point: Point): Connection<Msg, ConnMeta> | undefined {
    this.#context.take('connections.findByPoint', point)
    const state = this.#context.state.points.get(point)?.state
    return state?.kind === 'running' ? this.#of(state.connection.peerId) : undefined
  }

  /**
   * A running connection's point and peer, drawn at random; only connections that have a point count. `noPrivate` leaves out
   * private peers. Octez: `random_addr`.
   */
  randomAddress(which: { differentThan?: PeerId | undefined; noPrivate: boolean }): { point: Point; peerId: PeerId } | undefined {
    const [{ differentThan, noPrivate }] = this.#context.take('connections.randomAddress', which)
    const found = this.list().flatMap(({ peerId, point, isPrivate }) =>
      point === undefined || peerId === differentThan || (noPrivate && isPrivate) ? [] : { point, peerId }
    )
    const [one] = drawn(found, this.#context.random)
    return one
  }

  /** The peer to offer a swap, and what: two different random connections, neither private. Octez: `propose_swap_request`. */
  proposeSwapRequest(): { point: Point; peerId: PeerId; recipient: Connection<Msg, ConnMeta> } | undefined {
    const willing = this.list().filter((connection) => !connection.isPrivate)
    const [recipient] = drawn(willing, this.#context.random)
    const offer = recipient && this.randomAddress({ differentThan: recipient.peerId, noPrivate: true })
    return offer && { ...offer, recipient }
  }

  #of(peerId: PeerId): Connection<Msg, ConnMeta> | undefined {
    return this.#context.state.connection(peerId) as Connection<Msg, ConnMeta> | undefined
  }

  /** With the application's types, which the flows do not know. */
  #running(): Iterable<Connection<Msg, ConnMeta>> {
    return this.#context.state.connections() as Iterable<Connection<Msg, ConnMeta>>
  }
}
