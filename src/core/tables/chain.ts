/**
 * Lists whose items know their own place, so that moving or removing one costs the same among ten and among a million.
 * Owned by the indexes of the point table; an item has one link per list family it can be in.
 */

/** The place of one item. Written by `Chain` alone. */
export class Link<Item> {
  readonly item: Item
  /** Where it is now; none: in no list. */
  chain: Chain<Item> | undefined = undefined
  previous: Link<Item> | undefined = undefined
  next: Link<Item> | undefined = undefined

  constructor(item: Item) {
    this.item = item
  }
}

/** Front to back; what the order means is said where a chain is declared. Unbounded by itself: its owner bounds it. */
export class Chain<Item> {
  #first: Link<Item> | undefined = undefined
  #last: Link<Item> | undefined = undefined
  #size = 0

  get first(): Link<Item> | undefined {
    return this.#first
  }

  get last(): Link<Item> | undefined {
    return this.#last
  }

  get size(): number {
    return this.#size
  }

  /** Takes the link out of the chain that it is in, if any, and puts it first here. */
  pushFront(link: Link<Item>): void {
    link.chain?.remove(link)
    link.chain = this
    link.next = this.#first
    if (this.#first === undefined) this.#last = link
    else this.#first.previous = link
    this.#first = link
    this.#size++
  }

  /** Takes the link out of the chain that it is in, if any, and puts it last here. */
  pushBack(link: Link<Item>): void {
    link.chain?.remove(link)
    link.chain = this
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size++
  }

  /** The link must be in this chain. */
  remove(link: Link<Item>): void {
    const { previous, next } = link
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    link.previous = undefined
    link.next = undefined
    link.chain = undefined
    this.#size--
  }

  /** Front to back. The chain must not change meanwhile. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let link = this.#first; link !== undefined; link = link.next) yield link.item
  }
}
