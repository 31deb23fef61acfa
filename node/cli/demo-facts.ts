/**
 * The facts of `npm run demo -- --check`: each is observed within a deadline and becomes one line with its time. A fact
 * that does not hold says what was expected and what was seen, and the check goes on. Which facts there are is in the
 * demo-check files.
 */
import { messageOf } from '../../src/core/values/reason.ts'

const pollMs = 50
/** Of one fact, unless it says otherwise: it takes a few seconds at most, and several times that on a machine that is busy with other things. */
export const factDeadlineMs = 45_000

/** A fact that does not hold. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen'
  readonly expected: string
  readonly seen: string

  constructor(expected: string, seen: string) {
    super(`expected ${expected}; saw ${seen}`)
    this.expected = expected
    this.seen = seen
  }
}

/** Throws `NotSeen` unless it holds. */
export function expectThat(holds: boolean, { expected, seen }: { readonly expected: string; readonly seen: unknown }): asserts holds {
  if (!holds) throw new NotSeen(expected, shown(seen))
}

export interface Expectation {
  /** Default: that of a fact. */
  readonly withinMs?: number
  readonly expected: string
  /** What to tell if it does not come; asked once, at the end. */
  seen?(): unknown
}

/** What `look` gives once it gives something; rejects with `NotSeen` when the time is over. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { withinMs = factDeadlineMs, expected, seen }: Expectation
): Promise<T> {
  const until = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() >= until) throw new NotSeen(`${expected} within ${seconds(withinMs)} s`, shown(await seen?.()))
    await pause(pollMs)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export class Facts {
  readonly #write: (line: string) => void
  readonly #isOver: () => boolean
  readonly #startedAt = performance.now()
  held = 0
  failed = 0

  /** Once `isOver`, nothing is observed or written any more: what is seen then comes of the end. */
  constructor({ write, isOver = () => false }: { write(line: string): void; isOver?: (() => boolean) | undefined }) {
    this.#write = write
    this.#isOver = isOver
  }

  /** Observes one fact and writes its line, with what `observe` has to add. Never rejects; false if it does not hold. */
  async holds(
    fact: string,
    observe: () => Promise<string | undefined>,
    { withinMs = 2 * factDeadlineMs }: { readonly withinMs?: number } = {}
  ): Promise<boolean> {
    if (this.#isOver()) return false
    try {
      const detail = await inTime(observe(), withinMs)
      this.held++
      this.#line('ok', detail === undefined ? fact : `${fact} (${detail})`)
      return true
    } catch (error) {
      if (this.#isOver()) return false
      this.failed++
      this.#line('FAIL', fact)
      if (error instanceof NotSeen) {
        this.#write(`       expected: ${error.expected}`)
        this.#write(`       seen:     ${error.seen}`)
      } else {
        this.#write(`       ${messageOf(error)}`)
      }
      return false
    }
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  #line(word: string, text: string): void {
    this.#write(`${word.padEnd(4)} ${seconds(this.elapsedMs).padStart(6)} s  ${text}`)
  }
}

export function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2)
}

async function inTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotSeen(`an end within ${seconds(withinMs)} s`, 'it still goes on')), withinMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
}
