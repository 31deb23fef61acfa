/** A set in order of insertion of which the newest items and random ones can be had at a cost that does not depend on its size. */

/** Each item with its place in `order`. */
export class RecencySet<T> extends Map<T, number> {
  /** The first inserted first, with gaps where something was removed: hardly more than there are items. */
  order: readonly (T | undefined)[] = []

  /** At the end; one that is there already keeps its place. */
  add(item: T): void {
    if (!this.has(item)) this.set(item, (this.order as T[]).push(item) - 1)
  }

  override delete(item: T): boolean {
    const order = this.order as (T | undefined)[]
    const place = this.get(item)
    if (place === undefined) return false
    order[place] = undefined
    super.delete(item)
    if (order.length > 2 * this.size + 32) {
      this.order = [...this.keys()]
      this.order.forEach((kept, i) => void super.set(kept as T, i))
    }
    return true
  }

  /** At most so many, the last inserted first. */
  newest(count: number): T[] {
    const found: T[] = []
    for (let place = this.order.length; place-- > 0 && found.length < count; ) {
      const item = this.order[place]
      if (item !== undefined) found.push(item)
    }
    return found
  }
}
