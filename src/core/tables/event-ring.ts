/** The last events of one point or one peer, oldest first. Owned by its info record; saved with it. */

import type { HistoryEvent, HistoryKind } from '../values/history.ts'

/** Events kept per point and per peer; the original's figure. A larger one costs memory for each known point and peer. */
export const maxEventsKept = 100

export const historyKinds: readonly HistoryKind[] = [
  'incoming-request',
  'rejecting-request',
  'request-rejected',
  'connection-established',
  'disconnection',
  'external-disconnection'
]

/**
 * The history with one more event, the oldest dropped when full. A new array that just holds it: one that grows would have room
 * for sixteen more, and most points and peers have one event or two.
 */
export function pushEvent<Other>(ring: HistoryEvent<Other>[] | undefined, event: HistoryEvent<Other>): HistoryEvent<Other>[] {
  return ring === undefined ? [event] : [...ring.slice(1 - maxEventsKept), event]
}
