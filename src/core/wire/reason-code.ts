/**
 * The number of each reason for which a connection ends. Numbers never change their meaning; a new reason takes the next one. Apart
 * from `disconnect.ts`, since a page loads it at once, to check reasons.
 */
import type { DisconnectReason } from '../values/reason.ts'

/** `lost` and `closed-by-peer` are what we see when nothing was said, so they have no number. */
export const reasonCode = {
  explicit: 1,
  fault: 2,
  'peer-banned': 3,
  'point-banned': 4,
  'unexpected-peer-id': 5,
  'too-many-connections': 6,
  swapped: 7,
  replaced: 8,
  'going-away': 9,
  'pool-destroyed': 10,
  'not-reading': 11
} as const satisfies Record<Exclude<DisconnectReason['kind'], 'lost' | 'closed-by-peer' | 'unknown'>, number>
