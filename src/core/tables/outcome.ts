/** How attempts end, and what that says of the other side. Used by `pool-state.ts` and by the flows that end them. */
import type { Attempt } from '../values/attempt.ts'
import type { Reconnection } from '../values/config.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { PeerId } from '../values/ids.ts'
import { type Ending, nackMotive, type Rejection } from '../values/reason.ts'

/** How an attempt ended: it never ran, or it did. */
export type Outcome =
  | { readonly kind: 'failed'; readonly rejection: Rejection; readonly by: 'us' | 'them' }
  | { readonly kind: 'closed'; readonly ending: Ending; readonly comeBackAfterMs: number }

/** Rejections that say nothing against the point or peer: our own limits and wishes, and a connection that is there already. */
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

/** A connection that the other side ended sooner than this was none worth having, ms. */
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

/** Did one of the two end it with a word, or refuse? Then it holds at all addresses of the peer; a lost link may be one address alone. */
export function isChoice(outcome: Outcome): boolean {
  if (outcome.kind === 'closed') return !isWordless(outcome.ending) && !isReplaced(outcome.ending)
  return outcome.rejection.kind === 'rejected-by-peer'
}

/** Another connection with the same peer took its place. */
function isReplaced({ reason: { kind } }: Ending): boolean {
  return kind === 'replaced'
}

/** Rejections of a peer who could not, or would not, show itself to be a member of our network. */
const unproven: ReadonlySet<Rejection['kind']> = new Set(['fault', 'unexpected-peer-id', 'myself', 'unknown-network', 'no-common-version'])

/** Another peer answered than somebody had said, and not the operator: the word was wrong, and nothing speaks against the point. */
export function isMisled(outcome: Outcome, point: { readonly expectedPeerId: PeerId | undefined } | undefined): boolean {
  if (outcome.kind === 'closed' || outcome.rejection.kind !== 'unexpected-peer-id') return false
  return point !== undefined && point.expectedPeerId !== outcome.rejection.expected
}

/** How long the other side does not want to see us, ms; whom we left ourselves we may see again sooner. Whoever had no place for us has none a second later either. */
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
    const name = outcome.ending.by === 'us' ? 'disconnection' : 'external-disconnection'
    if (peerId !== undefined) emit(name, { peerId, point, ending: outcome.ending })
    return
  }
  const { rejection } = outcome
  if (unproven.has(rejection.kind)) emit('authentication-failed', { attempt: id, point, peerId, rejection })
  emit(outcome.by === 'us' ? 'rejecting-request' : 'request-rejected', { attempt: id, direction, point, peerId, rejection })
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
