/**
 * Errors of ports, as a recording has them: their class, where the core looks at it, and what the network says of a dial. Other texts may
 * quote what an application or a peer wrote, so none is in a recording.
 */

import type { PeerId } from '../core/values/ids.ts'
import { DialError, StorageError, type StorageFailure } from '../core/values/ports.ts'
import type { DialFailure } from '../core/values/reason.ts'
import type { Json } from './tape.ts'

/** The text of an error in a replay; while a pool is recorded, of those that its codecs throw, too: the other side gets them. */
export const untold = 'an error whose text is not recorded'

export function writeError(error: unknown): Json {
  if (error instanceof DialError) return ['dial', error.failure, error.message, error.peerId ?? null]
  if (error instanceof StorageError) return ['storage', error.failure]
  return ['other', null]
}

/** Takes JSON that `read-recording.ts` has checked. */
export function readError(json: Json): Error {
  const [kind, first, second, third] = Array.isArray(json) ? (json as readonly (string | null)[]) : []
  if (kind === 'dial') return new DialError(first as DialFailure, second ?? '', { peerId: (third ?? undefined) as PeerId | undefined })
  if (kind === 'storage') return new StorageError(first as StorageFailure, untold)
  return new Error(untold)
}
