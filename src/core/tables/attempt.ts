/**
 * Attempts: their record, and what `pool-state.ts`, their owner, keeps of those that ended: back-offs, the results of our dials, and
 * which address groups wasted handshakes. How an attempt ends is in `outcome.ts`.
 */
import type { Attempt, Direction, HandshakePlace, RunningConnection } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Random, Transport } from '../values/ports.ts'
import { PoolError, type Rejection } from '../values/reason.ts'
import type { Reconnection } from '../values/settings.ts'

/** Where an attempt stands. It only moves to the right, and is `ended` once. */
export type AttemptPhase = 'begun' | 'admitted' | 'running' | 'ended'

/** What changes of an attempt. */
export type AttemptProgress<C extends RunningConnection> = {
  -readonly [Name in 'phase' | 'point' | 'peerId' | 'waitsSince' | 'hasSlot' | 'place' | 'instance' | 'connection']: AttemptRecord<C>[Name]
}

/** Readonly but for its owner, who writes through `asOwner`. Anybody may cancel it. */
export class AttemptRecord<C extends RunningConnection = RunningConnection> implements Attempt {
  readonly id: number
  readonly direction: Direction
  readonly startedAt: number
  readonly host: Host | undefined
  readonly transport: Transport
  readonly expectedPeerId: PeerId | undefined
  /** Of the handshake alone. */
  readonly place: HandshakePlace | undefined
  readonly phase: AttemptPhase = 'begun'
  readonly point: Point | undefined
  readonly peerId: PeerId | undefined
  readonly waitsSince: number
  readonly hasSlot: boolean
  readonly instance: string = ''
  /** While it runs. */
  readonly connection: C | undefined = undefined
  /** Made when it is asked for. Dropped once the attempt runs: nobody listens to the signal any more. */
  #controller: AbortController | undefined
  /** Why it was cancelled. */
  #reason: PoolError | undefined

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

  asOwner(): AttemptProgress<C> {
    return this
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  /** From now on it is a running connection. */
  settle(connection: C): void {
    Object.assign(this.asOwner(), { phase: 'running', connection, place: undefined } satisfies Partial<AttemptProgress<C>>)
    this.#controller = undefined
  }

  /** Makes the flow of the attempt end it with this rejection. The first call counts. */
  cancel(rejection: Rejection): void {
    this.#reason ??= PoolError.rejected(rejection)
    this.#controller?.abort(this.#reason)
  }
}

// How long a point or a peer is left alone then. Made by the transitions of `point.ts` and by `pool-state.ts`; `decisions/candidates.ts`
// says which of the two instants counts. Memory only.

/** Until when a point or peer is not dialed; monotonic, ms. */
export interface Backoff {
  /** Before it maintenance does not dial. */
  readonly until: number
  /** The same while it is urgent: for a trusted point, and for a proven one below the minimum. Never later than `until`. */
  readonly urgentUntil: number
}

export const noBackoff: Backoff = Object.freeze({ until: Number.NEGATIVE_INFINITY, urgentUntil: Number.NEGATIVE_INFINITY })

/** The wait after a connection was lost, while it is urgent, ms: a server that restarts is back by then. */
const urgentAfterLossMs = 5_000
/** No urgent wait is longer, ms; with the usual jitter of a fifth that is a minute. */
export const maxUrgentMs = 50_000

export interface Wait {
  /** Monotonic, ms. */
  readonly now: number
  readonly delayMs: number
  /** A connection has broken, or its peer restarts. */
  readonly mayReturnSoon?: boolean
  readonly reconnection: Reconnection
  readonly random: Random
}

/** Jitter keeps peers that lost each other at one instant from meeting again and again at one instant. */
export function backoffOf({ now, delayMs, mayReturnSoon = false, reconnection: { jitter, maxDelayMs }, random }: Wait): Backoff {
  const spread = 1 + jitter * (2 * random.next() - 1)
  const until = now + Math.min(delayMs, maxDelayMs) * spread
  const urgentMs = Math.min(delayMs, mayReturnSoon ? urgentAfterLossMs : maxUrgentMs)
  return { until, urgentUntil: Math.min(until, now + urgentMs * spread) }
}

/** What is expected of the first dials; under a third succeed where this was measured (Lodestar). */
const firstSuccessRate = 0.33
/** Of the last dial in the rate. */
const lastDialWeight = 1 / 8

/** The results of our latest dials, which decisions read through the view. Memory only. */
export class DialRecord {
  /** The share of our dials that became connections, the latest counting most; above 0, up to 1. */
  successRate = firstSuccessRate
  /** Outgoing attempts that failed one after the other, with no answer of a peer since. */
  failuresInARow = 0
  /** Monotonic instant of the last of them. */
  lastFailureAt = Number.NEGATIVE_INFINITY

  failed(now: number): void {
    this.failuresInARow++
    this.lastFailureAt = now
    this.successRate -= this.successRate * lastDialWeight
  }

  succeeded(): void {
    this.successRate += (1 - this.successRate) * lastDialWeight
  }

  /** A peer proved its id, so our network works, whatever came of the attempt. */
  answered(): void {
    this.failuresInARow = 0
  }
}

/** A group without another failure is forgotten after this, ms. */
const silenceMs = 60_000
/** Far more than there are places; the one that was noted first goes first. */
const maxSilentGroups = 256

/** How many incoming handshakes of an address group failed lately: groups that waste handshakes make room first. Memory only. */
export class Silences {
  /** By group, the latest last. */
  readonly #groups = new Map<string, { count: number; at: number }>()

  note(group: string, now: number): void {
    const count = this.countOf(group, now) + 1
    this.#groups.delete(group)
    if (this.#groups.size >= maxSilentGroups) for (const oldest of this.#groups.keys()) if (this.#groups.delete(oldest)) break
    this.#groups.set(group, { count, at: now })
  }

  countOf(group: string, now: number): number {
    const entry = this.#groups.get(group)
    return entry === undefined || now - entry.at > silenceMs ? 0 : entry.count
  }
}
