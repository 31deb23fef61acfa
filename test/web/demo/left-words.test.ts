import { expect, test } from 'vitest'
import type { DisconnectReason, Ending } from '../../../src/core/index.ts'
import { leftWords } from '../../../web/demo/left-words.ts'

const reasons: readonly DisconnectReason[] = [
  { kind: 'explicit', text: 'bye' },
  { kind: 'lost' },
  { kind: 'closed-by-peer' },
  { kind: 'fault', detail: 'a frame is too long' },
  { kind: 'peer-banned' },
  { kind: 'point-banned' },
  { kind: 'unexpected-peer-id' },
  { kind: 'too-many-connections' },
  { kind: 'swapped' },
  { kind: 'replaced' },
  { kind: 'going-away' },
  { kind: 'pool-destroyed' },
  { kind: 'not-reading' },
  { kind: 'unknown', code: 99, text: '' }
]

test.each(reasons.flatMap((reason) => (['us', 'them', 'network'] as const).map((by): [Ending] => [{ by, reason }])))(
  '%o is one plain sentence',
  (ending) => {
    expect(leftWords(ending)).toMatch(/^[A-Z][^.]*[.”]\.?$/)
  }
)

test('a page that was closed is said to be', () => {
  expect(leftWords({ by: 'them', reason: { kind: 'going-away' } })).toBe('Its page was closed, or its program was stopped.')
})

test('the text of a stranger is cut, in quotes, on one line', () => {
  const words = leftWords({ by: 'them', reason: { kind: 'explicit', text: `one\n\u202etwo ${'x'.repeat(5_000)}` } })
  expect(words).toMatch(/^It closed the connection: “one two x+… \(\d+ more characters\)”\.$/)
  expect(words.length).toBeLessThan(200)
})
