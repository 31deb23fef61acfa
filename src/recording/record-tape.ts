/**
 * Records a run. The core of a pool does something only when an input reaches it: a timer, the end of a call, a link, a method of the
 * application. Inputs are delivered in turns: all that came since the last turn, in one go, and then the core works until no microtask is
 * left. A replay does the same, so the order of microtasks need not be written. For that, what a pool brings to the application and asks of
 * the world begins in turns of its own.
 *
 * A method that the application calls in the midst of such a turn of its own is written with the number of microtask rounds since the first.
 */
import type { Clock } from '../core/values/ports.ts'
import { type Form, type Json, maxRounds, mixed, type Plain, Question, type Tape } from './tape.ts'
import { writeError } from './taped-errors.ts'

/** Time within a turn is written when it has moved so far, µs: the core measures its own work in steps of 5 ms. */
const tickMicros = 1_000
/** The wall clock is written when it is off by more, ms. */
const dateSlackMs = 2
/** A link may fill its share at once, and as much again in each such time. */
const shareMs = 600_000
/** So many rounds of microtasks without a call, and the application is done for this turn. */
const quietRounds = 16

interface Input {
  /** `undefined`: it was cancelled meanwhile. */
  readonly write: () => Json | undefined
  readonly run: () => void
}

export class RecordTape implements Tape {
  readonly #clock: Clock
  readonly #share: number
  readonly #write: (line: string) => void
  readonly #failed: (error: unknown) => void
  // The turn that is being written.
  #micros: number
  #wroteMicros: number
  #turn = 0
  /** The first turn was, in which the pool is made. */
  #isWritten = false
  #nowCount = 0
  #offsetMs: number
  #inputs: Json[] = []
  #answers: Json[] = []
  #ticks: Json[] = []
  #chances: number[] = []
  #dateChange: number | undefined
  #sum = 0
  /** Questions of the application, or of people: the core's own state is not moved by them. */
  #outside = 0
  #frozen = false
  // What waits for its turn.
  readonly #arrived: Input[] = []
  readonly #leaving: (() => void)[] = []
  #isDue = false
  #calls = 0
  #timers = 0
  #links = 0
  // The application's turn.
  #isOpen = false
  #isBegun = false
  #round = 0
  #firstRound = 0
  #lastRound = 0
  #appTurn = 0

  /** `write` takes a line for each turn; `failed` hears of what a listener threw; `share`: bytes, of one link. */
  constructor(clock: Clock, { write, failed, share }: { write: (line: string) => void; failed: (error: unknown) => void; share: number }) {
    this.#clock = clock
    this.#share = share
    this.#write = write
    this.#failed = failed
    this.#micros = this.#wroteMicros = this.#read()
    this.#offsetMs = Math.round(clock.date() - this.#micros / 1_000)
  }

