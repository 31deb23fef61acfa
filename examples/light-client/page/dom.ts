/**
 * The little of a framework that the page needs: making elements, writing only what changed, lists by key. Text is always
 * text here: nothing in this page turns a string into HTML, since most strings come from other peers.
 */

type Attributes = Readonly<Record<string, string | boolean | undefined>>

/** `true` sets an empty attribute, `false` and `undefined` none. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  children: readonly (Node | string)[] = []
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value)
  element.append(...children)
  return element
}

/** The same for what is drawn in an `<svg>`. */
export function svgEl<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  children: readonly (Node | string)[] = []
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value)
  element.append(...children)
  return element
}

/** An element of index.html. Throws if it is not there or of another kind: page and script do not fit together. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) throw new Error(`index.html: expected a ${kind.name} with id ${id}, got ${element?.tagName ?? 'none'}`)
  return element
}

/** Leaves the document alone when nothing changed: called for each row at each drawing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setAttribute(element: Element, name: string, value: string | boolean | undefined): void {
  if (value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name)
  } else {
    const text = value === true ? '' : value
    if (element.getAttribute(name) !== text) element.setAttribute(name, text)
  }
}

export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden
}

export interface Row<Item> {
  readonly element: Element
  update(item: Item): void
}

export interface RowMaker<Item> {
  key(item: Item): string
  create(item: Item): Row<Item>
}

export interface KeyedList<Item> {
  /** Rows in the order of the items; those that stay keep their element, and with it focus and open details. */
  show(items: readonly Item[]): void
}

/** `parent` holds nothing but the rows. Keys are distinct. */
export function keyedList<Item>(parent: Element, { key, create }: RowMaker<Item>): KeyedList<Item> {
  let rows = new Map<string, Row<Item>>()
  return {
    show(items) {
      const next = new Map<string, Row<Item>>()
      for (const item of items) {
        const name = key(item)
        next.set(name, rows.get(name) ?? create(item))
      }
      for (const [name, { element }] of rows) if (!next.has(name)) element.remove()
      arrange(
        parent,
        Array.from(next.values(), ({ element }) => element)
      )
      // After the moves: Chromium 156 does not restyle an element that changes and then moves in the same turn.
      for (const item of items) next.get(key(item))?.update(item)
      rows = next
    }
  }
}

/** Moves as few elements as can be: of hundreds of rows one that goes from the top to the bottom is moved alone. */
function arrange(parent: Element, elements: readonly Element[]): void {
  const places = new Map<Element, number>()
  for (const [index, element] of [...parent.children].entries()) places.set(element, index)
  const stays = longestRise(elements.map((element) => places.get(element) ?? -1))
  let after: Element | null = null
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const element = elements[index]
    if (element === undefined) continue
    if (!stays.has(index)) putBefore(parent, element, after)
    after = element
  }
}

/** Indexes of a longest subsequence of rising numbers; those below 0 are never in it. */
function longestRise(numbers: readonly number[]): ReadonlySet<number> {
  /** By length of a rise: the index at which one of that length ends lowest. */
  const ends: number[] = []
  const before: number[] = []
  numbers.forEach((number, index) => {
    if (number < 0) return
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((numbers[ends[middle] ?? 0] ?? 0) < number) low = middle + 1
      else high = middle
    }
    before[index] = ends[low - 1] ?? -1
    ends[low] = index
  })
  const rise = new Set<number>()
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index] ?? -1) rise.add(index)
  return rise
}

/** `moveBefore` keeps the focus of an element that only changes its place; browsers without it lose it. */
function putBefore(parent: Element, element: Element, place: Element | null): void {
  if (element.parentElement === parent && 'moveBefore' in parent) parent.moveBefore(element, place)
  else parent.insertBefore(element, place)
}
