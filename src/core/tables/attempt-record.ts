/** The attempt itself, as its owner `pool-state.ts` writes it. Everybody else sees `Attempt`. */
import type { Attempt, Direction, HandshakePlace, RunningConnection } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Transport } from '../values/ports.ts'
import { PoolError, type Rejection } from '../values/reason.ts'

/** Where an attempt stands; it only moves to the right, and `ended` is reached once. */
export type AttemptPhase = 'begun' | 'admitted' | 'running' | 'ended'

export class AttemptRecord<C extends RunningConnection = RunningConnection> implements Attempt {
  readonly id: number
  readonly direction: Direction
  readonly startedAt: number
  readonly host: Host | undefined
  readonly transport: Transport
  readonly expectedPeerId: PeerId | undefined
  readonly place: HandshakePlace | undefined
  /** Made when it is asked for; given up once it runs, since whoever carried it out has let go of the signal. */
  #controller: AbortController | undefined
  /** Why it was cancelled. */
  #reason: PoolError | undefined
  point: Point | undefined
  peerId: PeerId | undefined
  waitsSince: number
  hasSlot: boolean
  phase: AttemptPhase = 'begun'
  /** The run of the peer's pool, from its Hello; known from `admit` on. */
  instance = ''
  connection: C | undefined = undefined

  constructor(
    id: number,
    start: Pick<Attempt, 'direction' | 'startedAt' | 'host' | 'transport'> &
      Partial<Pick<Attempt, 'expectedPeerId' | 'place' | 'point' | 'peerId' | 'hasSlot'>>
  ) {
    this.id = id
    this.direction = start.direction
    this.startedAt = start.startedAt
    this.waitsSince = start.startedAt
    this.host = start.host
    this.transport = start.transport
    this.expectedPeerId = start.expectedPeerId
    this.place = start.place
    this.point = start.point
    this.peerId = start.peerId
    this.hasSlot = start.hasSlot === true
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  /** From now on it is a running connection. */
  settle(connection: C): void {
    this.phase = 'running'
    this.connection = connection
    this.#controller = undefined
  }

  /** Makes whoever carries the attempt out end it with this rejection. The first call counts. */
  cancel(rejection: Rejection): void {
    this.#reason ??= PoolError.rejected(rejection)
    this.#controller?.abort(this.#reason)
  }
}
