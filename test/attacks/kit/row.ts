/**
 * What a row of the laboratory is: one attack, the target that a pool must meet, and the function that measures it. `rows/` holds
 * them, `run.ts` runs each in a process and a network of its own, `table.ts` writes what came of it.
 */
import type { Lab } from '../../laboratory/lab.ts'

export type Verdict = 'met' | 'missed' | 'not run'

export interface Finding {
  /** Figures, in words that fit into one cell of a table. */
  readonly measured: string
  readonly verdict: Verdict
}

export interface Row {
  /** Its name on the command line and in the table. */
  readonly name: string
  readonly attack: string
  readonly target: string
  /** The row is stopped then, and has missed its target. */
  readonly deadlineMs: number
  /** It measures processor time or turns of the event loop, so nothing else runs beside it. */
  readonly alone?: boolean
  /** Makes ready, outside of the row's namespaces, what it needs; resolves with the reason if it cannot, and the row is not run. */
  readonly prepare?: () => Promise<string | undefined>
  readonly run: (lab: Lab) => Promise<Finding>
}

/** One member of a family of attacks within a row. */
export interface Part {
  readonly measured: string
  readonly isMet: boolean
}

/** The row met its target if all of its parts did. */
export function findingOf(...parts: readonly Part[]): Finding {
  return { measured: parts.map(({ measured }) => measured).join('; '), verdict: parts.every(({ isMet }) => isMet) ? 'met' : 'missed' }
}
