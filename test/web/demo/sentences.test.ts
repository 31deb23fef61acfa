import { describe, expect, test } from 'vitest'
import type { DialFailure, PeerId, Point, Rejection } from '../../../src/core/index.ts'
import { adviceFor, plainText, shownEvents, tellEvent } from '../../../web/demo/sentences.ts'

const peerId = '12D3KooWEucv3rM44zyXTYcnnRUrNU6kqMBy8TT77dm5cvGbMKWi' as PeerId
const point = '/ip4/127.0.0.1/tcp/4001/ws' as Point

describe('events are shown as sentences', () => {
  test('a connection names peer, point and who dialed', () => {
    expect(plainText(tellEvent('connection-opened', { peerId, point, direction: 'outgoing' }))).toBe(`Connected to ${peerId} at ${point}.`)
    expect(plainText(tellEvent('connection-opened', { peerId, point: undefined, direction: 'incoming' }))).toBe(`Connected from ${peerId}.`)
  })

  test('a failure is a warning and says why', () => {
    const rejection: Rejection = { kind: 'timeout', step: 'dial', afterMs: 10_000 }
    const sentence = tellEvent('connection-failed', { attempt: 1, direction: 'outgoing', point, peerId: undefined, rejection })
    expect(sentence.tone).toBe('warning')
    expect(plainText(sentence)).toBe(`No connection with ${point}: no answer within 10000 ms (step: dial).`)
  })

  test('the reason of a goodbye is shown, with ids short', () => {
    const ending = { by: 'them', reason: { kind: 'explicit', text: `see ${peerId}` } } as const
    expect(plainText(tellEvent('connection-lost', { peerId, point, ending }))).toBe(`Lost ${peerId}: see …cvGbMKWi.`)
  })

  test('a peer without an id is an unknown peer', () => {
    const sentence = tellEvent('authentication-failed', {
      attempt: 1,
      point: undefined,
      peerId: undefined,
      rejection: { kind: 'fault', detail: 'bad frame' }
    })
    expect(plainText(sentence)).toContain('an unknown peer')
  })

  test('the log shows every event but the drawing signal', () => {
    expect(shownEvents).not.toContain('change')
    expect(shownEvents).toContain('storage-failed')
  })
})

describe('a failed dial comes with advice', () => {
  const failures: readonly DialFailure[] = [
    'refused',
    'unreachable',
    'timeout',
    'wrong-peer-id',
    'no-transport',
    'denied',
    'myself',
    'no-pool',
    'other'
  ]
  test.each(failures)('%s', (failure) => {
    expect(adviceFor({ kind: 'dial-failed', failure, detail: '' })).toMatch(/[.?]$/)
  })

  test('but for what the person did himself', () => {
    expect(adviceFor({ kind: 'cancelled', detail: 'by the caller' })).toBe('')
    expect(adviceFor({ kind: 'dial-failed', failure: 'aborted', detail: '' })).toBe('')
  })
})
