/** What a row of the lists of known points and peers is drawn from. Made by `known.ts`, drawn by `point-row.ts` and `peer-row.ts`. */
import type { Condition } from './conditions.ts'

export interface Known<Info> {
  readonly info: Info
  readonly condition: Condition
  /** Wall clock, ms. */
  readonly now: number
  /** Since `info` was taken, ms: what it says of a wait began to run then. */
  readonly sinceMs: number
}
