/** A long list of what is known: filtered by text and condition, sorted, and drawn a page at a time. */
import { type Condition, conditionNames, conditions } from './conditions.ts'
import { byId, el, keyedList, type Row, setHidden, setText } from './dom.ts'
import { formatCount } from './format.ts'
import type { Known } from './known-info.ts'
import type { Order } from './known-order.ts'

/** Rows drawn at first, and added by each press of "more". */
const rowsAtOnce = 12

export interface KnownListInit<Info> {
  key(info: Info): string
  /** What the filter looks in. */
  text(info: Info): string
  /** By the values of the choice "Sort by". */
  readonly orders: Readonly<Record<string, Order<Info>>>
  row(known: Known<Info>): Row<Known<Info>>
}

export interface KnownList<Info> {
  show(known: readonly Known<Info>[]): void
  /** Shows only what has this text. */
  filterBy(text: string): void
}

export function knownList<Info>(
  name: 'points' | 'peers',
  redraw: () => void,
  { key, text, orders, row }: KnownListInit<Info>
): KnownList<Info> {
  const filter = byId(`filter-${name}`, HTMLInputElement)
  const only = byId(`only-${name}`, HTMLSelectElement)
  const sort = byId(`sort-${name}`, HTMLSelectElement)
  const tools = byId(`tools-${name}`, HTMLDivElement)
  const empty = byId(`${name}-empty`, HTMLParagraphElement)
  const more = byId(`more-${name}`, HTMLButtonElement)
  const all = byId(`all-${name}`, HTMLButtonElement)
  const whenEmpty = empty.textContent ?? ''
  const list = keyedList<Known<Info>>(byId(name === 'points' ? 'point-list' : 'peer-list', HTMLUListElement), {
    key: ({ info }) => key(info),
    create: row
  })
  let shown = rowsAtOnce
  const restart = () => {
    shown = rowsAtOnce
    redraw()
  }
  filter.addEventListener('input', restart)
  only.addEventListener('change', restart)
  sort.addEventListener('change', redraw)
  more.addEventListener('click', () => {
    shown += rowsAtOnce
    redraw()
  })
  all.addEventListener('click', () => {
    shown = Number.POSITIVE_INFINITY
    redraw()
  })
  const showConditions = conditionChoice(only)
  return {
    show(known) {
      showConditions(known)
      const wanted = filter.value.trim().toLowerCase()
      const found = known.filter(
        ({ info, condition }) =>
          (only.value === '' || condition === only.value) && (wanted === '' || text(info).toLowerCase().includes(wanted))
      )
      found.sort(orders[sort.value] ?? orders.condition)
      list.show(found.slice(0, shown))
      const left = Math.max(0, found.length - shown)
      setHidden(tools, known.length === 0)
      setHidden(empty, found.length > 0)
      setText(empty, known.length === 0 ? whenEmpty : `None of ${formatCount(known.length, name.slice(0, -1))} matches.`)
      setHidden(more, left === 0)
      setText(more, `Show ${Math.min(rowsAtOnce, left)} more`)
      setHidden(all, left <= rowsAtOnce)
      setText(all, `Show all ${found.length}`)
    },
    filterBy(wanted) {
      filter.value = wanted
      only.value = ''
      restart()
    }
  }
}

/** Each condition with how many are in it; those that nobody is in cannot be chosen. */
function conditionChoice(choice: HTMLSelectElement): (known: readonly Known<unknown>[]) => void {
  const options = new Map<Condition, HTMLOptionElement>()
  for (const name of conditionNames) {
    const option = el('option', { value: name })
    options.set(name, option)
    choice.append(option)
  }
  return (known) => {
    const counts = new Map<Condition, number>()
    for (const { condition } of known) counts.set(condition, (counts.get(condition) ?? 0) + 1)
    for (const [name, option] of options) {
      const count = counts.get(name) ?? 0
      setText(option, `${conditions[name].word} (${count})`)
      // The chosen one stays, so that what is seen stays explained.
      setHidden(option, count === 0 && choice.value !== name)
    }
  }
}
