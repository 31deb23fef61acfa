import { expect, it } from 'vitest'
import { type ReleaseState, releaseFaults } from './release-rules.ts'

const ready: ReleaseState = {
  manifest: { name: 'p2p-pool', version: '1.2.0', repository: { url: 'git+https://example.org/p2p-pool.git' } },
  changelog: '# Changelog\n\n## [1.2.0] - 2026-12-01\n\n## [1.1.0] - 2026-11-01\n',
  tags: ['v1.1.0', ''],
  env: { GITHUB_ACTIONS: 'true' }
}

it('a version with its heading, a date, a repository and a CI job may be released', () => {
  expect(releaseFaults(ready)).toEqual([])
})

it.each<[string, Partial<ReleaseState>, RegExp]>([
  ['a version that is none', { manifest: { ...ready.manifest, version: '1.2' } }, /none of Semantic Versioning/],
  ['a changelog without the version', { changelog: '## [1.1.0] - 2026-11-01\n' }, /names 1\.1\.0, and package\.json 1\.2\.0/],
  ['a heading without a date', { changelog: '## [1.2.0] - not yet released\n' }, /no date .* but "not yet released"/],
  ['a changelog without headings', { changelog: '' }, /names no version/],
  ['a tag that exists', { tags: ['v1.2.0'] }, /the tag v1\.2\.0 exists/],
  ['no repository', { manifest: { name: 'p2p-pool', version: '1.2.0' } }, /no "repository"/],
  ["a person's machine", { env: {} }, /no job of GitHub Actions or GitLab CI/]
])('%s stops a release', (_, change, sentence) => {
  expect(releaseFaults({ ...ready, ...change })).toContainEqual(expect.stringMatching(sentence))
})
