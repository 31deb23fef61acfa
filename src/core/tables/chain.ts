/**
 * Lists whose items know their own place, so that moving or removing one costs the same among ten and among a million.
 * Owned by the indexes of the point table; an item is in one list at a time, and `Place` lets a point be in more.
 */

/** What a list writes into its items. Written by `Chain` alone. */
export interface Linked<Item extends Linked<Item>> {
  /** Where it is now; none: in no list. */
  chain: Chain<Item> | undefined
  previous: Item | undefined
  next: Item | undefined
}

/** Front to back; what the order means is said where a chain is declared. Unbounded by itself: its owner bounds it. */
export class Chain<Item extends Linked<Item>> {
  #first: Item | undefined = undefined
  #last: Item | undefined = undefined
  #size = 0

  get first(): Item | undefined {
    return this.#first
  }

  get last(): Item | undefined {
    return this.#last
  }

  get size(): number {
    return this.#size
  }

  /** Takes the item out of the chain that it is in, if any, and puts it first here. */
  pushFront(item: Item): void {
    item.chain?.remove(item)
    item.chain = this
    item.next = this.#first
    if (this.#first === undefined) this.#last = item
    else this.#first.previous = item
    this.#first = item
    this.#size++
  }

  /** Takes the item out of the chain that it is in, if any, and puts it last here. */
  pushBack(item: Item): void {
    item.chain?.remove(item)
    item.chain = this
    item.previous = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.next = item
    this.#last = item
    this.#size++
  }

  /** The item must be in this chain. */
  remove(item: Item): void {
    const { previous, next } = item
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    item.previous = undefined
    item.next = undefined
    item.chain = undefined
    this.#size--
  }

  /** Front to back. The chain must not change meanwhile. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let item = this.#first; item !== undefined; item = item.next) yield item
  }
}
