/** Documents that name tests, as `test/a/b.test.ts`: “the name of a test”. For the tests that check that these exist. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

export interface NamedTest {
  readonly file: string
  readonly name: string
}

export function readDocument(path: string): string {
  return readFileSync(`${checkout}${path}`, 'utf8')
}

/** The tests that a text names, in order. */
export function testsNamedIn(text: string): NamedTest[] {
  const files = text.split(/`(test\/[^`]+\.test\.ts)`/)
  return files.flatMap((file, i) => {
    if (i % 2 === 0) return []
    return [...(files[i + 1] ?? '').matchAll(/“([^”]+)”/g)].map(([, name]) => ({ file, name: name ?? '' }))
  })
}

/** Is there a test, or a case of one, with that name in the file? */
export function exists({ file, name }: NamedTest): boolean {
  const text = readDocument(file).replaceAll("\\'", "'")
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => text.includes(quoted))
}
