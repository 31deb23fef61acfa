/**
 * The stopwatch of a break: from the moment of the break until the band is back, computed from events and their times alone. Pure; one
 * counts the pool's connections, another one those of plain libp2p. break-run.ts feeds them, break-it.ts shows them.
 */

/** What a break does, which may be known a little after its beginning. */
export interface Blow {
  /** The connections with these peers work no more, whether that was noticed or not. */
  readonly dead: readonly string[]
  /** A peer that has to come and go before anything is well again. */
  readonly unwelcome?: string | undefined
  /** Nothing can be back before; wall clock, ms. Infinite: the break goes on. */
  readonly overAt: number
  /**
   * When what was broken was there again; wall clock, ms. Infinite: it is not. A stopwatch that found enough all the time stops no earlier, one that
   * found too few stops when there are enough. @default it does not matter
   */
  readonly mendedAt?: number | undefined
}

/** How many connections work, and how many did at the worst moment so far. */
interface Counts {
  readonly working: number
  readonly fewest: number
  /** Connections before, and how many of those the break ended. */
  readonly before: number
  readonly lost: number
}

export type Progress =
  /** The break goes on, or the band is not back. */
  | ({ readonly kind: 'runs' } & Counts)
  /** `held`: there were always enough. */
  | ({ readonly kind: 'back' | 'held'; readonly tookMs: number } & Counts)

export interface StopwatchStart {
  /** Wall clock, ms. */
  readonly at: number
  /** Peer ids. */
  readonly connected: Iterable<string>
  /** The band is back with so many. */
  readonly enough: number
}

interface Happened {
  readonly at: number
  readonly peerId: string
  readonly isOpen: boolean
}

/** What happens while a stopwatch runs; beyond, it counts no more and is given up at its end. */
const maxEvents = 10_000

export class Stopwatch {
  readonly startedAt: number
  readonly enough: number
  readonly #before: ReadonlySet<string>
  readonly #happened: Happened[] = []
  #blow: Blow | undefined
  #progress: Progress

  constructor({ at, connected, enough }: StopwatchStart) {
    this.startedAt = at
    this.enough = enough
    this.#before = new Set(connected)
    this.#progress = { kind: 'runs', working: this.#before.size, fewest: this.#before.size, before: this.#before.size, lost: 0 }
  }

  get progress(): Progress {
    return this.#progress
  }

  /** What the break does, as far as it is known; the last word counts. What has happened since the start counts, too. */
  strike(blow: Blow): void {
    this.#blow = blow
    this.#look()
  }

  /** A connection was made. */
  opened(peerId: string, at: number): void {
    this.#add({ peerId, at, isOpen: true })
  }

  /** A connection ended. */
  closed(peerId: string, at: number): void {
    this.#add({ peerId, at, isOpen: false })
  }

  #add(happened: Happened): void {
    if (this.#progress.kind !== 'runs' || this.#happened.length >= maxEvents) return
    this.#happened.push(happened)
    this.#look()
  }

  /** Goes through all that happened: what the break does may be known later than it is felt. */
  #look(): void {
    const { dead = [], unwelcome, overAt = Number.POSITIVE_INFINITY, mendedAt = overAt } = this.#blow ?? {}
    const working = new Set(this.#before)
    for (const peerId of dead) working.delete(peerId)
    const counts = { before: this.#before.size, lost: this.#before.size - working.size }
    let fewest = working.size
    let isRid = unwelcome === undefined
    /** As it is from `at` until `nextAt`. */
    const endWithin = (at: number, nextAt: number): Progress | undefined => {
      const kind = fewest < this.enough ? 'back' : 'held'
      const notBefore = kind === 'held' ? Math.max(overAt, mendedAt) : overAt
      if (notBefore === Number.POSITIVE_INFINITY || nextAt < notBefore || !isRid || working.size < this.enough) return undefined
      return { kind, tookMs: Math.max(at, notBefore) - this.startedAt, working: working.size, fewest, ...counts }
    }
    const timeOf = (index: number): number => this.#happened[index]?.at ?? Number.POSITIVE_INFINITY
    let end = endWithin(this.startedAt, timeOf(0))
    for (const [index, { at, peerId, isOpen }] of this.#happened.entries()) {
      if (peerId === unwelcome) isRid = !isOpen
      else if (isOpen) working.add(peerId)
      else working.delete(peerId)
      fewest = Math.min(fewest, working.size)
      end ??= endWithin(at, timeOf(index + 1))
    }
    this.#progress = end ?? { kind: 'runs', working: working.size, fewest, ...counts }
  }
}
