import { describe, expect, it } from 'vitest'
import type { DisconnectReason } from '../../../src/core/values/reason.ts'
import { reasonCode } from '../../../src/core/values/reason.ts'
import { decodeMessage } from '../../../src/core/wire/decode.ts'
import { disconnectMessage, reasonOf } from '../../../src/core/wire/disconnect.ts'
import { encodeMessage } from '../../../src/core/wire/encode.ts'
import { body, limits } from './messages.ts'

const reasons: DisconnectReason[] = [
  { kind: 'explicit', text: 'bye' },
  { kind: 'fault', detail: 'frame: too long' },
  { kind: 'peer-banned' },
  { kind: 'point-banned' },
  { kind: 'unexpected-peer-id' },
  { kind: 'too-many-connections' },
  { kind: 'swapped' },
  { kind: 'replaced' },
  { kind: 'going-away' },
  { kind: 'pool-destroyed' },
  { kind: 'not-reading' },
  { kind: 'unknown', code: 77, text: 'from the future' }
]

describe('disconnect reasons', () => {
  it.each(reasons.map((reason) => [reason.kind, reason] as const))('%s arrives as it was sent', (_kind, reason) => {
    const message = decodeMessage(body(encodeMessage(disconnectMessage(reason, 500))), limits)
    expect(message).toMatchObject({ kind: 'disconnect', comeBackAfterMs: 500 })
    if (message?.kind === 'disconnect') expect(reasonOf(message)).toEqual(reason)
  })

  it('have the numbers that docs/protocol.md promises', () => {
    expect(Object.values(reasonCode)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it.each(['lost', 'closed-by-peer'] as const)('%s has no number and arrives as closed without a reason', (kind) => {
    expect(disconnectMessage({ kind })).toMatchObject({ code: 0, text: '' })
    expect(reasonOf(disconnectMessage({ kind }))).toEqual({ kind: 'closed-by-peer' })
  })

  it('texts of a peer cannot forge lines or turn the writing round', () => {
    const text = '\u001b[31mred\r\n2026-01-01 forged\u2028line \u202eright\u2066\ufeff\u0000\u0085'
    expect(reasonOf({ kind: 'disconnect', code: 1, text, comeBackAfterMs: 0 })).toEqual({
      kind: 'explicit',
      text: '[31mred 2026-01-01 forged line  right'
    })
    expect(reasonOf({ kind: 'disconnect', code: 99, text: 'a\nb', comeBackAfterMs: 0 })).toEqual({ kind: 'unknown', code: 99, text: 'a b' })
  })

  it.each([
    '\u007f',
    '\u009b2J',
    '\u009d0;',
    '\u200b',
    '\u202e',
    '\u2066',
    '\u{e0041}',
    '\u00ad',
    '\u{1d173}',
    '\u180e',
    '\ue000',
    '\ud800',
    '\u2029'
  ])('no text of a peer has %j in it', (bad) => {
    const reason = reasonOf({ kind: 'disconnect', code: 1, text: `a${bad}b`, comeBackAfterMs: 0 })
    expect(reason).toEqual({ kind: 'explicit', text: `a ${bad.replace(/^./su, '')}b` })
  })

  it.each([
    [0.2, 1],
    [-5, 0],
    [1e12, 2 ** 32 - 1]
  ])('a wish to come back after %d ms is sent as %d', (wish, sent) => {
    expect(disconnectMessage({ kind: 'going-away' }, wish).comeBackAfterMs).toBe(sent)
  })
})