  /** Where the recording begins: µs of the clock, and how far the wall clock is ahead of it, ms. */
  get origin(): { readonly micros: number; readonly offsetMs: number } {
    return { micros: this.#micros, offsetMs: this.#offsetMs }
  }

  #read(): number {
    return Math.ceil(this.#clock.now() * 1_000)
  }

  // Time and chance.

  now(): number {
    if (this.#frozen) return this.#micros / 1_000
    const micros = Math.max(this.#read(), this.#micros)
    if (this.#outside > 0) return micros / 1_000
    this.#nowCount++
    if (micros - this.#micros >= tickMicros) {
      this.#ticks.push([this.#nowCount, micros - this.#micros])
      this.#micros = micros
    }
    return this.#micros / 1_000
  }

  /** Follows the monotonic clock, so that it need not be written. */
  date(): number {
    if (this.#outside > 0 && !this.#frozen) return this.#clock.date()
    return Math.floor(this.#micros / 1_000) + this.#offsetMs
  }

  schedule(delayMs: number, fn: () => void): () => void {
    const id = ++this.#timers
    let isCancelled = false
    const cancel = this.#clock.schedule(Math.ceil(delayMs * 1_000) / 1_000, () => {
      this.#arrived.push({ write: () => (isCancelled ? undefined : ['timer', id]), run: fn })
      this.#deliver()
    })
    return () => {
      isCancelled = true
      cancel()
    }
  }

  chance(draw: () => number): number {
    const drawn = draw()
    if (this.#outside === 0) this.#chances.push(drawn)
    return drawn
  }

  // Questions, calls, sources.

  question(kind: string, id?: number): Question {
    return new Question(kind, id)
  }

  answer(question: Question, ask: () => Plain): Plain {
    const answer = ask()
    if (this.#outside > 0) return answer
    if (question.turn !== this.#turn) {
      question.turn = this.#turn
      question.count = 0
    }
    question.count++
    this.#sum = mixed(this.#sum, question.code)
    if (answer !== question.last) {
      question.last = answer
      this.#answers.push([question.key, question.count, answer])
    }
    return answer
  }

  note(value: number): void {
    this.#sum = mixed(this.#sum, value)
  }

  call<Real, Given>(kind: string, work: () => Promise<Real>, { form, apart = false }: { form: Form<Real, Given>; apart?: boolean }) {
    const id = ++this.#calls
    this.#sum = mixed(this.#sum, id)
    const { promise, resolve, reject } = Promise.withResolvers<Given>()
    const done = (real: Real): void => {
      let json: Json = null
      const write = (): Json => {
        json = form.write(real)
        return ['done', id, kind, json]
      }
      this.#arrive({ write, run: () => resolve(form.read(json, real)) })
    }
    const failed = (error: unknown): void =>
      this.#arrive({ write: () => ['failed', id, kind, writeError(error)], run: () => reject(error) })
    const begin = (): void => void new Promise<Real>((started) => started(work())).then(done, failed)
    if (apart) this.leave(begin)
    else begin()
    return promise
  }

  source<Real, Given>(name: string, form: Form<Real, Given>, take: (given: Given) => void): (real: Real) => void {
    return (real) => {
      let json: Json = null
      const write = (): Json => {
        json = form.write(real)
        return ['event', name, json]
      }
      this.#arrive({ write, run: () => take(form.read(json, real)) })
    }
  }

  heard<Args extends readonly Json[], Result>(name: string, take: (...args: Args) => Result): (...args: Args) => Result {
    return (...args) => this.act(name, args, () => take(...args))
  }

  share(): (bytes: number) => Promise<void> | undefined {
    const began = this.#clock.now()
    return (bytes) => {
      const waitMs = (bytes / this.#share - 1) * shareMs - (this.#clock.now() - began)
      return waitMs > 0 ? new Promise((resolve) => void this.#clock.schedule(waitMs, resolve)) : undefined
    }
  }

  newLink(): number {
    return ++this.#links
  }

  *apart(lines: Iterable<string>): Iterable<string> {
    const iterator = lines[Symbol.iterator]()
    for (;;) {
      const { done, value } = this.outside(() => iterator.next())
      if (done === true) return
      yield value
    }
  }

  // Turns.

  #arrive(input: Input): void {
    this.#arrived.push(input)
    this.#schedule()
  }

  /** Does it in a turn of its own, in which the core does nothing: the application hears of something, or the world is asked. */
  leave(work: () => void): void {
    this.#leaving.push(work)
    this.#schedule()
  }

  /** Resolves in a later turn of the event loop, in which nothing is delivered. */
  later(): Promise<void> {
    return new Promise((resolve) => this.#clock.schedule(0, resolve))
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#clock.schedule(0, () => {
      this.#isDue = false
      if (this.#arrived.length > 0) {
        this.#deliver()
        if (this.#leaving.length > 0) this.#schedule()
      } else this.#leave()
    })
  }

  #deliver(): void {
    this.#begin()
    for (const { write, run } of this.#arrived.splice(0)) {
      const json = write()
      if (json === undefined) continue
      this.#inputs.push(json)
      run()
    }
  }

  #leave(): void {
    this.#open()
    this.#isBegun = false
    for (const work of this.#leaving.splice(0)) {
      try {
        work()
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  /** The turn before is written, and another begins. */
  #begin(): void {
    this.flush()
    this.#turn++
    this.#nowCount = 0
    this.#micros = Math.max(this.#read(), this.#micros)
    const offsetMs = Math.round(this.#clock.date() - this.#micros / 1_000)
    if (Math.abs(offsetMs - this.#offsetMs) <= dateSlackMs) return
    this.#offsetMs = offsetMs
    this.#dateChange = offsetMs
  }

  /** Writes the turn that is over. To be called when nothing runs. */
  flush(): void {
    const isEmpty = this.#inputs.length + this.#answers.length + this.#chances.length + this.#ticks.length === 0
    if (isEmpty && this.#isWritten && this.#dateChange === undefined) return
    const begun = this.#ticks.reduce((left: number, tick) => left - Number((tick as number[])[1]), this.#micros)
    const line: Record<string, Json> = { at: begun - this.#wroteMicros, do: this.#inputs }
    if (this.#answers.length > 0) line.answers = this.#answers
    if (this.#chances.length > 0) line.chance = this.#chances
    if (this.#ticks.length > 0) line.ticks = this.#ticks
    if (this.#dateChange !== undefined) line.date = this.#dateChange
    line.sum = this.#sum & 0xffff
    this.#wroteMicros = begun
    this.#inputs = []
    this.#answers = []
    this.#chances = []
    this.#ticks = []
    this.#dateChange = undefined
    this.#isWritten = true
    this.#write(JSON.stringify(line))
  }

  /** A turn of its own for a hash of the state, so that a replay can compare. */
  mark(make: () => string): void {
    this.#begin()
    this.#inputs.push(['saved', make()])
    this.flush()
  }

  // The application.

  /** A method that the application calls. `nothingDone`: it is taken out again. */
  act<T>(verb: string, args: readonly Json[], run: () => T, nothingDone: () => boolean = () => false): T {
    if (!this.#isOpen) this.#open()
    if (!this.#isBegun) {
      this.#begin()
      this.#isBegun = true
      this.#firstRound = this.#round
    }
    this.#lastRound = this.#round
    const entry: Json = ['call', Math.min(this.#round - this.#firstRound, maxRounds), verb, ...args]
    this.#inputs.push(entry)
    try {
      return run()
    } finally {
      if (nothingDone()) this.#inputs.splice(this.#inputs.lastIndexOf(entry), 1)
    }
  }

  /** A number of the application's turn that lasts; `undefined`: none lasts. */
  get appTurn(): number | undefined {
    return this.#isOpen ? this.#appTurn : undefined
  }

  #open(): void {
    this.#isOpen = true
    this.#isBegun = false
    this.#round = this.#lastRound = 0
    const turn = ++this.#appTurn
    const next = (): void => {
      if (turn !== this.#appTurn) return
      if (++this.#round - this.#lastRound > quietRounds) this.#isOpen = false
      else queueMicrotask(next)
    }
    queueMicrotask(next)
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

  /** The same, at the instant of the turn. */
  frozen<T>(ask: () => T): T {
    this.#frozen = true
    try {
      return this.outside(ask)
    } finally {
      this.#frozen = false
    }
  }
}
