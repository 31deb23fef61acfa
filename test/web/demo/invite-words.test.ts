import { describe, expect, test } from 'vitest'
import { PoolError } from '../../../src/core/index.ts'
import { endedWords, joinFailure, joinLink, leftWords, readPasted, textInFragment } from '../../../web/demo/invite-words.ts'

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

test('what is left of an invitation, and how it ended', () => {
  expect(leftWords(1, 899_500)).toBe('Valid for 15 min, for 1 more page.')
  expect(leftWords(3, -5)).toBe('Valid for 0 s, for 3 more pages.')
  expect(endedWords({ used: 1, isExpired: false })).toBe('1 page joined by the last invitation. It is used up.')
  expect(endedWords({ used: 0, isExpired: true })).toBe('The last invitation has expired.')
  expect(endedWords({ used: 0, isExpired: false })).toBe('The last invitation has ended.')
})

test('a failure says what is wrong and what to do', () => {
  expect(joinFailure(new PoolError('invalid-invitation', 'expected an invitation, got "nonsense"'))).toEqual({
    problem: 'Not joined: expected an invitation, got "nonsense".',
    advice: 'An invitation begins with p2p-pool:1:. Ask for a new one, and copy all of it.'
  })
  expect(joinFailure(new PoolError('invalid-invitation', 'the invitation is our own')).advice).toBe(
    'Open the link in another browser, or in a private window.'
  )
  expect(joinFailure(new Error('else'))).toEqual({ problem: 'Not joined: else.', advice: '' })
})
