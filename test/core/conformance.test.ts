import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const document = readFileSync(`${checkout}docs/conformance.md`, 'utf8')

interface Row {
  readonly text: string
  /** What the last cell names. */
  readonly tests: readonly { readonly file: string; readonly name: string }[]
}

function rowsOf(title: string): Row[] {
  const section = document.split(/^## /m).find((part) => part.startsWith(title)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  return lines.slice(1).map((text) => {
    const files = text.split(/`(test\/[^`]+\.test\.ts)`/)
    const tests = files.flatMap((file, i) => {
      if (i % 2 === 0) return []
      return [...(files[i + 1] ?? '').matchAll(/“([^”]+)”/g)].map(([, name]) => ({ file, name: name ?? '' }))
    })
    return { text, tests }
  })
}

/** The names of a file's tests and cases, as they are written in it. */
function textOf(file: string): string {
  return readFileSync(`${checkout}${file}`, 'utf8').replaceAll("\\'", "'")
}

function isIn(file: string, name: string): boolean {
  const text = textOf(file)
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => text.includes(quoted))
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
      expect(tests.filter(({ file, name }) => !isIn(file, name))).toEqual([])
    })
  }

  it('would notice a test that is gone', () => {
    expect(isIn('test/core/api/life.test.ts', 'destroy: is not tested at all')).toBe(false)
  })
})
