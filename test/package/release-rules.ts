/** What keeps a version from being released, beside steps that fail. Used by release.ts. */

/** Of package.json. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly repository?: { readonly url?: string } | string
}

export interface ReleaseState {
  readonly manifest: Manifest
  readonly changelog: string
  /** Of the repository. */
  readonly tags: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One sentence each. */
export function releaseFaults({ manifest, changelog, tags, env }: ReleaseState): string[] {
  const { version, repository } = manifest
  const [, heading, date] = /^## \[([^\]]+)\] - (.*)$/m.exec(changelog) ?? []
  const faults = [
    !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version) && `the version in package.json, ${version}, is none of Semantic Versioning`,
    heading !== version && `the first heading of CHANGELOG.md names ${heading ?? 'no version'}, and package.json ${version}`,
    !/^\d{4}-\d\d-\d\d$/.test(date ?? '') && `the first heading of CHANGELOG.md has no date (2026-12-31) but "${date ?? ''}"`,
    tags.includes(`v${version}`) && `the tag v${version} exists: set the next version`,
    repository === undefined &&
      'package.json has no "repository": npm compares its url with the repository of the CI job, and refuses provenance without',
    env.GITHUB_ACTIONS !== 'true' &&
      env.GITLAB_CI !== 'true' &&
      'this is no job of GitHub Actions or GitLab CI: only there npm can sign where the package was built'
  ]
  return faults.filter((fault) => fault !== false)
}
