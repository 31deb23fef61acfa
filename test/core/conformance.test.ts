import { describe, expect, it } from 'vitest'
import { exists, type NamedTest, readDocument, testsNamedIn } from '../support/named-tests.ts'

const document = readDocument('docs/conformance.md')

interface Row {
  readonly text: string
  /** What the last cell names. */
  readonly tests: readonly NamedTest[]
}

function rowsOf(title: string): Row[] {
  const section = document.split(/^## /m).find((part) => part.startsWith(title)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  return lines.slice(1).map((text) => ({ text, tests: testsNamedIn(text) }))
}

describe('docs/conformance.md', () => {
  const original = rowsOf('The names of the original')
  const departures = rowsOf('Where we leave the original')

  it('has every row of the contract', () => {
    expect(original).toHaveLength(42)
    expect(departures.map(({ text }) => Number(text.split('|')[1]))).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
  })

  for (const { text, tests } of [...original, ...departures]) {
    it(`names tests that exist: ${text.split('|').slice(1, 3).join('|').trim()}`, () => {
      expect(tests.length).toBeGreaterThan(0)
      expect(tests.filter((test) => !exists(test))).toEqual([])
    })
  }

  it('would notice a test that is gone', () => {
    expect(exists({ file: 'test/core/api/life.test.ts', name: 'destroy: is not tested at all' })).toBe(false)
  })
})
