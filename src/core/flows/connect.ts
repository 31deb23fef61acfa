/**
 * One attempt from its first check to its end: the table "an attempt" of docs/architecture.md as code. A dial begins here and goes on in
 * `handshake.ts` once it has a link; an incoming link begins there. There is one deadline and one way out: `finally` ends an attempt that
 * made no connection and closes its link. Called by the pool for the application, by maintenance, and by swaps.
 */
import { checkDial, checkDialed, checkHostLimit } from '../decisions/admission.ts'
import type { AttemptRecord } from '../tables/attempt.ts'
import type { Outcome } from '../tables/outcome.ts'
import { soughtAt } from '../tables/point.ts'
import { readPoint } from '../values/address.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { Link } from '../values/ports.ts'
import { PoolError } from '../values/reason.ts'
import { outcomeOf, watch } from './attempt-end.ts'
import { closeLink } from './closing.ts'
import type { Connection } from './connection.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Handshakes } from './handshake.ts'
import { abortable } from './waits.ts'

/** What `connect` may be given. */
export interface ConnectOptions {
  /** Trust the point from now on. */
  readonly trusted?: boolean | undefined
  /** Only this peer may answer. */
  readonly expectedPeerId?: PeerId | undefined
  /** Dial and handshake together, ms. @default config.connectionTimeoutMs */
  readonly timeoutMs?: number
  /** Ends the attempt; nothing of it remains. */
  readonly signal?: AbortSignal | undefined
}

export class Connector {
  readonly #context: FlowContext
  readonly #handshakes: () => Promise<Handshakes>

  /** `handshakes`: loads it. A page dials before it is there. Rejects with `PoolError` if it cannot be loaded. */
  constructor(context: FlowContext, handshakes: () => Promise<Handshakes>) {
    this.#context = context
    this.#handshakes = handshakes
  }

  /**
   * The operator connects to a point: what the options say of it holds from now on, and its back-off is forgotten. Rejects with
   * `PoolError` `rejected` (or `table-full` for an unknown point that finds no place); the point is then as disconnected as before,
   * and the call may be repeated.
   */
  connect(point: Point, options: ConnectOptions): Promise<Connection> {
    return this.#dial(point, options, 'operator')
  }

  /**
   * The pool dials a point that it knows, by itself or on a peer's word. It writes nothing that is the operator's: `expectedPeerId`
   * holds for this attempt alone. Rejects as `connect`.
   */
  dial(point: Point, expectedPeerId?: PeerId, until?: AbortSignal): Promise<Connection> {
    return this.#dial(point, { expectedPeerId, signal: until }, 'pool')
  }

  async #dial(point: Point, options: ConnectOptions, by: 'operator' | 'pool'): Promise<Connection> {
    const { state, network, events, clock } = this.#context
    const known = state.points.get(point)
    const expectedPeerId = options.expectedPeerId ?? (known === undefined ? readPoint(point).target : soughtAt(known))
    options.signal?.throwIfAborted()
    const refusal =
      checkDial(state, point, expectedPeerId, options.trusted) ?? (by === 'pool' ? checkHostLimit(state, point, clock.now()) : undefined)
    if (refusal !== undefined) {
      events.emit('handshake-refused', { attempt: 0, direction: 'outgoing', point, peerId: expectedPeerId, rejection: refusal })
      throw PoolError.rejected(refusal)
    }
    const info = by === 'operator' ? state.points.wanted(point, options) : known
    if (info === undefined) throw PoolError.rejected({ kind: 'cancelled', detail: `${point} is not known any more` })
    return this.carryOut(state.beginOutgoing(info, expectedPeerId), options, (signal) => network.dial(point, { expectedPeerId, signal }))
  }

  /** Steps 2 to 8 of an attempt of ours that has begun, whatever gives its link. Rejects as `connect`. */
  async carryOut(
    attempt: AttemptRecord<FlowConnection>,
    { timeoutMs = this.#context.config.connectionTimeoutMs, signal }: Pick<ConnectOptions, 'timeoutMs' | 'signal'>,
    dial: (signal: AbortSignal) => Promise<Link>
  ): Promise<Connection> {
    const { state, clock } = this.#context
    const { point } = attempt
    const progress = watch(clock, attempt, { timeoutMs, signal })
    let outcome: Outcome | undefined
    let link: Link | undefined
    try {
      link = await dial(attempt.signal)
      state.prove(attempt, link.peerId)
      progress.step = 'hello'
      attempt.signal.throwIfAborted()
      const unwanted = checkDialed(state, link.peerId, attempt)
      if (unwanted !== undefined) throw PoolError.rejected(unwanted)
      const handshakes = await abortable(this.#handshakes(), attempt.signal)
      return await handshakes.finish(attempt, link, progress)
    } catch (error) {
      outcome = outcomeOf(error, { attempt, progress, link, state })
      throw outcome.kind === 'failed' ? PoolError.rejected(outcome.rejection, error) : error
    } finally {
      progress.done()
      if (attempt.connection === undefined) {
        if (outcome !== undefined) state.end(attempt, outcome)
        const why = outcome?.kind === 'failed' ? outcome.rejection.kind : undefined
        if (why === 'already-connected') state.locate(attempt)
        if (point !== undefined) {
          if (why === 'myself') state.points.addOwn(point)
          state.claims.failed(point)
        }
        if (link !== undefined) void closeLink(link, clock)
      }
    }
  }
}
