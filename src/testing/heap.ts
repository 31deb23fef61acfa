/**
 * A binary heap whose items know their own place, so that any of them can be moved or removed in time that grows with the
 * logarithm of the size. Used by `timer-queue.ts`: the first to go is on top.
 */

/** What a heap writes into its items; -1: in no heap. An item is in one heap at most. */
export interface Heaped {
  heapIndex: number
}

export class Heap<Item extends Heaped> {
  readonly #items: Item[] = []
  readonly #before: (a: Item, b: Item) => boolean

  /** `before` is a strict total order. The items are bounded by the owner. */
  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  get first(): Item | undefined {
    return this.#items[0]
  }

  has(item: Item): boolean {
    return this.#items[item.heapIndex] === item
  }

  add(item: Item): void {
    item.heapIndex = this.#items.push(item) - 1
    this.#rise(item)
  }

  remove(item: Item): void {
    const last = this.#items.pop()
    const { heapIndex } = item
    item.heapIndex = -1
    if (last === undefined || last === item) return
    this.#put(last, heapIndex)
    this.#rise(last)
    this.#sink(last)
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return { items: this.#items, before: this.#before }
  }

  #rise(item: Item): void {
    let index = item.heapIndex
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = this.#items[above]
      if (parent === undefined || !this.#before(item, parent)) break
      this.#put(parent, index)
      index = above
    }
    this.#put(item, index)
  }

  #sink(item: Item): void {
    let index = item.heapIndex
    for (;;) {
      const left = this.#items[2 * index + 1]
      const right = this.#items[2 * index + 2]
      const child = left !== undefined && right !== undefined && this.#before(right, left) ? right : left
      if (child === undefined || !this.#before(child, item)) break
      const below = child.heapIndex
      this.#put(child, index)
      index = below
    }
    this.#put(item, index)
  }

  #put(item: Item, index: number): void {
    this.#items[index] = item
    item.heapIndex = index
  }
}
