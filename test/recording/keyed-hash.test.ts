import { expect, it } from 'vitest'
import { hashKey, KeyedHash } from '../../src/recording/keyed-hash.ts'

const key = hashKey(Uint8Array.from({ length: 16 }, (_, i) => i))

// Appendix A of the paper, and the first of the authors' vectors, as numbers.
it.each([
  [0, '726fdb47dd0e0e31'],
  [1, '74f839c593dc67fd'],
  [8, '93f5f5799a932462'],
  [15, 'a129ca6149be45e5']
])('the hash of the bytes 0, 1, 2 …, %i of them, is that of SipHash-2-4', (length, expected) => {
  const hash = new KeyedHash(key)
  for (let i = 0; i < length; i++) hash.byte(i)
  expect(hash.end()).toBe(expected)
})

it('a word is four bytes, the low one first', () => {
  const [word, bytes] = [new KeyedHash(key), new KeyedHash(key)]
  word.word(0xfedcba98)
  for (const byte of [0x98, 0xba, 0xdc, 0xfe]) bytes.byte(byte)
  expect(word.end()).toBe(bytes.end())
})
