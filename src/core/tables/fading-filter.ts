/**
 * A Bloom filter that forgets: a generational (counting-down) filter with 2^b cells of four bits. An item is surely
 * found for fifteen countdowns after it was added, then gone; an item that was never added is found by mistake with
 * probability fill^5. Called by `greylist.ts` alone, which says what an item's bytes are and when time passes.
 * The layout is that of the original's Bloomer (section 7 of its behaviour), which is given its hash likewise: with the
 * original's, BLAKE2b without a key, its test vectors hold.
 */
import { freshLevel } from '../values/bounds.ts'

/** Cells set for each item. */
export const hashCount = 5
const hashBytes = 32
const cellsPerWord = 8
const bitsPerCell = 4
/** The lowest bit of each cell of a word. */
const lowestBits = 0x11111111
/** 512 MiB, far above any configured size; five indices of this width fit in the hash. */
const maxIndexBits = 30

export interface FadingFilterOptions {
  /** b: the filter has 2^b cells and takes 2^b / 2 bytes, from the first `add` on. */
  readonly indexBits: number
  /** 32 bytes for an item. Others must not know how it is made, or they could choose hosts to be greylisted with. */
  readonly hash: (item: Uint8Array) => Uint8Array
}

/** b of the largest power of two of four-bit cells that fits in so many KiB: 22 for 2,048. */
export function indexBitsFor(sizeKiB: number): number {
  if (!Number.isInteger(sizeKiB) || sizeKiB < 1) throw new RangeError(`filter size: expected a whole number of KiB from 1, got ${sizeKiB}`)
  return 11 + Math.floor(Math.log2(sizeKiB))
}

export class FadingFilter {
  readonly cellCount: number
  readonly #indexBits: number
  readonly #hash: (item: Uint8Array) => Uint8Array
  /** The cells. Not there until something is added. */
  #words: Uint32Array | undefined
  /** Cells by value, kept up to date, so that figures cost nothing. */
  readonly #levels = new Array<number>(freshLevel + 1).fill(0)
  /** Items added in this generation and the fourteen before it. */
  readonly #added = new Array<number>(freshLevel).fill(0)

  constructor({ indexBits, hash }: FadingFilterOptions) {
    if (!Number.isInteger(indexBits) || indexBits < 1 || indexBits > maxIndexBits) {
      throw new RangeError(`filter index bits: expected 1 to ${maxIndexBits}, got ${indexBits}`)
    }
    this.#indexBits = indexBits
    this.cellCount = 2 ** indexBits
    this.#levels[0] = this.cellCount
    this.#hash = hash
  }

  /** Cells above zero, of all: 0 to 1. */
  get fill(): number {
    return this.fillAfter(0)
  }

  /** The fill that so many countdowns would leave. */
  fillAfter(steps: number): number {
    return this.#levels.slice(steps + 1).reduce((sum, cells) => sum + cells, 0) / this.cellCount
  }

  /** Nothing would be found. */
  get isEmpty(): boolean {
    return this.#levels[0] === this.cellCount
  }

  /** The number of items in force: exact if none was removed or added twice, else too high. */
  get approximateCount(): number {
    return this.#added.reduce((sum, count) => sum + count, 0)
  }

  /** Number of cells of each value, 0 to 15; their sum is `cellCount`. */
  lifeExpectancyHistogram(): number[] {
    return [...this.#levels]
  }

  /** The five cells of an item, the same for equal bytes as long as this filter lives. */
  cellsOf(item: Uint8Array): number[] {
    const hash = this.#hash(item)
    const view = new DataView(hash.buffer, hash.byteOffset, hashBytes)
    const cells: number[] = []
    for (let i = 0; i < hashCount; i++) {
      const bit = i * this.#indexBits
      // A field that begins inside a byte can touch five bytes, one more than a read gives.
      const shift = bit & 7
      const low = view.getUint32(bit >> 3, true) >>> shift
      const high = shift === 0 ? 0 : view.getUint8((bit >> 3) + 4) << (32 - shift)
      cells.push((low | high) & (this.cellCount - 1))
    }
    return cells
  }

  /** Sets the item's cells, from `cellsOf`, to the freshest value. */
  add(cells: readonly number[]): void {
    this.raise(cells, freshLevel)
    this.#added[0] = (this.#added[0] ?? 0) + 1
  }

  has(item: Uint8Array): boolean {
    const words = this.#words
    return words !== undefined && !this.isEmpty && this.cellsOf(item).every((cell) => levelIn(words, cell) > 0)
  }

  /** Brings the cells up to a level where they are below: mends what `remove` took from an item that stays. */
  raise(cells: readonly number[], level: number): void {
    this.#words ??= new Uint32Array(Math.ceil(this.cellCount / cellsPerWord))
    const words = this.#words
    for (const cell of cells) {
      if (levelIn(words, cell) < level) this.#set(words, cell, level)
    }
  }

  /** Empties the item's cells, and so makes others that share one of them be forgotten too. */
  remove(cells: readonly number[]): void {
    const words = this.#words
    if (words === undefined) return
    for (const cell of cells) this.#set(words, cell, 0)
  }

  /** So many generations pass at once, in one pass over the cells: about a millisecond at 2,048 KiB on a desktop. */
  countdown(steps = 1): void {
    if (!Number.isInteger(steps) || steps < 0) throw new RangeError(`countdown: expected a whole number of steps from 0, got ${steps}`)
    if (steps >= freshLevel) this.clear()
    else if (steps > 0) this.#lower(steps)
  }

  clear(): void {
    if (!this.isEmpty) this.#words?.fill(0)
    this.#levels.fill(0)
    this.#levels[0] = this.cellCount
    this.#added.fill(0)
  }

  #lower(steps: number): void {
    if (this.#words !== undefined && !this.isEmpty) lowerBy(this.#words, steps)
    const levels = this.#levels
    for (let level = 1; level <= steps; level++) levels[0] = (levels[0] ?? 0) + (levels[level] ?? 0)
    levels.splice(1, steps)
    this.#added.length -= steps
    for (let i = 0; i < steps; i++) {
      levels.push(0)
      this.#added.unshift(0)
    }
  }

  #set(words: Uint32Array, cell: number, level: number): void {
    const old = levelIn(words, cell)
    this.#levels[old] = (this.#levels[old] ?? 0) - 1
    this.#levels[level] = (this.#levels[level] ?? 0) + 1
    words[wordOf(cell)] = (words[wordOf(cell)] ?? 0) ^ ((old ^ level) << shiftOf(cell))
  }
}

function wordOf(cell: number): number {
  return Math.floor(cell / cellsPerWord)
}

function shiftOf(cell: number): number {
  return (cell % cellsPerWord) * bitsPerCell
}

function levelIn(words: Uint32Array, cell: number): number {
  return ((words[wordOf(cell)] ?? 0) >>> shiftOf(cell)) & freshLevel
}

/** Subtracts one from each cell that is above zero, eight at a time, and so often. */
function lowerBy(words: Uint32Array, steps: number): void {
  for (let i = 0; i < words.length; i++) {
    let word = words[i] as number
    if (word === 0) continue
    for (let left = steps; left > 0; left--) word -= (word | (word >>> 1) | (word >>> 2) | (word >>> 3)) & lowestBits
    words[i] = word
  }
}
