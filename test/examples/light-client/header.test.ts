import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hashOf,
  hasWork,
  headerBytes,
  parseHash,
  readHeader,
  searchWork,
  writeHeader
} from '../../../examples/light-client/chain/header.ts'
import { difficultyAfter } from '../../../examples/light-client/chain/rules.ts'
import { anyHeader } from './arbitraries.ts'
import { testRules } from './chains.ts'

describe('a header', () => {
  it('comes back from its 80 bytes as it was, wherever they lie', () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(9), (header, at) => {
        const bytes = new Uint8Array(at + headerBytes + 3)
        writeHeader(bytes, at, header)
        expect(readHeader(bytes, at)).toEqual(header)
      })
    )
  })

  it('has the SHA-256 of these bytes as its hash, as any other program would compute it', () => {
    const [header] = fc.sample(anyHeader, 1)
    if (header === undefined) throw new Error('no sample')
    const bytes = new Uint8Array(headerBytes)
    writeHeader(bytes, 0, header)
    expect(hashOf(header)).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('refuses numbers that do not fit', () => {
    for (const wrong of [{ height: -1 }, { time: 2 ** 32 }, { nonce: 1.5 }, { difficulty: Number.NaN }]) {
      expect(() => hashOf({ ...testRules.genesis, ...wrong })).toThrow(/expected a whole number from 0 to 4294967295/)
    }
  })
})

describe('work', () => {
  const max = 'f'.repeat(64)
  it.each([
    ['0'.repeat(64), 4_294_967_295, true],
    [max, 1, true],
    [max, 2, false],
    [`7${'f'.repeat(63)}`, 2, true],
    [`8${'0'.repeat(63)}`, 2, false],
    [`00000000${'0'.repeat(55)}1`, 4_294_967_295, true],
    [`00000001${'0'.repeat(56)}`, 4_294_967_295, true],
    [`00000001${'0'.repeat(50)}100000`, 4_294_967_295, true],
    [`00000002${'0'.repeat(56)}`, 4_294_967_295, false],
    ['0'.repeat(64), 0, false]
  ])('%s for difficulty %i: %s', (hash, difficulty, expected) => {
    expect(hasWork(parseHash(hash), difficulty)).toBe(expected)
  })

  it('is found by trying, and a header that was found has it', () => {
    const found = searchWork({ ...testRules.genesis, height: 1, difficulty: 200 }, 100_000)
    expect(found).toBeDefined()
    if (found !== undefined) expect(hasWork(hashOf(found), 200)).toBe(true)
    expect(searchWork({ ...testRules.genesis, difficulty: 4_294_967_295 }, 50)).toBeUndefined()
  })
})

describe('difficulty', () => {
  const at = (height: number, time: number, difficulty: number) => ({ ...testRules.genesis, height, time, difficulty })
  // Windows of 8 headers, 7 gaps of 2 s: 14 s are aimed at.
  it.each([
    ['inside a window it stays', 3, 1_000, 100, 100],
    ['as aimed at', 7, 14, 100, 100],
    ['twice as fast: twice as hard', 7, 7, 100, 200],
    ['half as fast: half as hard', 7, 28, 100, 50],
    ['ten times as fast: four times as hard, no more', 7, 1, 100, 400],
    ['in no time at all', 7, 0, 100, 400],
    ['a night later: a quarter, no less', 7, 30_000, 100, 25],
    ['never easier than the easiest', 7, 30_000, 20, 8],
    ['never above 32 bits', 7, 1, 4_000_000_000, 4_294_967_295]
  ])('%s', (_name, parentHeight, tookS, difficulty, expected) => {
    expect(difficultyAfter(at(parentHeight, 1_000 + tookS, difficulty), at(0, 1_000, difficulty), testRules)).toBe(expected)
  })
})
