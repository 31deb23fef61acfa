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
  const original = rowsOf('The names of Octez')
  const departures = rowsOf('Where this pool differs')

  it('has every row', () => {
    expect(original).toHaveLength(42)
    expect(departures.map(({ text }) => Number(text.split('|')[1]))).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
  })

  it('names tests that exist, one at least in each row', () => {
    const rows = [...original, ...departures]
    expect(rows.filter(({ tests }) => tests.length === 0).map(({ text }) => text)).toEqual([])
    expect(rows.flatMap(({ tests }) => tests).filter((test) => !exists(test))).toEqual([])
  })

  it('would notice a test that is gone', () => {
    expect(exists({ file: 'test/core/api/life.test.ts', name: 'destroy: is not tested at all' })).toBe(false)
  })
})
