/**
 * Attempts: their record, how they end and what that says of the other side, and what `pool-state.ts`, their owner, keeps of those that
 * ended: back-offs, the results of our dials, and which address groups wasted handshakes.
 */
import type { Attempt, Direction, HandshakePlace, RunningConnection } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Random, Transport } from '../values/ports.ts'
import { type Ending, nackMotive, PoolError, type Rejection } from '../values/reason.ts'

/** Where an attempt stands. It only moves to the right, and is `ended` once. */
export type AttemptPhase = 'begun' | 'admitted' | 'running' | 'ended'

/** What changes of an attempt. */
export interface AttemptProgress<C> {
  phase: AttemptPhase
  point: Point | undefined
  peerId: PeerId | undefined
  waitsSince: number
  hasSlot: boolean
  /** The run of the peer's pool, from its Hello; known from `admit` on. */
  instance: string
  /** While it runs. */
  connection: C | undefined
}

/** Readonly but for its owner, who writes through `asOwner`. Anybody may cancel it. */
export class AttemptRecord<C extends RunningConnection = RunningConnection> implements Attempt, Readonly<AttemptProgress<C>> {
  readonly id: number
  readonly direction: Direction
  readonly startedAt: number
  readonly host: Host | undefined
  readonly transport: Transport
  readonly expectedPeerId: PeerId | undefined
  readonly place: HandshakePlace | undefined
  readonly phase: AttemptPhase = 'begun'
  readonly point: Point | undefined
  readonly peerId: PeerId | undefined
  readonly waitsSince: number
  readonly hasSlot: boolean
  readonly instance: string = ''
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
    const progress = this.asOwner()
    progress.phase = 'running'
    progress.connection = connection
    this.#controller = undefined
  }

  /** Makes the flow of the attempt end it with this rejection. The first call counts. */
  cancel(rejection: Rejection): void {
    this.#reason ??= PoolError.rejected(rejection)
    this.#controller?.abort(this.#reason)
  }
}

// How it ends.

/** How an attempt ended: it never ran, or it did. */
export type Outcome =
  | { readonly kind: 'failed'; readonly rejection: Rejection; readonly by: 'us' | 'them' }
  | { readonly kind: 'closed'; readonly ending: Ending; readonly comeBackAfterMs: number }

/** Rejections that say nothing against the point or peer: our own limits and choices, and a connection that is there already. */
export const ownReasons: ReadonlySet<Rejection['kind']> = new Set([
  'cancelled',
  'table-full',
  'too-many-connections',
  'too-many-handshakes',
  'host-dial-limit',
  'private-mode',
  'pending',
  'already-connected'
])

/** An incoming handshake in which the other side did not say what it had to, or was too slow while others waited. */
export function isSilence(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && ['timeout', 'link-lost', 'too-many-handshakes'].includes(outcome.rejection.kind)
}

/** A connection that the other side ended sooner than this counts as a failure, ms. */
const shortConnectionMs = 10_000

/** What an outcome tells the point. */
export function factsOf(
  outcome: Outcome,
  { ranForMs, reconnection }: { ranForMs: number; reconnection: Reconnection }
): { isShort: boolean; mayReturnSoon: boolean; rejection: Rejection | undefined; comeBackAfterMs: number } {
  const ending = outcome.kind === 'closed' ? outcome.ending : undefined
  return {
    isShort: ending !== undefined && ending.by !== 'us' && !isReplaced(ending) && ranForMs < shortConnectionMs,
    mayReturnSoon: ending !== undefined && (isWordless(ending) || ending.reason.kind === 'going-away'),
    rejection: outcome.kind === 'failed' ? outcome.rejection : undefined,
    comeBackAfterMs: comeBackAfterMs(outcome, reconnection)
  }
}

/** How long a peer without a known point is left alone, ms. */
export function waitAfter(outcome: Outcome, reconnection: Reconnection): number {
  return Math.max(reconnection.afterConnectionMs, comeBackAfterMs(outcome, reconnection))
}

/** Did one side say goodbye, or refuse? That holds at all addresses of the peer; a lost link may concern one address alone. */
export function isChoice(outcome: Outcome): boolean {
  if (outcome.kind === 'closed') return !isWordless(outcome.ending) && !isReplaced(outcome.ending)
  return outcome.rejection.kind === 'rejected-by-peer'
}

/** Another connection with the same peer took its place. */
function isReplaced({ reason: { kind } }: Ending): boolean {
  return kind === 'replaced'
}

/** Rejections of a peer that did not show itself to be a member of our network. */
const unproven: ReadonlySet<Rejection['kind']> = new Set(['fault', 'unexpected-peer-id', 'myself', 'unknown-network', 'no-common-version'])

/** Another peer answered than a claim had said: the claim was wrong, and nothing speaks against the point. */
export function isMisled(outcome: Outcome, point: { readonly expectedPeerId: PeerId | undefined } | undefined): boolean {
  if (outcome.kind === 'closed' || outcome.rejection.kind !== 'unexpected-peer-id') return false
  return point !== undefined && point.expectedPeerId !== outcome.rejection.expected
}

/** How long the other side asks us to stay away, ms; nothing where we ended the connection. A peer that is full now is full a second later, too. */
function comeBackAfterMs(outcome: Outcome, { afterConnectionMs }: Reconnection): number {
  if (outcome.kind === 'closed') return outcome.ending.by === 'us' ? 0 : outcome.comeBackAfterMs
  const { rejection } = outcome
  return rejection.kind === 'rejected-by-peer' && rejection.motive === nackMotive.tooManyConnections ? afterConnectionMs : 0
}

/** The events of an end. */
export function tellEnd(
  { id, direction, point, peerId }: Attempt,
  outcome: Outcome,
  emit: <Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]) => void
): void {
  if (outcome.kind === 'closed') {
    const name = outcome.ending.by === 'us' ? 'connection-closed' : 'connection-lost'
    if (peerId !== undefined) emit(name, { peerId, point, ending: outcome.ending })
    return
  }
  const { rejection } = outcome
  if (unproven.has(rejection.kind)) emit('authentication-failed', { attempt: id, point, peerId, rejection })
  emit(outcome.by === 'us' ? 'handshake-refused' : 'connection-failed', { attempt: id, direction, point, peerId, rejection })
}

/** How the other side broke the protocol; `undefined`: it did not. Time-outs, nacks and lost links are no faults. */
export function faultOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'closed' && outcome.ending.by !== 'us') return undefined
  const what = outcome.kind === 'failed' ? outcome.rejection : outcome.ending.reason
  return what.kind === 'fault' ? what.detail : undefined
}

/** What was lost in a sleep shows within this time after it, ms: what was closed at once, what answers no question a little later. */
const showsWithinMs = 15_000

/** A connection that our own sleep, or the network that was away, has cost: its point may be dialed again at once. */
export function endedAsleep(outcome: Outcome, { startedAt, awokeAt, now }: { startedAt: number; awokeAt: number; now: number }): boolean {
  return outcome.kind === 'closed' && startedAt < awokeAt && now - awokeAt <= showsWithinMs && isWordless(outcome.ending)
}

/** Nobody said goodbye: the link, the program, the machine or the network is gone. */
export function isWordless({ reason: { kind } }: Ending): boolean {
  return kind === 'lost' || kind === 'closed-by-peer'
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
}

/** Jitter keeps peers that lost each other at one instant from meeting again and again at one instant. */
export function backoffOf(
  { now, delayMs, mayReturnSoon = false }: Wait,
  { reconnection: { jitter, maxDelayMs }, random }: { reconnection: Reconnection; random: Random }
): Backoff {
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
