/** Gives the core what a recording holds, turn by turn, and notices where it asks for something else than it asked then. */
import { type Form, type Json, mixed, type Plain, Question, type Tape } from './tape.ts'
import { readError } from './taped-errors.ts'

/** A turn of a recording: `read-recording.ts` has checked it. */
export interface Turn {
  /** µs since the turn before. */
  readonly at: number
  readonly do: readonly (readonly Json[])[]
  readonly answers?: readonly (readonly [key: string, count: number, answer: Plain])[]
  readonly chance?: readonly number[]
  readonly ticks?: readonly (readonly [count: number, micros: number])[]
  readonly date?: number
  readonly sum: number
}

/** What the core did is not what it did when it was recorded. */
export class Divergence extends Error {
  override readonly name = 'Divergence'
}

interface Pending {
  readonly kind: string
  readonly resolve: (json: Json) => void
  readonly reject: (error: unknown) => void
}

export class ReplayTape implements Tape {
  #micros: number
  #turnMicros: number
  #offsetMs: number
  #turn = 0
  #current: Turn = { at: 0, do: [], sum: 0 }
  #nowCount = 0
  // How many of the turn's have been used: a turn may have millions.
  #ticked = 0
  #drawn = 0
  #sum = 0
  #outside = 0
  #calls = 0
  #timers = 0
  #links = 0
  readonly #waiting = new Map<number, Pending>()
  readonly #scheduled = new Map<number, () => void>()
  readonly #sources = new Map<string, (json: Json) => void>()
  readonly #heard = new Map<string, (...args: readonly Json[]) => unknown>()
  readonly #questions = new Map<string, Question>()
  /** Answers to questions that are not known yet: of a link that this turn brings. */
  readonly #early = new Map<string, (readonly [number, Plain])[]>()
  /** The first thing that was not as recorded. Later ones follow from it. */
  divergence: Divergence | undefined

  constructor({ micros, offsetMs }: { readonly micros: number; readonly offsetMs: number }) {
    this.#micros = this.#turnMicros = micros
    this.#offsetMs = offsetMs
  }

  /** Throws `Divergence`. */
  mismatch(what: string): never {
    return this.#diverge(what)
  }

  #diverge(what: string): never {
    this.divergence ??= new Divergence(what)
    throw this.divergence
  }

  // The turn.

  begin(turn: Turn): void {
    this.#current = turn
    this.#turn++
    this.#micros = this.#turnMicros = this.#turnMicros + turn.at
    this.#offsetMs = turn.date ?? this.#offsetMs
    this.#nowCount = 0
    this.#ticked = this.#drawn = 0
    this.#early.clear()
    for (const question of this.#asked) question.changes.length = question.changed = 0
    this.#asked.clear()
    for (const [key, count, answer] of turn.answers ?? []) {
      const question = this.#questions.get(key)
      if (question !== undefined) this.#expect(question, [count, answer])
      else if (!this.#early.get(key)?.push([count, answer])) this.#early.set(key, [[count, answer]])
    }
  }

  readonly #asked = new Set<Question>()

  #expect(question: Question, change: readonly [number, Plain]): void {
    question.changes.push(change)
    this.#asked.add(question)
  }

  /** To be called when nothing runs any more. Throws `Divergence`. */
  end(): void {
    if (this.divergence !== undefined) throw this.divergence
    const undrawn = (this.#current.chance?.length ?? 0) - this.#drawn
    if (undrawn > 0) this.#diverge(`the core drew fewer random numbers than recorded, by ${undrawn}`)
    if ((this.#sum & 0xffff) !== this.#current.sum)
      this.#diverge('the core did not ask or send what it asked and sent when it was recorded')
  }

  // Inputs.

  fire(id: number): void {
    const fn = this.#scheduled.get(id) ?? this.#diverge(`timer ${id} fires in the recording, and is not set`)
    this.#scheduled.delete(id)
    fn()
  }

  settle(id: number, kind: string, { json, failed }: { json: Json; failed: boolean }): void {
    const pending = this.#waiting.get(id)
    if (pending?.kind !== kind) this.#diverge(`call ${id} is ${kind} in the recording, and ${pending?.kind ?? 'was not made'} here`)
    this.#waiting.delete(id)
    if (failed) pending.reject(readError(json))
    else pending.resolve(json)
  }

  bring(name: string, json: Json): void {
    const take = this.#sources.get(name) ?? this.#diverge(`${name} happens in the recording, and nothing waits for it`)
    take(json)
  }

  // What the ports use.

  now(): number {
    if (this.#outside > 0) return this.#micros / 1_000
    this.#nowCount++
    const { ticks = [] } = this.#current
    for (let next = ticks[this.#ticked]; next !== undefined && next[0] <= this.#nowCount; next = ticks[++this.#ticked])
      this.#micros += next[1]
    return this.#micros / 1_000
  }

  date(): number {
    return Math.floor(this.#micros / 1_000) + this.#offsetMs
  }

  schedule(_delayMs: number, fn: () => void): () => void {
    const id = ++this.#timers
    this.#scheduled.set(id, fn)
    return () => this.#scheduled.delete(id)
  }

  chance(): number {
    if (this.#outside > 0) return 0
    return this.#current.chance?.[this.#drawn++] ?? this.#diverge('the core drew more random numbers than recorded')
  }

  question(kind: string, id?: number): Question {
    const made = new Question(kind, id)
    const known = this.#questions.get(made.key)
    if (known !== undefined) return known
    this.#questions.set(made.key, made)
    for (const change of this.#early.get(made.key) ?? []) this.#expect(made, change)
    return made
  }

  answer(question: Question): Plain {
    if (this.#outside > 0) return question.last ?? null
    if (question.turn !== this.#turn) {
      question.turn = this.#turn
      question.count = 0
    }
    question.count++
    this.#sum = mixed(this.#sum, question.code)
    const next = question.changes[question.changed]
    if (next !== undefined && next[0] === question.count) {
      question.last = next[1]
      question.changed++
    }
    return (
      question.last ??
      (question.last === null ? null : this.#diverge(`the core asks ${question.key}, which it did not ask when it was recorded`))
    )
  }

  note(value: number): void {
    this.#sum = mixed(this.#sum, value)
  }

  call<Real, Given>(kind: string, _work: () => Promise<Real>, { form }: { form: Form<Real, Given> }): Promise<Given> {
    const id = ++this.#calls
    this.#sum = mixed(this.#sum, id)
    const { promise, resolve, reject } = Promise.withResolvers<Given>()
    this.#waiting.set(id, { kind, resolve: (json) => resolve(form.read(json, undefined)), reject })
    return promise
  }

  source<Real, Given>(name: string, form: Form<Real, Given>, take: (given: Given) => void): (real: Real) => void {
    this.#sources.set(name, (json) => take(form.read(json, undefined)))
    return () => undefined
  }

  heard<Args extends readonly Json[], Result>(name: string, take: (...args: Args) => Result): (...args: Args) => Result {
    this.#heard.set(name, take as never)
    return take
  }

  /** A port asks the core again, as it did. False: the core does not know such a question. */
  ask(name: string, args: readonly Json[]): boolean {
    const take = this.#heard.get(name)
    take?.(...args)
    return take !== undefined
  }

  share(): () => undefined {
    return () => undefined
  }

  newLink(): number {
    return ++this.#links
  }

  apart(lines: Iterable<string>): Iterable<string> {
    return lines
  }

  /** Asks something that changes nothing. */
  outside<T>(ask: () => T): T {
    this.#outside++
    try {
      return ask()
    } finally {
      this.#outside--
    }
  }
}
