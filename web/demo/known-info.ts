/** What a row of the lists of known points and peers is drawn from. Made by `known.ts`, drawn by `point-row.ts` and `peer-row.ts`. */
export interface Known<Info> {
  readonly info: Info
  readonly now: number
  /** When `info` was taken: what it says of a wait began to run then. */
  readonly takenAt: number
}
