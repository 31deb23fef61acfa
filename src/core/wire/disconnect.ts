/**
 * Disconnect messages to reasons and back, and reasons in words. Called by `flows/`. A peer may claim any reason: `Ending.by` says that the claim came from the
 * other side, and nothing but the text shown and the time of the next dial may depend on it.
 */

import { type DisconnectReason, reasonCode } from '../values/reason.ts'
import { unprintable } from '../values/unprintable.ts'
import type { MessageOf } from './schema.ts'

/** A Disconnect that names no reason. */
const unstated = 0

const kinds = Object.keys(reasonCode) as (keyof typeof reasonCode)[]

const maxUint32 = 2 ** 32 - 1

/** What to send; fractions of a millisecond are rounded up, and more than 49 days become 49. */
export function disconnectMessage(reason: DisconnectReason, comeBackAfterMs = 0): MessageOf<'disconnect'> {
  const stated: Readonly<Record<string, number>> = reasonCode
  return {
    kind: 'disconnect',
    code: reason.kind === 'unknown' ? reason.code : (stated[reason.kind] ?? unstated),
    text: 'text' in reason ? reason.text : 'detail' in reason ? reason.detail : '',
    comeBackAfterMs: Math.min(maxUint32, Math.max(0, Math.ceil(comeBackAfterMs)))
  }
}

/** What a peer's Disconnect means. Its text is fit for a log: at most 256 bytes, no control characters. */
export function reasonOf({ code, text }: MessageOf<'disconnect'>): DisconnectReason {
  const shown = text.replace(unprintable, ' ').trim()
  const kind = kinds.find((candidate) => reasonCode[candidate] === code)
  switch (kind) {
    case undefined:
      return code === unstated ? { kind: 'closed-by-peer' } : { kind: 'unknown', code, text: shown }
    case 'explicit':
      return { kind, text: shown }
    case 'fault':
      return { kind, detail: shown }
    default:
      return { kind }
  }
}

/** A reason in one sentence, for people. */
export function describeReason(reason: DisconnectReason): string {
  switch (reason.kind) {
    case 'explicit':
      return reason.text
    case 'fault':
      return `protocol fault: ${reason.detail}`
    case 'unknown':
      return `unknown reason ${reason.code}${reason.text === '' ? '' : `: ${reason.text}`}`
    default:
      return reason.kind.replaceAll('-', ' ')
  }
}
