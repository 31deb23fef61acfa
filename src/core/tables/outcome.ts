/** How attempts end, and what that says of the other side. Used by `pool-state.ts` and by the flows that end them. */
import type { Ending, Rejection } from '../values/reason.ts'

/** How an attempt ended: it never ran, or it did. */
export type Outcome =
  | { readonly kind: 'failed'; readonly rejection: Rejection; readonly by: 'us' | 'them' }
  | { readonly kind: 'closed'; readonly ending: Ending; readonly comeBackAfterMs: number }

/** Rejections that say nothing about the point or peer: our own limits and wishes. */
export const ownReasons: ReadonlySet<Rejection['kind']> = new Set([
  'cancelled',
  'table-full',
  'too-many-connections',
  'too-many-handshakes',
  'private-mode',
  'pending'
])

/** Rejections of a peer who could not, or would not, show itself to be a member of our network. */
export const unproven: ReadonlySet<Rejection['kind']> = new Set([
  'fault',
  'unexpected-peer-id',
  'myself',
  'unknown-network',
  'no-common-version'
])

/** How the other side broke the protocol; `undefined`: it did not. Time-outs, nacks and lost links are no faults. */
export function faultOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'closed' && outcome.ending.by !== 'us') return undefined
  const what = outcome.kind === 'failed' ? outcome.rejection : outcome.ending.reason
  return what.kind === 'fault' ? what.detail : undefined
}
