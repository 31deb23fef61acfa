/** What a section of the laboratory is: one world, what is tried in it, and what `docs/networks.md` says of it. */
import type { Lab } from '../laboratory/lab.ts'
import type { Markers } from '../laboratory/measured-text.ts'
import type { Pages } from './kit/pages.ts'

export interface Findings {
  /** Markdown, as it stands in the document. */
  readonly text: string
  /** Targets that were missed, one sentence each. */
  readonly missed: readonly string[]
}

export interface Section {
  /** Its name on the command line and in the document. */
  readonly name: string
  readonly title: string
  readonly deadlineMs: number
  readonly run: (tools: Tools) => Promise<Findings>
}

export interface Tools {
  readonly lab: Lab
  readonly pages: Pages
  /** For whoever watches the run. */
  log(line: string): void
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Where the document has what was found. */
export function markersOf({ name }: Pick<Section, 'name'>): Markers {
  return { begin: `<!-- lab ${name}: written by npm run lab -->`, end: `<!-- lab ${name}: end -->` }
}
