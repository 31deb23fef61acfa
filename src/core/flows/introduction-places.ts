/**
 * Places of an introducer: so many introductions run through it at once. Most take a second, none more than half a minute. A few peers that work
 * together could hold all places, and ask again. So the time that a peer holds places is counted, and while all are taken a peer that has held
 * them for longer gives one to a peer that has not. Which ids these have, or at which hosts they are, does not matter.
 */
import type { Clock } from '../values/ports.ts'
import type { FlowConnection } from './context.ts'

/** Introductions in progress. */
const maxPlaces = 4
/** Of these, asked for by one peer. */
const maxOfAsker = 2
/** A peer loses a place only to one that has held places for so much less, ms: far more than an introduction takes. */
const fairMs = 10_000
/** A peer that holds no place: each ms takes so much from what it has held. */
const forgotten = 0.1

/** How long one peer has held places, as of an instant. */
interface Holding {
  ms: number
  at: number
  places: number
}

interface Place {
  readonly by: Holding
  readonly cut: () => void
}

export class Places {
  readonly #clock: Clock
  readonly #holdings = new WeakMap<FlowConnection, Holding>()
  /** The oldest first. */
  readonly #taken: Place[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Would `take` give this peer a place? */
  isFree(asker: FlowConnection): boolean {
    const by = this.#holdingOf(asker)
    return by.places < maxOfAsker && (this.#taken.length < maxPlaces || this.#placeFor(by) !== undefined)
  }

  /** Call it when `isFree` says so. Returns what gives the place back, any number of times. `cut`: another peer gets the place; called once at most. */
  take(asker: FlowConnection, cut: () => void): () => void {
    const by = this.#holdingOf(asker)
    const lost = this.#taken.length < maxPlaces ? undefined : this.#placeFor(by)
    const place = { by, cut }
    by.places++
    this.#taken.push(place)
    if (lost !== undefined) {
      this.#free(lost)
      lost.cut()
    }
    return () => this.#free(place)
  }

  /** The oldest place of the peer that has held places the longest, if that is much longer than this one has. */
  #placeFor(newcomer: Holding): Place | undefined {
    const most = Math.max(...this.#taken.map(({ by }) => this.#now(by).ms))
    return most - newcomer.ms >= fairMs ? this.#taken.find(({ by }) => by.ms === most) : undefined
  }

  #free(place: Place): void {
    const at = this.#taken.indexOf(place)
    if (at < 0) return
    this.#taken.splice(at, 1)
    this.#now(place.by).places--
  }

  #holdingOf(asker: FlowConnection): Holding {
    const held = this.#holdings.get(asker) ?? { ms: 0, at: this.#clock.now(), places: 0 }
    this.#holdings.set(asker, held)
    return this.#now(held)
  }

  #now(held: Holding): Holding {
    const now = this.#clock.now()
    held.ms = Math.max(0, held.ms + (now - held.at) * (held.places || -forgotten))
    held.at = now
    return held
  }
}
