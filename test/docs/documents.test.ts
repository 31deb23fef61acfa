/** The documents, held against the code and against each other. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { poolEventNames } from '../../src/core/values/events.ts'
import { peerPoolOptions } from '../../src/libp2p/service.ts'
import { addRequests } from '../../web/requests.ts'
import { SharedPoolFace } from '../../web/shared-pool.ts'

const checkout = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

const documents = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/light-client/README.md', 'examples/react-page/README.md'],
  ...readdirSync(join(checkout, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
]

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchorsIn = (text: string): string[] => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))

/** The texts of a union of a source file: `type Name = | 'a' | 'b'`, or of the `kind` of each member. */
function namesOf(type: string, path: string): string[] {
  const [, union = ''] = read(path).match(new RegExp(`export type ${type} =(.*?)\\n\\n`, 's')) ?? []
  const code = union.replace(/\/\/.*$/gm, '')
  const kinds = [...code.matchAll(/kind: '([a-z-]+)'/g)]
  return (kinds.length > 0 ? kinds : [...code.matchAll(/^\s*\| '([a-z-]+)'/gm)]).map(([, name]) => name ?? '')
}

const missing = (names: readonly string[], text: string): string[] => names.filter((name) => !text.includes(`\`${name}\``))

describe('the documents', () => {
  it.each(documents)('%s links to files and headings that exist', (path) => {
    const dead = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link ?? '')
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : normalize(join(dirname(path), file))
        try {
          return anchor !== undefined && !anchorsIn(read(target)).includes(anchor)
        } catch {
          return true
        }
      })
    expect(dead).toEqual([])
  })

  it('the README has 130 lines at most', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(131)
  })

  it('the page of settings names every option', () => {
    expect(missing(Object.keys(peerPoolOptions), read('docs/settings.md'))).toEqual([])
  })

  it('the page of events names every event', () => {
    expect(missing(Object.keys(poolEventNames), read('docs/events.md'))).toEqual([])
  })

  it('the page of tabs names every request and every other member of a shared pool', () => {
    const { peers, points, ...requests } = addRequests({}, async () => undefined)
    const members = Object.getOwnPropertyNames(SharedPoolFace.prototype).filter(
      (name) => !['constructor', 'removeEventListener'].includes(name)
    )
    // With their arguments: `describe(point)`.
    const text = read('docs/guide/tabs.md').replace(/\([^)]*\)`/g, '`')
    const rowOf = (of: string): string => text.split('\n').find((line) => line.startsWith(`| \`${of}\` |`)) ?? ''
    expect(missing(Object.keys(requests), rowOf('pool'))).toEqual([])
    expect(missing(Object.keys(peers), rowOf('pool.peers'))).toEqual([])
    expect(missing(Object.keys(points), rowOf('pool.points'))).toEqual([])
    expect(missing(members, text)).toEqual([])
  })

  it.each([
    ['PoolErrorCode', 15],
    ['Rejection', 18],
    ['DialFailure', 10],
    ['DisconnectReason', 14]
  ])('the page of errors names every %s', (type, least) => {
    const names = namesOf(type, 'src/core/values/reason.ts')
    expect(names.length).toBeGreaterThanOrEqual(least)
    expect(missing(names, read('docs/errors.md'))).toEqual([])
  })
})
