/** Words that code and documents once used in a sense of their own. Each has a standard term now: see the glossary of docs/architecture.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const checkout = fileURLToPath(new URL('../../', import.meta.url))

const oldWords: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, 'a peer that, a caller that'],
  [/\bwhom\b/i, 'which peers'],
  [/\bsomebody\b/i, 'a peer, a person'],
  [/\btold\b/i, 'advertised, sent, reported'],
  [/\btellers?\b/i, 'source'],
  [/\bstrangers?\b(?!`)/i, 'unknown peer, untrusted peer'],
  [/\bof late\b(?!\))/i, 'recently'],
  [/\bcame to nothing\b/i, 'failed'],
  [/\bsigns? of life\b/i, 'liveness check'],
  [/\bheirloom|\bheritage\b/i, 'inherited key, handover'],
  [/\bwish(es|ed)?\b/i, 'request'],
  [/\b(bad|good) luck\b/i, 'success rate'],
  [/\blingers?\b/i, 'cooldown'],
  [/\bbarred\b/i, 'blocked, backoff until']
]

/** They cite names of tests and measured results as they are. */
const citing = /docs\/(conformance|reports|performance)\.md$/

const files = ['src', 'node', 'web', 'docs', 'examples']
  .flatMap((folder) => readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  .concat('README.md')
  .filter((name) => /\.(ts|md|html|css|proto)$/.test(name) && !citing.test(name) && !/(^|\/)(node_modules|dist)\//.test(name))

it.each(oldWords)('%s is not used; the word is: %s', (word) => {
  const found = files.flatMap((name) =>
    readFileSync(join(checkout, name), 'utf8')
      .split('\n')
      .flatMap((line, i) => (word.test(line) ? [`${name}:${i + 1}: ${line.trim()}`] : []))
  )
  expect(found).toEqual([])
})
