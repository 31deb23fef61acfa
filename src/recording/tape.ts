/**
 * What the wrapped ports of a pool write to while a run is recorded, and read from while it is replayed. One set of wrappers
 * (`taped-ports.ts`, `taped-options.ts`) serves both, so that promises settle after the same number of microtasks. `record-tape.ts` and
 * `replay-tape.ts` implement it.
 */

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** What a port answers at once. */
export type Plain = null | boolean | number | string

/** Of an input that comes later: how it is written, and what the core gets of it. `real`: while recording. */
export interface Form<Real, Given = Real> {
  write(real: Real): Json
  read(json: Json, real: Real | undefined): Given
}

/** Nothing comes but the news itself. */
export const nothing: Form<void> = { write: () => null, read: () => undefined }

/** JSON, as it is. */
export const asJson: Form<Json> = { write: (value) => value, read: (json) => json }

/**
 * One question that the core asks again and again: may this be dialed, did the link take the bytes. Only changes of the answer are
 * written, with the number of the question within its turn.
 */
export class Question {
  readonly key: string
  /** A number that stands for the kind of question in the checksum of a turn. */
  readonly code: number
  last: Plain | undefined
  /** The turn of `count`. */
  turn = -1
  count = 0
  /** Replay: changes that are to come within this turn. */
  readonly changes: (readonly [count: number, answer: Plain])[] = []
  /** How many of them have come. */
  changed = 0

  constructor(kind: string, id?: number) {
    this.key = id === undefined ? kind : `${kind}:${id}`
    this.code = codeOf(kind)
  }
}

function codeOf(kind: string): number {
  let code = 7
  for (let i = 0; i < kind.length; i++) code = mixed(code, kind.charCodeAt(i))
  return code
}

/** Microtask rounds in one turn of the application, at most: a replay runs them without a pause, in a tenth of a second. */
export const maxRounds = 1_000_000

/** The next checksum. */
export function mixed(sum: number, value: number): number {
  return (Math.imul(sum ^ value, 0x01000193) + 0x9e3779b9) | 0
}

export interface Tape {
  /** Microseconds are exact on both sides. */
  now(): number
  date(): number
  schedule(delayMs: number, fn: () => void): () => void
  /** 32 random bits. */
  chance(draw: () => number): number
  /** The answer of `ask`, or the recorded one. Makes the question known to a replay. */
  answer(question: Question, ask: () => Plain): Plain
  /** Registers a question of which answers may come. */
  question(kind: string, id?: number): Question
  /** A call that ends later. `apart`: what it does begins in a turn of its own, since it may come back to the pool at once. */
  call<Real, Given>(kind: string, work: () => Promise<Real>, options: { form: Form<Real, Given>; apart?: boolean }): Promise<Given>
  /** What comes by itself. Returns how it is brought in. */
  source<Real, Given>(name: string, form: Form<Real, Given>, take: (given: Given) => void): (real: Real) => void
  /** What a port asks the core and needs an answer to at once. Returns what the port is to call; a replay calls it by its name. */
  heard<Args extends readonly Json[], Result>(name: string, take: (...args: Args) => Result): (...args: Args) => Result
  /**
   * The share of the recording that the pool protocol of one link may fill. Takes the bytes that it has filled; waits until there may be more.
   * Messages of the application wait for nothing.
   */
  share(): (bytes: number) => Promise<void> | undefined
  /** The number of a new link. */
  newLink(): number
  /** Something that the core did, for the checksum. */
  note(value: number): void
  /** What is read of these lines counts as nothing that the core does by itself: the host reads them when it likes. */
  apart(lines: Iterable<string>): Iterable<string>
}
