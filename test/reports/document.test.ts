import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { exists, readDocument, testsNamedIn } from '../support/named-tests.ts'

const document = readDocument('docs/reports.md')
const rows = document
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (report|---)/.test(line))
  .map((row) => row.split(' | '))

describe('docs/reports.md', () => {
  it.each(rows)('names tests that exist, and a result: %s', (_, tried, result, ...more) => {
    const named = testsNamedIn(tried ?? '')
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((test) => !exists(test))).toEqual([])
    expect(result).toMatch(/^(Holds|Fails)/)
    expect(more).toEqual([])
  })

  it('names every test of the folder', () => {
    const folder = fileURLToPath(new URL('.', import.meta.url))
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'))
    const named = new Set(testsNamedIn(document).map(({ file }) => file))
    const left = files.map((name) => `test/reports/${name}`).filter((file) => file !== 'test/reports/document.test.ts' && !named.has(file))
    expect(left).toEqual([])
  })

  it('has each report once', () => {
    const links = [...document.matchAll(/\((https:\/\/github\.com\/[^)]+)\)/g)].map(([, link]) => link)
    expect(links.length).toBeGreaterThan(25)
    expect(new Set(links).size).toBe(links.length)
  })
})
