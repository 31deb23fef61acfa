/**
 * A Bloom filter that forgets: a generational (counting-down) filter with 2^b cells of four bits. An item is surely
 * found for fifteen countdowns after it was added, then gone; an item that was never added is found by mistake with
 * probability fill^5. Called by `greylist.ts` alone, which says what an item's bytes are and when time passes.
 * The layout is that of the original's Bloomer (section 7 of its behaviour), which is given its hash likewise: with the
 * original's, BLAKE2b without a key, its test vectors hold.
 */
import { freshLevel } from './fresh-level.ts'

/** Cells set for each item. */
export const hashCount = 5
const hashBytes = 32
/** 32 cells lie in four words, one for each bit of their values, the lowest first: they count down together. */
const cellsPerGroup = 32
const wordsPerGroup = 4
/** Below this fill most groups are empty, and looking first is cheaper; above it a processor guesses wrong too often. */
const sparseFill = 0.002
/** 512 MiB, far above any configured size; five indices of this width fit in the hash. */
const maxIndexBits = 30

export interface FadingFilterOptions {
  /** b: the filter has 2^b cells and takes 2^b / 2 bytes, from the first `add` on. */
  readonly indexBits: number
  /** 32 bytes for an item, of which strangers must not know how: else they could compute whom to greylist. */
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
  /** The cells, in groups. Not there until something is added. */
  #words: Int32Array | undefined
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

  /** Sets the item's cells, which `cellsOf` told, to the freshest value. */
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
    this.#words ??= new Int32Array(Math.max(wordsPerGroup, (this.cellCount / cellsPerGroup) * wordsPerGroup))
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

  /** So many generations pass at once, in one pass over the cells: some 0.4 ms at 2,048 KiB on a desktop for one, the double for more. */
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
    if (this.#words !== undefined && !this.isEmpty) {
      if (steps === 2) lowerByTwo(this.#words)
      else if (steps > 2) lowerBy(this.#words, steps)
      else if (this.fill < sparseFill) lowerFewByOne(this.#words)
      else lowerByOne(this.#words)
    }
    const levels = this.#levels
    for (let level = 1; level <= steps; level++) levels[0] = (levels[0] ?? 0) + (levels[level] ?? 0)
    levels.splice(1, steps)
    this.#added.length -= steps
    for (let i = 0; i < steps; i++) {
      levels.push(0)
      this.#added.unshift(0)
    }
  }

  #set(words: Int32Array, cell: number, level: number): void {
    const old = levelIn(words, cell)
    this.#levels[old] = (this.#levels[old] ?? 0) - 1
    this.#levels[level] = (this.#levels[level] ?? 0) + 1
    const bit = 1 << (cell & 31)
    const start = (cell >>> 5) * wordsPerGroup
    for (let plane = 0; plane < wordsPerGroup; plane++) {
      const word = words[start + plane] ?? 0
      words[start + plane] = (level >> plane) & 1 ? word | bit : word & ~bit
    }
  }
}

function levelIn(words: Int32Array, cell: number): number {
  const start = (cell >>> 5) * wordsPerGroup
  const bitOf = (plane: number): number => ((words[start + plane] ?? 0) >>> (cell & 31)) & 1
  return bitOf(0) | (bitOf(1) << 1) | (bitOf(2) << 2) | (bitOf(3) << 3)
}

/**
 * Subtracts one from each cell that is above zero, 32 at a time: the lowest bit flips in all of them, and each borrow goes
 * on to the next bit where the result of the one before became a one by it.
 */
function lowerByOne(words: Int32Array): void {
  for (let i = 0; i < words.length; i += wordsPerGroup) lowerGroup(words, i)
}

/** The same where most groups are empty. */
function lowerFewByOne(words: Int32Array): void {
  for (let i = 0; i < words.length; i += wordsPerGroup) {
    if (((words[i] as number) | (words[i + 1] as number) | (words[i + 2] as number) | (words[i + 3] as number)) !== 0) lowerGroup(words, i)
  }
}

function lowerGroup(words: Int32Array, i: number): void {
  const bit0 = words[i] as number
  const bit1 = words[i + 1] as number
  const bit2 = words[i + 2] as number
  const bit3 = words[i + 3] as number
  const new0 = bit0 ^ (bit0 | bit1 | bit2 | bit3)
  const new1 = bit1 ^ new0
  const borrow2 = new0 & new1
  const new2 = bit2 ^ borrow2
  words[i] = new0
  words[i + 1] = new1
  words[i + 2] = new2
  words[i + 3] = bit3 ^ (borrow2 & new2)
}

/** Subtracts two, the step of a crowded filter: as `lowerByOne` upon the three upper bits; where these are zero, nothing is left. */
function lowerByTwo(words: Int32Array): void {
  for (let i = 0; i < words.length; i += wordsPerGroup) {
    const bit1 = words[i + 1] as number
    const bit2 = words[i + 2] as number
    const bit3 = words[i + 3] as number
    const enough = bit1 | bit2 | bit3
    const new1 = bit1 ^ enough
    const new2 = bit2 ^ new1
    words[i] = (words[i] as number) & enough
    words[i + 1] = new1
    words[i + 2] = new2
    words[i + 3] = bit3 ^ (new1 & new2)
  }
}

/** The same for 3 to 14 steps: a subtraction bit by bit, after which cells that still owe a borrow were too small and become zero. */
function lowerBy(words: Int32Array, steps: number): void {
  const minus0 = -(steps & 1)
  const minus1 = -((steps >> 1) & 1)
  const minus2 = -((steps >> 2) & 1)
  const minus3 = -((steps >> 3) & 1)
  for (let i = 0; i < words.length; i += wordsPerGroup) {
    const bit0 = words[i] as number
    const bit1 = words[i + 1] as number
    const bit2 = words[i + 2] as number
    const bit3 = words[i + 3] as number
    const borrow1 = ~bit0 & minus0
    const borrow2 = (~bit1 & (minus1 | borrow1)) | (minus1 & borrow1)
    const borrow3 = (~bit2 & (minus2 | borrow2)) | (minus2 & borrow2)
    const enough = ~((~bit3 & (minus3 | borrow3)) | (minus3 & borrow3))
    words[i] = (bit0 ^ minus0) & enough
    words[i + 1] = (bit1 ^ minus1 ^ borrow1) & enough
    words[i + 2] = (bit2 ^ minus2 ^ borrow2) & enough
    words[i + 3] = (bit3 ^ minus3 ^ borrow3) & enough
  }
}
