/** How attempts end, and what that says of the other side. Used by `pool-state.ts` and by the flows that end them. */
import type { DisconnectReason, Ending, Rejection } from '../values/reason.ts'

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

/** What a greylisting is told to be for. */
export function faultOf(what: Rejection | DisconnectReason): string {
  return what.kind === 'fault' ? what.detail : what.kind
}
