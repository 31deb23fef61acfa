/** Errors of ports, as a recording has them: their class, where the core looks at it, and their message. */

import type { PeerId } from '../core/values/ids.ts'
import { DialError, StorageError, type StorageFailure } from '../core/values/ports.ts'
import { type DialFailure, messageOf } from '../core/values/reason.ts'
import type { Json } from './tape.ts'

export function writeError(error: unknown): Json {
  if (error instanceof DialError) return ['dial', error.failure, error.message, error.peerId ?? null]
  if (error instanceof StorageError) return ['storage', error.failure, error.message]
  return ['other', messageOf(error)]
}

/** Takes JSON that `read-recording.ts` has checked. */
export function readError(json: Json): Error {
  const [kind, first, second, third] = Array.isArray(json) ? (json as readonly (string | null)[]) : []
  if (kind === 'dial') return new DialError(first as DialFailure, second ?? '', { peerId: (third ?? undefined) as PeerId | undefined })
  if (kind === 'storage') return new StorageError(first as StorageFailure, second ?? '')
  return new Error(first ?? '')
}
