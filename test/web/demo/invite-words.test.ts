import { describe, expect, test } from 'vitest'
import { type PeerId, PoolError } from '../../../src/core/index.ts'
import { writeAnswer, writeInvitation } from '../../../src/core/values/invitation-text.ts'
import {
  answerFailure,
  endedWords,
  inviterOf,
  joinFailure,
  joinLink,
  leadsHere,
  leftWords,
  readPasted,
  textInFragment
} from '../../../web/demo/invite-words.ts'

const invitation =
  'p2p-pool:1:i;0123456789abcdef;szk3v4;p2p%20pool;12D3KooWabc;/ip4/127.0.0.1/tcp/1/ws/p2p/a/p2p-circuit/webrtc~,/p2p/b;u+/=p'

describe('the link of an invitation', () => {
  test.each([invitation, 'p2p-pool:1:i;a%zz', '100 %', 'ü & # ?'])(
    'gives the text back, pasted whole, in a sentence, or as the fragment: %s',
    (text) => {
      const link = joinLink(text, 'http://192.168.1.20:4000/?tab=own#log')
      expect(link.startsWith('http://192.168.1.20:4000/#join=')).toBe(true)
      expect(readPasted(link)).toBe(text)
      expect(readPasted(`Join me: ${link}\n`)).toBe(text)
      expect(textInFragment(new URL(link).hash)).toBe(text)
    }
  )

  test('what is no link is left as it is, without the spaces around it', () => {
    expect(readPasted(`  ${invitation}\n`)).toBe(invitation)
    expect(readPasted('nonsense')).toBe('nonsense')
    expect(textInFragment('#invite')).toBeUndefined()
    // Not to be decoded: the pool refuses it in words.
    expect(textInFragment('#join=%E0%A4%A')).toBe('%E0%A4%A')
  })
})

const peerId = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const id = '0123456789abcdef'
const whole = (points: readonly string[]) =>
  writeInvitation({ id, expiresAt: 1_900_000_000_000, network: 'net', peerId, points, offer: 'u+/=p' })
const answer = writeAnswer({ id, peerId, answer: 'u+/=p' })
const refused = (message: string) => new PoolError('invalid-invitation', message)

test('what is left of an invitation is rounded down', () => {
  expect(leftWords(1, 900_900)).toBe('Valid for 15 min, for 1 more page.')
  expect(leftWords(3, -5)).toBe('Valid for 0 s, for 3 more pages.')
})

test('an invitation that is over says what to do with an answer to it', () => {
  const after = 'An answer to it is of no use: invite again, and send the new text.'
  expect(endedWords({ used: 1, isExpired: false })).toBe(`1 page joined by the last invitation. It is used up. ${after}`)
  expect(endedWords({ used: 0, isExpired: true })).toBe(`The last invitation has expired. ${after}`)
  expect(endedWords({ used: 0, isExpired: false })).toBe(`The last invitation has ended. ${after}`)
})

test('who invites is read from the text, and whether another page may come without an answer', () => {
  expect(inviterOf(whole([]))).toBe(peerId)
  expect(inviterOf('nonsense')).toBeUndefined()
  expect(leadsHere(whole([`/ip4/127.0.0.1/tcp/1/ws/p2p/${peerId}`]))).toBe(true)
  expect(leadsHere(whole([`/p2p/${id}/p2p-circuit/webrtc/p2p/${peerId}`]))).toBe(false)
})

test.each([
  [
    refused('expected an invitation, got "nonsense"'),
    'nonsense',
    'Not joined: expected an invitation, got "nonsense".',
    'An invitation begins with p2p-pool:1:i. Copy all of it.'
  ],
  [refused('expected an invitation, got an answer to one'), answer, 'This is an answer. Paste it in the page that invited you.', ''],
  [
    refused('the invitation is our own'),
    whole([]),
    'Not joined: the invitation is our own.',
    'Open the link in another browser, or in a private window.'
  ],
  [refused('the invitation expired 5 s ago'), whole([]), 'Not joined: the invitation expired 5 s ago.', 'Ask for a new one.'],
  [
    PoolError.rejected({ kind: 'dial-failed', failure: 'unreachable', detail: 'x' }),
    whole([]),
    'The page that invited you did not respond. Is it still open?',
    'Keep both pages open, and ask for a new invitation.'
  ],
  [
    PoolError.rejected({ kind: 'dial-failed', failure: 'no-transport', detail: 'no point can be dialed' }),
    whole([]),
    'Not joined: no point can be dialed.',
    ''
  ],
  [PoolError.rejected({ kind: 'too-many-connections' }), whole([]), 'Not joined: no free connection slot.', ''],
  [new Error('else'), whole([]), 'Not joined: else.', '']
])('a join that fails has the hint that fits: %s', (error, text, problem, advice) => {
  expect(joinFailure(error, text)).toEqual({ problem, advice })
})

const spent = 'No connection to that page. This invitation cannot be answered again.'
const onlyLast = 'If another page opened the same link later, only its answer could be used. Give each page an invitation of its own.'
test.each([
  [
    refused('expected an answer to an invitation, got "x"'),
    'x',
    false,
    'The answer was not taken: expected an answer to an invitation, got "x".',
    'Copy all of the answer that the other page shows.'
  ],
  [
    refused('the answer is damaged'),
    answer,
    false,
    'The answer was not taken: the answer is damaged.',
    'Copy all of the answer that the other page shows.'
  ],
  [
    refused('expected an answer to an invitation, got an invitation'),
    whole([]),
    false,
    'This is an invitation. Paste the answer that the other page shows.',
    ''
  ],
  [
    refused('the answer is to another invitation'),
    answer,
    false,
    'The answer was not taken: the answer is to another invitation.',
    'Send this invitation to the other page.'
  ],
  [PoolError.rejected({ kind: 'timeout', step: 'dial', afterMs: 30_000 }), answer, true, spent, onlyLast],
  [PoolError.rejected({ kind: 'too-many-connections' }), answer, true, spent, 'Why: no free connection slot.'],
  [new Error('else'), answer, false, 'The answer was not taken: else.', '']
])('an answer that fails uses the offer up, or may be pasted again: %s', (error, text, isSpent, problem, advice) => {
  expect(answerFailure(error, text)).toEqual({ problem, advice, isSpent })
})
