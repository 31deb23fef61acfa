/**
 * The timers of a virtual clock in the order of their instants, then of their making. Only those of the present second stand in a
 * heap; later ones lie unordered in one bag for each second, where each is put and taken away in constant time. A world of ten
 * thousand pools has twenty thousand timers and more, most of which are cancelled before they are due, and a heap of all of
 * them costs a dozen reads from cold memory for each.
 */
import { Heap, type Heaped } from './heap.ts'

export interface Timer {
  readonly at: number
  /** In order of making; no two are equal. */
  readonly id: number
  readonly fn: () => void
}

/** A timer that waits; its owner can cancel it. */
export class Waiting implements Timer, Heaped {
  readonly at: number
  readonly id: number
  readonly fn: () => void
  /** Its place in the heap, or in its bag; -1: it waits no more. */
  heapIndex = -1
  bag: Bag | undefined = undefined

  constructor({ at, id, fn }: Timer) {
    this.at = at
    this.id = id
    this.fn = fn
  }
}

/** The timers of one second that is still to come. */
interface Bag extends Heaped {
  readonly second: number
  readonly timers: Waiting[]
}

const secondMs = 1_000

export class TimerQueue {
  readonly #soon = new Heap<Waiting>((a, b) => a.at < b.at || (a.at === b.at && a.id < b.id))
  /** Seconds from this one on are in bags; all before it in the heap. */
  #horizon = 0
  readonly #bags = new Map<number, Bag>()
  readonly #seconds = new Heap<Bag>((a, b) => a.second < b.second)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The next to fire. */
  get first(): Waiting | undefined {
    while (this.#soon.first === undefined) {
      const bag = this.#seconds.first
      if (bag === undefined) return undefined
      this.#seconds.remove(bag)
      this.#bags.delete(bag.second)
      this.#horizon = bag.second + 1
      for (const timer of bag.timers) {
        timer.bag = undefined
        this.#soon.add(timer)
      }
      bag.timers.length = 0
    }
    return this.#soon.first
  }

  add(timer: Timer): Waiting {
    const waiting = new Waiting(timer)
    const second = Math.floor(timer.at / secondMs)
    this.#size++
    if (second < this.#horizon) this.#soon.add(waiting)
    else {
      const bag = this.#bagOf(second)
      waiting.bag = bag
      waiting.heapIndex = bag.timers.push(waiting) - 1
    }
    return waiting
  }

  /** Nothing happens if it waits no more. */
  remove(timer: Waiting): void {
    if (timer.heapIndex < 0) return
    this.#size--
    if (timer.bag === undefined) this.#soon.remove(timer)
    else takeOut(timer.bag.timers, timer)
    // Who cancelled it may keep it: without this all timers of that second stay in memory, and the pools that made them.
    timer.bag = undefined
  }

  #bagOf(second: number): Bag {
    let bag = this.#bags.get(second)
    if (bag === undefined) {
      bag = { second, timers: [], heapIndex: -1 }
      this.#bags.set(second, bag)
      this.#seconds.add(bag)
    }
    return bag
  }
}

/** The last one takes its place: a bag has no order. */
function takeOut(timers: Waiting[], timer: Waiting): void {
  const last = timers.pop()
  if (last !== undefined && last !== timer) {
    timers[timer.heapIndex] = last
    last.heapIndex = timer.heapIndex
  }
  timer.heapIndex = -1
}
