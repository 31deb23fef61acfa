/**
 * How an attempt ends, and what follows from it for its point and its peer. `consequencesOf` decides all of that before anything is
 * changed; `PoolState.end` writes it down.
 */
import type { Attempt } from '../values/attempt.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { PeerId } from '../values/ids.ts'
import { type Ending, nackMotive, type Rejection } from '../values/reason.ts'
import type { Reconnection } from '../values/settings.ts'

/** How an attempt ended: it never ran, or it did. */
export type Outcome =
  | { readonly kind: 'failed'; readonly rejection: Rejection; readonly by: 'us' | 'them' }
  | { readonly kind: 'closed'; readonly ending: Ending; readonly comeBackAfterMs: number }

/** What the state knows when an attempt ends. */
export interface Circumstances {
  readonly attempt: Pick<Attempt, 'startedAt' | 'peerId'>
  /** Who is expected at the point, by the operator's word. `undefined`: the attempt has no point. */
  readonly point: { readonly expectedPeerId: PeerId | undefined } | undefined
  /** Monotonic instant since when the connection ran; `undefined`: it never ran. */
  readonly ranSince: number | undefined
  /** Connections that run besides. While there are any, our own network works. */
  readonly active: number
  /** Monotonic instant of the last resume. */
  readonly awokeAt: number
  readonly now: number
  readonly reconnection: Reconnection
}

/** What follows from the end of an attempt. */
export type Consequences = ReturnType<typeof consequencesOf>

/** Rejections that say nothing against the point or peer: our own limits and choices, and a connection that is there already. */
const ownReasons: ReadonlySet<Rejection['kind']> = new Set([
  'cancelled',
  'table-full',
  'too-many-connections',
  'too-many-handshakes',
  'host-dial-limit',
  'private-mode',
  'pending',
  'already-connected'
])

/** Rejections that one side chose, of the peer itself. */
const choices: ReadonlySet<Rejection['kind']> = new Set(['rejected-by-peer', 'not-admitted'])
/** Motives of a Nack that still hold after a second. */
const lasting: readonly number[] = [nackMotive.tooManyConnections, nackMotive.notAdmitted]

/** A connection that the other side ended sooner than this counts as a failure, ms. */
const shortConnectionMs = 10_000

/** What was lost in a sleep shows within this time after it, ms: what was closed at once, what answers no question a little later. */
const showsWithinMs = 15_000

export function consequencesOf(outcome: Outcome, { attempt, point, ranSince, active, awokeAt, now, reconnection }: Circumstances) {
  /** How the connection ended. `undefined`: it never ran. */
  const ending = outcome.kind === 'closed' ? outcome.ending : undefined
  /** Why the attempt failed. `undefined`: it ran. */
  const rejection = outcome.kind === 'failed' ? outcome.rejection : undefined
  /** Did the operator or our pool end it? */
  const byUs = (outcome.kind === 'failed' ? outcome.by : outcome.ending.by) === 'us'
  /** Another peer answered than a claim had said: the claim was wrong, and nothing speaks against the point. */
  const isMisled = rejection?.kind === 'unexpected-peer-id' && point !== undefined && point.expectedPeerId !== rejection.expected
  /** False: it ended for reasons of our own, which is no failure of the other side. */
  const counts = ranSince !== undefined || (rejection !== undefined && !isMisled && !ownReasons.has(rejection.kind))
  /** A peer was there: our network works. */
  const answered = rejection !== undefined && (attempt.peerId !== undefined || rejection.kind === 'unexpected-peer-id')
  const isLost = ending !== undefined && isWordless(ending)
  const endedAsleep = isLost && attempt.startedAt < awokeAt && now - awokeAt <= showsWithinMs
  const wasReplaced = ending?.reason.kind === 'replaced'
  return {
    ...{ ending, rejection, byUs, isMisled, counts, answered },
    /** As `counts`, and the other side waits for its next dial. False also for a connection that our own sleep has cost. */
    backsOff: counts && !endedAsleep,
    /** False: nobody answered and no other connection works, so it may be our own network. The back-off stays as it is. */
    grows: answered || active > 0,
    /** One side said goodbye or refused. That holds at all addresses of the peer; a lost link may concern one address alone. */
    isChoice: ending === undefined ? rejection !== undefined && choices.has(rejection.kind) : !isLost && !wasReplaced,
    /** Did the other side end the connection within ten seconds? */
    isShort: !byUs && ranSince !== undefined && !wasReplaced && now - ranSince < shortConnectionMs,
    /** The link broke, or the peer restarts: it may be back in seconds. */
    mayReturnSoon: isLost || ending?.reason.kind === 'going-away',
    /** The peer asks for it, or a policy says so: no dial before that many ms. */
    comeBackAfterMs: comeBackAfterMs(outcome, reconnection)
  }
}

/** How long the other side asks us to stay away, or the application does, ms; nothing where we ended the connection. A peer that is full now is full a second later, too. */
function comeBackAfterMs(outcome: Outcome, { afterConnectionMs }: Reconnection): number {
  if (outcome.kind === 'closed') return outcome.ending.by === 'us' ? 0 : outcome.comeBackAfterMs
  const { rejection } = outcome
  return choices.has(rejection.kind) && !('motive' in rejection && !lasting.includes(rejection.motive)) ? afterConnectionMs : 0
}

/** An incoming handshake in which the other side did not say what it had to, was too slow while others waited, or that the application refused. */
export function isSilence(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && ['timeout', 'link-lost', 'too-many-handshakes', 'not-admitted'].includes(outcome.rejection.kind)
}

/** Nobody said goodbye: the link, the program, the machine or the network is gone. */
export function isWordless({ reason: { kind } }: Ending): boolean {
  return kind === 'lost' || kind === 'closed-by-peer'
}

/** How the other side broke the protocol; `undefined`: it did not. Time-outs, nacks and lost links are no faults. */
export function faultOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'closed' && outcome.ending.by !== 'us') return undefined
  const what = outcome.kind === 'failed' ? outcome.rejection : outcome.ending.reason
  return what.kind === 'fault' ? what.detail : undefined
}

/** Rejections of a peer that did not show itself to be a member of our network. */
const unproven: ReadonlySet<Rejection['kind']> = new Set(['fault', 'unexpected-peer-id', 'myself', 'unknown-network', 'no-common-version'])

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
